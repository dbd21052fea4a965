import { setTimeout as sleep } from "node:timers/promises";
import { CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { missingVariable } from "./containerReport";

/** What `docker/host/boot` says at the end of an attempt. */
const HEALTHY = "decanter: healthy";
const FAILED = "decanter: failed: ";

/** Lines of a host that an error shows. */
const LINES = 30;

export interface HostGateArgs {
    region: string;
    /** Id of the host, which is the name of its log stream. */
    instanceId: string;
    /** Log group of the stream. */
    logGroup: string;
    /** How long the host may take, in seconds. */
    seconds: number;
}

/**
 * Waits until a host says that its release is healthy. Throws when it says why that is not so, or when the time is over.
 *
 * What it said before is waited out: the host tries again what has failed, and the cause may have been mended since.
 */
export async function hostGate(args: HostGateArgs): Promise<void> {
    const { region, instanceId, seconds } = args;
    // It asks for minutes, and one of them may be a bad one.
    const client = new CloudWatchLogsClient({ region, maxAttempts: 10 });
    const refused = (problem: string) =>
        new Error(`the new host ${instanceId} does not serve, so the address stays where it is: ${problem}`);
    const deadline = Date.now() + seconds * 1000;
    try {
        let { said, token } = await read(client, args);
        const all = [...said];
        for (;;) {
            if (lastState(all) === HEALTHY) return;
            if (Date.now() > deadline) {
                const late = `it did not get healthy within ${seconds} s. `;
                throw refused(late + lastWords(all, `--region ${region} --instance-id ${instanceId}`));
            }
            await sleep(1000);
            ({ said, token } = await read(client, args, token));
            all.push(...said);
            const state = lastState(said);
            if (state?.startsWith(FAILED)) throw refused(explained(state));
        }
    } finally {
        client.destroy();
    }
}

/** What a host has said since a place in its log, and the next place. */
async function read(
    client: CloudWatchLogsClient,
    { logGroup, instanceId }: HostGateArgs,
    from?: string,
): Promise<{ said: string[]; token?: string }> {
    const said: string[] = [];
    for (let token = from; ;) {
        const query = { logGroupName: logGroup, logStreamName: instanceId, startFromHead: true };
        const page = await client
            .send(new GetLogEventsCommand({ ...query, nextToken: token }))
            .catch((error: Error) => {
                // A host has no stream before its first line.
                if (error.name === "ResourceNotFoundException") return undefined;
                const remedy =
                    error.name === "AccessDeniedException"
                        ? `allow the role that deploys logs:GetLogEvents on ${logGroup}`
                        : "see to it that AWS answers";
                throw new Error(
                    `what the new host ${instanceId} says cannot be read, so the address stays where it is: ` +
                        `${remedy}, and run pulumi up again (${error.message})`,
                );
            });
        said.push(...(page?.events ?? []).map(({ message }) => message ?? ""));
        // AWS gives the same place again at the end, and some pages before it are empty.
        const next = page?.nextForwardToken;
        if (next === undefined || next === token) return { said, token };
        token = next;
    }
}

/** How the last attempt ended; undefined while none has. */
function lastState(said: string[]): string | undefined {
    return said.filter((line) => line === HEALTHY || line.startsWith(FAILED)).at(-1);
}

/** A failure with what to do about it, where the log tells that. */
function explained(failure: string): string {
    const problem = failure.slice(FAILED.length);
    const remedy = /exec format error/i.test(problem)
        ? " The image is for another CPU: set platform, ami and instanceType to the same one."
        : missingVariable(problem);
    return problem.replace(/\. Its last lines:|$/, (end) =>
        end === "" ? remedy : `.${remedy}${end.slice(1)}`,
    );
}

function lastWords(said: string[], options: string): string {
    const state = lastState(said);
    if (state !== undefined) return `It said: ${explained(state)}`;
    if (said.length > 0) return `It said:\n${said.slice(-LINES).join("\n")}`;
    return (
        "It said nothing at all: it has no way to AWS, or did not start. " +
        `aws ec2 get-console-output --latest ${options} --output text shows what it printed.`
    );
}
