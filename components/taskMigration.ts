import { setTimeout as sleep } from "node:timers/promises";
import { CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
    DescribeTasksCommand,
    ECSClient,
    ListTasksCommand,
    RunTaskCommand,
    StopTaskCommand,
    type Task,
} from "@aws-sdk/client-ecs";
import { lastLines } from "./docker";

export interface TaskMigrationArgs {
    region: string;
    /** Cluster, by name. */
    cluster: string;
    /** Task definition of the new release, by ARN. */
    taskDefinition: string;
    /** Container of the task definition. */
    container: string;
    /** Command that migrates, run by a shell in the image's folder, such as `bin/migrate`. */
    command: string;
    /** How long it may take, from the moment that it is asked for until it has ended, in seconds. */
    seconds: number;
    /** Subnets and security groups, as the service has them: with others it might not reach the database. */
    subnets: string[];
    securityGroups: string[];
    assignPublicIp: boolean;
    /** Log group of the container, and the first part of its streams. */
    logGroup: string;
    streamPrefix: string;
    /** Values that no error shows. */
    secrets: string[];
}

/** Who started a task, as AWS lists it. */
const STARTED_BY = "decanter-migration";

/** How long AWS may not know a task that it has just started, in seconds: it is consistent only in the end. */
const UNKNOWN_SECONDS = 30;

/**
 * Runs the migration as a task of the new release, and waits for its end. One that an interrupted deploy has left running
 * is waited for first. Throws with the reason and the last lines of its log where it does not end with exit code 0.
 */
export async function taskMigration(args: TaskMigrationArgs): Promise<void> {
    const { cluster, command, seconds } = args;
    const client = new ECSClient({ region: args.region });
    const deadline = Date.now() + seconds * 1000;
    const fail = (problem: string, output = ""): never => {
        throw new Error(
            `the migration "${command}" failed; the old release serves on, and the next pulumi up migrates again: ` +
                problem +
                (output === "" ? "" : `. Its last lines:\n${output}`),
        );
    };
    try {
        const running = await client.send(new ListTasksCommand({ cluster, startedBy: STARTED_BY }));
        for (const earlier of running.taskArns ?? []) {
            const left = await untilStopped(client, cluster, earlier, deadline);
            if (left === undefined) {
                return fail(
                    `that of an earlier deploy, task ${earlier}, has not ended within ${seconds} s (migrateSeconds)`,
                );
            }
        }

        const arn = await start(client, args).catch((error: Error) => fail(error.message));
        const task = await untilStopped(client, cluster, arn, deadline);
        if (task === undefined) {
            const reason = "the migration took too long";
            await client.send(new StopTaskCommand({ cluster, task: arn, reason }));
            return fail(
                `task ${arn} took longer than ${seconds} s (migrateSeconds), and was stopped`,
                await log(args, arn),
            );
        }
        // A container that could not even be started has no exit code.
        if (task.containers?.find(({ name }) => name === args.container)?.exitCode !== 0)
            return fail(`task ${arn} ${howItEnded(task, args.container)}`, await log(args, arn));
    } finally {
        client.destroy();
    }
}

async function start(client: ECSClient, args: TaskMigrationArgs): Promise<string> {
    const { tasks = [], failures = [] } = await client.send(
        new RunTaskCommand({
            cluster: args.cluster,
            taskDefinition: args.taskDefinition,
            launchType: "FARGATE",
            count: 1,
            startedBy: STARTED_BY,
            propagateTags: "TASK_DEFINITION",
            networkConfiguration: {
                awsvpcConfiguration: {
                    subnets: args.subnets,
                    securityGroups: args.securityGroups,
                    assignPublicIp: args.assignPublicIp ? "ENABLED" : "DISABLED",
                },
            },
            overrides: {
                containerOverrides: [
                    { name: args.container, command: ["/bin/sh", "-c", `exec ${args.command}`] },
                ],
            },
        }),
    );
    const arn = tasks[0]?.taskArn;
    if (arn !== undefined) return arn;
    const reasons = failures.map(({ reason, detail }) => [reason, detail].filter(Boolean).join(": "));
    throw new Error(`AWS starts no task for it (${reasons.join("; ") || "without a reason"})`);
}

/** Waits for the end of a task; undefined where the time is over before. It may be over before anybody has seen it run. */
async function untilStopped(
    client: ECSClient,
    cluster: string,
    arn: string,
    deadline: number,
): Promise<Task | undefined> {
    const started = Date.now();
    for (;;) {
        const { tasks } = await client.send(new DescribeTasksCommand({ cluster, tasks: [arn] }));
        const task = tasks?.[0];
        if (task?.lastStatus === "STOPPED") return task;
        if (task === undefined && Date.now() - started > UNKNOWN_SECONDS * 1000)
            return { stoppedReason: "AWS does not know the task any more" };
        if (Date.now() > deadline) return undefined;
        await sleep(2000);
    }
}

function howItEnded(task: Task, name: string): string {
    const container = task.containers?.find((one) => one.name === name);
    const code = container?.exitCode;
    const reasons = [task.stopCode, task.stoppedReason, container?.reason].filter(Boolean).join("; ");
    if (code === undefined) return `was never started (${reasons || "AWS gives no reason"})`;
    const forMemory = /OutOfMemory/i.test(reasons) ? ", as it used more memory than memoryMb" : "";
    return `ended with exit code ${code}${forMemory}${reasons === "" ? "" : ` (${reasons})`}`;
}

/** The last lines of the task's log, with every secret value replaced. They come a few seconds late. */
async function log(args: TaskMigrationArgs, arn: string): Promise<string> {
    const client = new CloudWatchLogsClient({ region: args.region });
    const logStreamName = `${args.streamPrefix}/${args.container}/${arn.split("/").at(-1)}`;
    try {
        for (let tries = 1; ; tries += 1) {
            const { events = [] } = await client
                .send(new GetLogEventsCommand({ logGroupName: args.logGroup, logStreamName, limit: 100 }))
                .catch((error: Error) => {
                    // A container that never ran has no stream.
                    if (error.name === "ResourceNotFoundException") return { events: [] };
                    return { events: [{ message: `its log cannot be read: ${error.message}` }] };
                });
            const text = events.map(({ message }) => message ?? "").join("\n");
            if (text !== "") return lastLines(text, args.secrets);
            if (tries === 5) return "";
            await sleep(1000);
        }
    } finally {
        client.destroy();
    }
}
