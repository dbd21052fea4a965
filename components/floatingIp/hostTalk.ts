import {
    CloudWatchLogsClient,
    CreateLogStreamCommand,
    GetLogEventsCommand,
    type OutputLogEvent,
    PutLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";

/** What `docker/host/boot` says: how an attempt has ended, that it has stopped the release, that it has the address. */
export const HEALTHY = "decanter: healthy";
export const FAILED = "decanter: failed: ";
export const STOPPED = "decanter: stopped";
export const SERVES = "decanter: serves";

/** What a deploy tells a host: to try again, to stop what it runs, and that the address is there. */
export type Word = "decanter: start" | "decanter: stop" | typeof SERVES;

export interface HostTalkArgs {
    region: string;
    /** Id of the host, which is the name of its log stream. */
    instanceId: string;
    /** Log group of the stream. */
    logGroup: string;
}

/**
 * What a host and the deploys say to each other in CloudWatch. AWS sorts a stream by the clocks of who writes to it, so a
 * deploy has a stream of its own, beside the host's.
 */
export class HostTalk {
    private readonly client: CloudWatchLogsClient;
    private place?: string;

    constructor(private readonly args: HostTalkArgs) {
        // A gate asks for minutes, and one of them may be a bad one.
        this.client = new CloudWatchLogsClient({ region: args.region, maxAttempts: 10 });
    }

    /** What the host has said since it was asked the last time. */
    async hear(): Promise<string[]> {
        const { events, place } = await this.read(this.args.instanceId, this.place);
        this.place = place;
        return events.map(({ message }) => message ?? "");
    }

    /** The last word of a deploy to the host. */
    async lastWord(): Promise<string | undefined> {
        return (await this.words()).at(-1)?.message;
    }

    /** Says something to the host, which may have not said anything yet. */
    async say(word: Word): Promise<void> {
        // The clock of the machine that deployed before may be ahead, and the last word counts.
        const latest = (await this.words()).at(-1)?.timestamp ?? 0;
        const logEvents = [{ timestamp: Math.max(Date.now(), latest + 1), message: word }];
        const stream = { logGroupName: this.args.logGroup, logStreamName: this.stream };
        const put = () => this.client.send(new PutLogEventsCommand({ ...stream, logEvents }));
        try {
            const { rejectedLogEventsInfo } = await put().catch(async (error: Error) => {
                if (error.name !== "ResourceNotFoundException") throw error;
                await this.client.send(new CreateLogStreamCommand(stream)).catch((known: Error) => {
                    // The host makes it too.
                    if (known.name !== "ResourceAlreadyExistsException") throw known;
                });
                return put();
            });
            if (rejectedLogEventsInfo)
                throw new Error("CloudWatch refuses its time: set this machine's clock");
        } catch (error) {
            throw this.explained(
                error as Error,
                "cannot be told anything",
                "logs:PutLogEvents and logs:CreateLogStream",
            );
        }
    }

    close(): void {
        this.client.destroy();
    }

    private get stream(): string {
        return `${this.args.instanceId}-deploy`;
    }

    private async words(): Promise<OutputLogEvent[]> {
        return (await this.read(this.stream)).events;
    }

    /** What is new in a stream since a place in it, and the next place. */
    private async read(
        logStreamName: string,
        from?: string,
    ): Promise<{ events: OutputLogEvent[]; place?: string }> {
        const events: OutputLogEvent[] = [];
        const query = { logGroupName: this.args.logGroup, logStreamName, startFromHead: true };
        for (let place = from; ;) {
            const page = await this.client
                .send(new GetLogEventsCommand({ ...query, nextToken: place }))
                .catch((error: Error) => {
                    // There is no stream before its first line.
                    if (error.name === "ResourceNotFoundException") return undefined;
                    throw this.explained(error, "cannot be heard", "logs:GetLogEvents");
                });
            events.push(...(page?.events ?? []));
            // AWS gives the same place again at the end, and some pages before it are empty.
            const next = page?.nextForwardToken;
            if (next === undefined || next === place) return { events, place };
            place = next;
        }
    }

    private explained(error: Error, problem: string, actions: string): Error {
        const { instanceId, logGroup } = this.args;
        const remedy =
            error.name === "AccessDeniedException"
                ? `allow the role that deploys ${actions} on ${logGroup}`
                : "see to it that AWS answers";
        return new Error(
            `the new host ${instanceId} ${problem}: ${remedy}, and run pulumi up again (${error.message})`,
        );
    }
}
