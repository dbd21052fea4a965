import { strict as assert } from "node:assert";
import type { Resource } from "@pulumi/pulumi";
import { explainTasks, type FailedService } from "../../../components/fargate/taskReport";
import { withFakeAws } from "../../support/fakeAws";
import { logged } from "../../support/mockPulumi";

const arn = "arn:aws:ecs:eu-central-1:123456789012";
const failed: FailedService = {
    region: "eu-central-1",
    cluster: "hello-1",
    family: "decanter-prod-hello",
    taskDefinition: `${arn}:task-definition/decanter-prod-hello:7`,
    container: "hello",
    logGroup: "/decanter/prod/hello",
    streamPrefix: "release",
    secrets: ["hunter2"],
    outcome: "What serves now: decanter-prod-hello:6 (2 replicas)",
};

/** A task of the service that has stopped. */
function stopped(id: string, stoppedAt: number, others: object = {}) {
    return {
        taskArn: `${arn}:task/hello-1/${id}`,
        taskDefinitionArn: failed.taskDefinition,
        startedBy: "ecs-svc/1",
        stoppedAt,
        stoppedReason: "Essential container in task exited",
        containers: [{ name: "hello", exitCode: 1 }],
        ...others,
    };
}

/** What is logged at a level while a failed service is explained. */
async function said(level: "error" | "warn", answers: Parameters<typeof withFakeAws>[0]): Promise<string[]> {
    return withFakeAws(answers, () => logged(level, () => explainTasks(failed, {} as Resource)));
}

describe("the report of a service that fails on ECS", function () {
    this.timeout(30_000);

    it("shows how the last task of the new release ended, what it said, and what to do", async () => {
        const message = "** (RuntimeError) environment variable DATABASE_URL is missing. hunter2";
        const lines = await said("error", {
            ListTasks: (request) => {
                assert.deepEqual(request, {
                    cluster: "hello-1",
                    family: "decanter-prod-hello",
                    desiredStatus: "STOPPED",
                });
                return { taskArns: ["1", "2", "3", "4"] };
            },
            DescribeTasks: () => ({
                tasks: [
                    stopped("first", 1000),
                    stopped("last", 2000),
                    stopped("migration", 3000, { startedBy: "decanter-migration" }),
                    stopped("earlier", 4000, { taskDefinitionArn: "another" }),
                ],
            }),
            GetLogEvents: (request) => {
                assert.equal(request.logStreamName, "release/hello/last");
                return { events: [{ message }] };
            },
        });
        assert.deepEqual(lines, [
            `the new release does not run: task ${arn}:task/hello-1/last ended with exit code 1 (Essential container in task exited). ` +
                "It misses DATABASE_URL: pulumi config set --secret --path secrets.DATABASE_URL (or --path env.DATABASE_URL). " +
                "Its last lines:\n  | ** (RuntimeError) environment variable DATABASE_URL is missing. [secret]\n" +
                failed.outcome,
        ]);
    });

    it("shows AWS's reason where the load balancer has found it ill", async () => {
        const stoppedReason = "Task failed ELB health checks in (target-group arn:1)";
        const lines = await said("error", {
            ListTasks: () => ({ taskArns: ["1"] }),
            DescribeTasks: () => ({
                tasks: [stopped("ill", 1, { stoppedReason, containers: [{ name: "hello", exitCode: 0 }] })],
            }),
            GetLogEvents: () => ({ events: [{ message: "GET /health 500" }] }),
        });
        assert.match(
            lines[0] ?? "",
            /ended with exit code 0 \(Task failed ELB health checks in .*GET \/health 500/s,
        );
    });

    it("says only what serves where no task of the new release has stopped", async () => {
        const message = [`the new release does not run\n${failed.outcome}`];
        assert.deepEqual(await said("error", { ListTasks: () => ({ taskArns: [] }) }), message);
        const others = { tasks: [stopped("earlier", 1, { taskDefinitionArn: "another" })] };
        const answers = { ListTasks: () => ({ taskArns: ["1"] }), DescribeTasks: () => others };
        assert.deepEqual(await said("error", answers), message);
    });

    it("says why it cannot tell, and what serves nevertheless", async () => {
        const denied = {
            __type: "AccessDeniedException",
            message: "not authorized to perform: ecs:ListTasks",
        };
        assert.deepEqual(await said("warn", { ListTasks: () => denied }), [
            "why the new release does not run cannot be told: not authorized to perform: ecs:ListTasks",
        ]);
        assert.deepEqual(await said("error", { ListTasks: () => denied }), [
            `the new release does not run\n${failed.outcome}`,
        ]);
    });
});
