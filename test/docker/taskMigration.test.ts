import { strict as assert } from "node:assert";
import {
    CreateClusterCommand,
    DescribeTasksCommand,
    ECSClient,
    ListTasksCommand,
    RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import type { ContainerDefinition } from "@aws-sdk/client-ecs";
import { containerDefinitions } from "../../components/fargate/taskContainer";
import { taskMigration, type TaskMigrationArgs } from "../../components/fargate/taskMigration";
import { restoreEnvironment } from "../support/environment";
import { Moto } from "../support/moto";

/** The same code that runs in a deploy, against moto in place of AWS. */
describe("the migration of a task, with moto for AWS", function () {
    this.timeout(600_000);

    const region = "eu-central-1";
    const environment = { ...process.env };
    let moto: Moto | undefined;
    let client: ECSClient;
    let args: TaskMigrationArgs;

    /** Ids of what moto's default VPC has. */
    const ids = async (action: string, tag: string) => {
        const answer = await fetch(moto?.env.AWS_ENDPOINT_URL ?? "", {
            method: "POST",
            headers: {
                authorization: `AWS4-HMAC-SHA256 Credential=moto/20261121/${region}/ec2/aws4_request, SignedHeaders=host, Signature=0`,
                "content-type": "application/x-www-form-urlencoded",
            },
            body: `Action=${action}&Version=2016-11-15`,
        });
        const found = (await answer.text()).matchAll(new RegExp(`<${tag}>([^<]+)<`, "g"));
        return [...new Set([...found].map(([, id]) => id ?? ""))];
    };

    before(async function () {
        try {
            moto = await Moto.start();
        } catch (error) {
            process.stderr.write(`  skipped: moto cannot be had from PyPI (${(error as Error).message})\n`);
            this.skip();
        }
        Object.assign(process.env, moto.env);
        client = new ECSClient({ region });
        await client.send(new CreateClusterCommand({ clusterName: "hello" }));
        const [definition] = JSON.parse(
            containerDefinitions({
                name: "hello",
                image: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/hello@sha256:${"0a".repeat(32)}`,
                env: { PORT: "4000" },
                secretArns: {
                    DATABASE_URL: "arn:aws:ssm:eu-central-1:123456789012:parameter/decanter/a/b/DATABASE_URL",
                },
                health: { port: 4000, path: "/health" },
                drainSeconds: 30,
                limits: { cpus: "0.5", memoryMb: 1024 },
                console: true,
                nodeName: "hello",
                logGroup: "/decanter/test/hello",
                region,
            }),
        ) as [ContainerDefinition];
        const { taskDefinition } = await client.send(
            new RegisterTaskDefinitionCommand({
                family: "decanter-test-hello",
                requiresCompatibilities: ["FARGATE"],
                networkMode: "awsvpc",
                cpu: "512",
                memory: "1024",
                // Unlike AWS, moto starts no container without a limit of its own.
                containerDefinitions: [{ ...definition, memory: 1024 }],
            }),
        );
        assert.equal(taskDefinition?.containerDefinitions?.[0]?.readonlyRootFilesystem, true);
        args = {
            region,
            cluster: "hello",
            taskDefinition: taskDefinition.taskDefinitionArn ?? "",
            container: "hello",
            command: "bin/migrate",
            seconds: 60,
            subnets: await ids("DescribeSubnets", "subnetId"),
            securityGroups: await ids("DescribeSecurityGroups", "groupId"),
            assignPublicIp: false,
            logGroup: "/decanter/test/hello",
            streamPrefix: "release",
            secrets: [],
        };
    });
    after(async () => {
        client.destroy();
        restoreEnvironment(environment);
        await moto?.stop();
    });

    it("runs the task of the new definition to its end", async () => {
        await taskMigration(args);
        const { taskArns } = await client.send(new ListTasksCommand({ cluster: "hello" }));
        const listed = taskArns ?? [];
        assert.equal(listed.length, 1);
        const { tasks } = await client.send(new DescribeTasksCommand({ cluster: "hello", tasks: listed }));
        assert.equal(tasks?.[0]?.taskDefinitionArn, args.taskDefinition);
        assert.equal(tasks[0].startedBy, "decanter-migration");
        assert.deepEqual(tasks[0]?.overrides?.containerOverrides, [
            { name: "hello", command: ["/bin/sh", "-c", "exec bin/migrate"] },
        ]);
    });

    it("says what AWS says where there is no such cluster, or no such task definition", async () => {
        await assert.rejects(taskMigration({ ...args, cluster: "gone" }), /Cluster not found/);
        await assert.rejects(
            taskMigration({ ...args, taskDefinition: `${args.taskDefinition}7` }),
            /the migration "bin\/migrate" failed.*Unable to (describe|find) task definition/i,
        );
    });
});
