import { strict as assert } from "node:assert";
import { taskMigration, type TaskMigrationArgs } from "../../../components/fargate/taskMigration";
import { withFakeAws } from "../../support/fakeAws";

const cluster = "hello-1a2b3c4";
const arn = `arn:aws:ecs:eu-central-1:123456789012:task/${cluster}/0123`;
const args: TaskMigrationArgs = {
    region: "eu-central-1",
    cluster,
    taskDefinition: "arn:aws:ecs:eu-central-1:123456789012:task-definition/decanter-prod-hello:7",
    container: "hello",
    command: "bin/migrate",
    seconds: 60,
    subnets: ["subnet-1", "subnet-2"],
    securityGroups: ["sg-1"],
    assignPublicIp: true,
    logGroup: "/decanter/prod/hello",
    streamPrefix: "release",
    secrets: ["hunter2"],
};
const failed =
    'the migration "bin/migrate" failed, so nothing of the new release is started, and the next pulumi up migrates again: ';

/** A task as AWS describes it. */
function task(lastStatus: string, container: object = {}, others: object = {}) {
    return {
        tasks: [{ taskArn: arn, lastStatus, containers: [{ name: "hello", ...container }], ...others }],
    };
}
const started = { tasks: [{ taskArn: arn, lastStatus: "PROVISIONING" }] };
const said = (...messages: string[]) => ({ events: messages.map((message) => ({ message })) });
/** AWS without a migration that runs already. */
const idle = {
    ListTasks: () => ({ taskArns: [] }),
    RunTask: () => started,
    GetLogEvents: () => said(),
};

async function messageOf(run: Promise<void>): Promise<string> {
    return run.then(
        () => "",
        (error: Error) => error.message,
    );
}

describe("the migration of a task", function () {
    this.timeout(30_000);

    it("runs the new release once, in the service's network, and waits for its end", async () => {
        const statuses = ["PROVISIONING", "STOPPED"];
        await withFakeAws(
            {
                ...idle,
                DescribeTasks: (_request, call) =>
                    task(statuses[call - 1] ?? "STOPPED", call > 1 ? { exitCode: 0 } : {}),
            },
            async (requests) => {
                await taskMigration(args);
                // The SDK makes one for a request that it may have to repeat.
                const [{ clientToken, ...request } = {}, ...more] = requests("RunTask");
                assert.ok(clientToken);
                assert.deepEqual(
                    [request, ...more],
                    [
                        {
                            cluster,
                            taskDefinition: args.taskDefinition,
                            launchType: "FARGATE",
                            count: 1,
                            startedBy: "decanter-migration",
                            propagateTags: "TASK_DEFINITION",
                            networkConfiguration: {
                                awsvpcConfiguration: {
                                    subnets: ["subnet-1", "subnet-2"],
                                    securityGroups: ["sg-1"],
                                    assignPublicIp: "ENABLED",
                                },
                            },
                            overrides: {
                                containerOverrides: [
                                    { name: "hello", command: ["/bin/sh", "-c", "exec bin/migrate"] },
                                ],
                            },
                        },
                    ],
                );
                assert.deepEqual(requests("DescribeTasks"), Array(2).fill({ cluster, tasks: [arn] }));
                assert.deepEqual(requests("ListTasks"), [{ cluster, startedBy: "decanter-migration" }]);
            },
        );
    });

    it("passes where it ended before anybody has seen it run, or before AWS knows it", async () => {
        await withFakeAws(
            {
                ...idle,
                DescribeTasks: (_request, call) =>
                    call === 1
                        ? { tasks: [], failures: [{ arn, reason: "MISSING" }] }
                        : task("STOPPED", { exitCode: 0 }),
            },
            () => taskMigration(args),
        );
    });

    it("waits for one that an interrupted deploy has left running, and runs its own then", async () => {
        const order: string[] = [];
        await withFakeAws(
            {
                ...idle,
                ListTasks: () => ({ taskArns: [`${arn}-earlier`] }),
                DescribeTasks: ({ tasks: [of] }) => {
                    order.push(`describe ${of === arn ? "own" : "earlier"}`);
                    return task("STOPPED", { exitCode: of === arn ? 0 : 1 });
                },
                RunTask: () => {
                    order.push("run");
                    return started;
                },
            },
            () => taskMigration(args),
        );
        assert.deepEqual(order, ["describe earlier", "run", "describe own"]);
    });

    it("does not start a second one beside those that do not end, and stops them", async () => {
        await withFakeAws(
            {
                ...idle,
                ListTasks: () => ({ taskArns: [`${arn}-earlier`, `${arn}-other`] }),
                DescribeTasks: () => task("RUNNING"),
                StopTask: () => ({}),
            },
            async (requests) => {
                assert.equal(
                    await messageOf(taskMigration({ ...args, seconds: 1 })),
                    `${failed}that of an earlier deploy: task ${arn}-earlier took longer than 1 s (migrateSeconds), and was stopped; ` +
                        `task ${arn}-other took longer than 1 s (migrateSeconds), and was stopped`,
                );
                assert.deepEqual(requests("RunTask"), []);
                assert.deepEqual(
                    requests("StopTask")
                        .map(({ task: stopped }) => stopped as string)
                        .sort(),
                    [`${arn}-earlier`, `${arn}-other`],
                );
            },
        );
    });

    it("is stopped where AWS does not say how it is, and says first what AWS says to that", async () => {
        const denied = {
            __type: "AccessDeniedException",
            message: "not authorized to perform: ecs:DescribeTasks",
        };
        await withFakeAws(
            {
                ...idle,
                DescribeTasks: () => denied,
                StopTask: () => ({}),
                GetLogEvents: () => said("migrating"),
            },
            async (requests) => {
                assert.equal(
                    await messageOf(taskMigration(args)),
                    `${failed}task ${arn} cannot be followed (not authorized to perform: ecs:DescribeTasks), and was stopped. ` +
                        "Its last lines:\n  | migrating",
                );
                assert.deepEqual(
                    requests("StopTask").map(({ task: stopped }) => stopped as string),
                    [arn],
                );
            },
        );
    });

    it("says how to stop it where it cannot be stopped, and why it was to be", async () => {
        const denied = {
            __type: "AccessDeniedException",
            message: "not authorized to perform: ecs:StopTask",
        };
        const command = `aws ecs stop-task --cluster ${cluster} --task ${arn}`;
        await withFakeAws(
            { ...idle, DescribeTasks: () => task("RUNNING"), StopTask: () => denied },
            async () =>
                assert.equal(
                    await messageOf(taskMigration({ ...args, seconds: 1 })),
                    `${failed}task ${arn} took longer than 1 s (migrateSeconds), and may run on, as it could not be stopped ` +
                        `(not authorized to perform: ecs:StopTask): ${command}`,
                ),
        );
    });

    it("shows the exit code and the last lines of the log, without secrets", async () => {
        const lines = ["** (Postgrex.Error) password hunter2 is wrong", "stacktrace"];
        await withFakeAws(
            {
                ...idle,
                DescribeTasks: () =>
                    task("STOPPED", { exitCode: 1 }, { stopCode: "EssentialContainerExited" }),
                GetLogEvents: (_request, call) => (call === 1 ? said() : said(...lines)),
            },
            async (requests) => {
                assert.equal(
                    await messageOf(taskMigration(args)),
                    `${failed}task ${arn} ended with exit code 1 (EssentialContainerExited). Its last lines:\n` +
                        "  | ** (Postgrex.Error) password [secret] is wrong\n  | stacktrace",
                );
                assert.deepEqual(requests("GetLogEvents").at(-1), {
                    logGroupName: "/decanter/prod/hello",
                    logStreamName: "release/hello/0123",
                    limit: 100,
                });
            },
        );
    });

    for (const [what, described, message] of [
        [
            "a container that was never started, and so has no exit code",
            task(
                "STOPPED",
                {},
                { stopCode: "TaskFailedToStart", stoppedReason: "CannotPullContainerError: not found" },
            ),
            `task ${arn} was never started (TaskFailedToStart; CannotPullContainerError: not found)`,
        ],
        [
            "a container that used too much memory",
            task("STOPPED", { exitCode: 137, reason: "OutOfMemoryError: Container killed" }),
            `task ${arn} ended with exit code 137, as it used more memory than memoryMb (OutOfMemoryError: Container killed)`,
        ],
    ] as const) {
        it(`fails with ${what}`, async () => {
            const missing = { __type: "ResourceNotFoundException", message: "no such stream" };
            await withFakeAws(
                { ...idle, DescribeTasks: () => described, GetLogEvents: () => missing },
                async () => assert.equal(await messageOf(taskMigration(args)), failed + message),
            );
        });
    }

    it("says what to do where a variable is missing", async () => {
        const lines = said('(System.EnvError) environment variable "DATABASE_URL" is missing');
        await withFakeAws(
            { ...idle, DescribeTasks: () => task("STOPPED", { exitCode: 1 }), GetLogEvents: () => lines },
            async () =>
                assert.match(
                    await messageOf(taskMigration(args)),
                    /exit code 1\. It misses DATABASE_URL: pulumi config set --secret --path secrets\.DATABASE_URL .* Its last lines:/,
                ),
        );
    });

    it("is stopped when its time is over", async () => {
        await withFakeAws(
            {
                ...idle,
                DescribeTasks: () => task("RUNNING"),
                StopTask: () => ({}),
                GetLogEvents: () => said("migrating"),
            },
            async (requests) => {
                assert.equal(
                    await messageOf(taskMigration({ ...args, seconds: 1 })),
                    `${failed}task ${arn} took longer than 1 s (migrateSeconds), and was stopped. Its last lines:\n  | migrating`,
                );
                assert.deepEqual(requests("StopTask"), [
                    { cluster, task: arn, reason: "the migration took too long" },
                ]);
            },
        );
    });

    for (const [what, answer, message] of [
        [
            "there is no capacity",
            { tasks: [], failures: [{ reason: "RESOURCE:FARGATE", detail: "no capacity" }] },
            "AWS starts no task for it (RESOURCE:FARGATE: no capacity)",
        ],
        ["AWS gives no reason", { tasks: [] }, "AWS starts no task for it (without a reason)"],
        [
            "the deploying role may not",
            { __type: "AccessDeniedException", message: "not authorized to perform: ecs:RunTask" },
            "not authorized to perform: ecs:RunTask",
        ],
    ] as const) {
        it(`fails where ${what}`, async () => {
            await withFakeAws({ ...idle, RunTask: () => answer }, async () =>
                assert.equal(await messageOf(taskMigration(args)), failed + message),
            );
        });
    }

    it("says why its log cannot be shown", async () => {
        const denied = {
            __type: "AccessDeniedException",
            message: "not authorized to perform: logs:GetLogEvents",
        };
        await withFakeAws(
            {
                ...idle,
                DescribeTasks: () => task("STOPPED", { exitCode: 2 }),
                GetLogEvents: () => denied,
            },
            async () =>
                assert.equal(
                    await messageOf(taskMigration(args)),
                    `${failed}task ${arn} ended with exit code 2. Its last lines:\n` +
                        "  | its log cannot be read: not authorized to perform: logs:GetLogEvents",
                ),
        );
    });
});
