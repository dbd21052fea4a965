import { setTimeout as sleep } from "node:timers/promises";
import { CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DescribeTasksCommand, ECSClient, ListTasksCommand, type Task } from "@aws-sdk/client-ecs";
import * as pulumi from "@pulumi/pulumi";
import { missingVariable, lastLines } from "../release/logExcerpt";

/** Where a task's container writes, and what of it nobody may see. */
export interface TaskLog {
    region: string;
    /** Container of the task. */
    container: string;
    /** Log group of the container, and the first part of its streams. */
    logGroup: string;
    streamPrefix: string;
    /** Values that no error shows. */
    secrets: string[];
}

/** How a task has ended that should have run on, or ended well. */
export function howTaskEnded(task: Task, name: string): string {
    const container = task.containers?.find((one) => one.name === name);
    const code = container?.exitCode;
    const reasons = [task.stopCode, task.stoppedReason, container?.reason].filter(Boolean).join("; ");
    // A container that could not even be started has no exit code.
    if (code === undefined) return `was never started (${reasons || "AWS gives no reason"})`;
    const forMemory = /OutOfMemory/i.test(reasons) ? ", as it used more memory than memoryMb" : "";
    return `ended with exit code ${code}${forMemory}${reasons === "" ? "" : ` (${reasons})`}`;
}

/** The last lines of a task's log, with every secret value replaced; empty where there are none. They come a few seconds late. */
export async function taskLog(log: TaskLog, task: string): Promise<string> {
    const client = new CloudWatchLogsClient({ region: log.region });
    const logStreamName = `${log.streamPrefix}/${log.container}/${task.split("/").at(-1)}`;
    try {
        for (let tries = 1; ; tries += 1) {
            const { events = [] } = await client
                .send(new GetLogEventsCommand({ logGroupName: log.logGroup, logStreamName, limit: 100 }))
                .catch((error: Error) => {
                    // A container that never ran has no stream.
                    if (error.name === "ResourceNotFoundException") return { events: [] };
                    return { events: [{ message: `its log cannot be read: ${error.message}` }] };
                });
            const text = events.map(({ message }) => message ?? "").join("\n");
            if (text !== "") return lastLines(text, log.secrets);
            if (tries === 5) return "";
            await sleep(1000);
        }
    } finally {
        client.destroy();
    }
}

/** A service whose deployment has failed. */
export interface FailedService extends TaskLog {
    /** Cluster, by name. */
    cluster: string;
    /** Family of its task definitions. */
    family: string;
    /** Task definition of the release that failed, by ARN. */
    taskDefinition: string;
    /** What has become of it, and last what serves now. */
    outcome: string;
}

/** Logs an error with how the last task of a release ended that ECS has given up, what it said, and what serves now. */
export async function explainTasks(failed: FailedService, resource: pulumi.Resource): Promise<void> {
    let problem = "";
    try {
        problem = await lastEnd(failed);
    } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        await pulumi.log.warn(`why the new release does not run cannot be told: ${why}`, resource);
    }
    await pulumi.log.error(`the new release does not run${problem}\n${failed.outcome}`, resource);
}

/** How the last task of a release ended; empty where none has. */
async function lastEnd(failed: FailedService): Promise<string> {
    const { region, cluster, family, taskDefinition, container } = failed;
    const client = new ECSClient({ region });
    try {
        const stopped = new ListTasksCommand({ cluster, family, desiredStatus: "STOPPED" });
        const { taskArns = [] } = await client.send(stopped);
        if (taskArns.length === 0) return "";
        const { tasks = [] } = await client.send(new DescribeTasksCommand({ cluster, tasks: taskArns }));
        const [last] = tasks
            // Its migration has spoken for itself.
            .filter(
                (task) => task.taskDefinitionArn === taskDefinition && task.startedBy?.startsWith("ecs-svc/"),
            )
            .sort((a, b) => (b.stoppedAt?.getTime() ?? 0) - (a.stoppedAt?.getTime() ?? 0));
        if (last?.taskArn === undefined) return "";
        const log = await taskLog(failed, last.taskArn);
        const said = log === "" ? "" : ` Its last lines:\n${log}`;
        return `: task ${last.taskArn} ${howTaskEnded(last, container)}.${missingVariable(log)}${said}`;
    } finally {
        client.destroy();
    }
}
