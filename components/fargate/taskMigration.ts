import { setTimeout as sleep } from "node:timers/promises";
import {
    DescribeTasksCommand,
    ECSClient,
    ListTasksCommand,
    RunTaskCommand,
    StopTaskCommand,
    type Task,
} from "@aws-sdk/client-ecs";
import { missingVariable } from "../release/logExcerpt";
import {
    MIGRATION_SECONDS,
    migrationCommand,
    missingShell,
    type ReleaseMigration,
} from "../release/migrationCommand";
import { howTaskEnded, type TaskLog, taskLog } from "./taskReport";

export interface TaskMigrationArgs extends TaskLog, ReleaseMigration {
    /** Cluster, by name. */
    cluster: string;
    /** Task definition of the new release, by ARN. */
    taskDefinition: string;
    /** Subnets and security groups, as the service has them: with others it might not reach the database. */
    subnets: string[];
    securityGroups: string[];
    assignPublicIp: boolean;
}

/** Who started a task, as AWS lists it. */
const STARTED_BY = "decanter-migration";

/** How long AWS may not know a task that it has just started, in seconds: it is consistent only in the end. */
const UNKNOWN_SECONDS = 30;

/**
 * Runs the migration as a task of the new release, and waits for its end. One that an interrupted deploy has left running
 * is waited for first. None runs on: one that does not end in time, or that cannot be followed, is stopped. Throws with the
 * reason and the last lines of its log where it does not end with exit code 0.
 */
export async function taskMigration(args: TaskMigrationArgs): Promise<void> {
    const { cluster, command, seconds = MIGRATION_SECONDS } = args;
    const client = new ECSClient({ region: args.region });
    const deadline = Date.now() + seconds * 1000;
    const fail = (problem: string, output = ""): never => {
        throw new Error(
            `the migration "${command}" failed, so nothing of the new release is started, and the next pulumi up migrates ` +
                `again: ${problem}${missingShell(problem)}` +
                (output === "" ? "" : `.${missingVariable(output)} Its last lines:\n${output}`),
        );
    };
    try {
        const running = await client.send(new ListTasksCommand({ cluster, startedBy: STARTED_BY }));
        const earlier = await Promise.all(
            (running.taskArns ?? []).map((arn) => untilStopped(client, args, arn, deadline)),
        );
        const left = earlier.filter((end) => typeof end === "string");
        if (left.length > 0) return fail(`that of an earlier deploy: ${left.join("; ")}`);

        const arn = await start(client, args).catch((error: Error) => fail(error.message));
        const end = await untilStopped(client, args, arn, deadline);
        if (typeof end === "string") return fail(end, await taskLog(args, arn));
        if (end.containers?.find(({ name }) => name === args.container)?.exitCode !== 0)
            return fail(`task ${arn} ${howTaskEnded(end, args.container)}`, await taskLog(args, arn));
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
                containerOverrides: [{ name: args.container, command: migrationCommand(args.command) }],
            },
        }),
    );
    const arn = tasks[0]?.taskArn;
    if (arn !== undefined) return arn;
    const reasons = failures.map(({ reason, detail }) => [reason, detail].filter(Boolean).join(": "));
    throw new Error(`AWS starts no task for it (${reasons.join("; ") || "without a reason"})`);
}

/** Waits for the end of a task, or stops it: then it is why, in words. */
async function untilStopped(
    client: ECSClient,
    args: TaskMigrationArgs,
    arn: string,
    deadline: number,
): Promise<Task | string> {
    const { cluster, seconds = MIGRATION_SECONDS } = args;
    try {
        const task = await ended(client, cluster, arn, deadline);
        if (task !== undefined) return task;
        const stopped = await stop(client, cluster, arn, "the migration took too long");
        return `task ${arn} took longer than ${seconds} s (migrateSeconds), and ${stopped}`;
    } catch (error) {
        const stopped = await stop(client, cluster, arn, "how the migration goes cannot be seen any more");
        return `task ${arn} cannot be followed (${(error as Error).message}), and ${stopped}`;
    }
}

/** The task at its end; undefined where the time is over before. It may be over before anybody has seen it run. */
async function ended(
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

/** Stops a task, and says so. What ends a deploy is never hidden by what AWS says to this. */
async function stop(client: ECSClient, cluster: string, task: string, reason: string): Promise<string> {
    try {
        await client.send(new StopTaskCommand({ cluster, task, reason }));
        return "was stopped";
    } catch (error) {
        const command = `aws ecs stop-task --cluster ${cluster} --task ${task}`;
        return `may run on, as it could not be stopped (${(error as Error).message}): ${command}`;
    }
}
