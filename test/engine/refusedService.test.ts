import { strict as assert } from "node:assert";
import { AwsStandIn } from "../support/awsEngine";
import { FakeAws } from "../support/fakeAws";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";

const SERVICE = "aws:ecs/service:Service decanter-engin";
const TIMEOUT = "timeout while waiting for state to become 'tfSTABLE'";

/** As after the provider's time limit: the service is there, or is changed, and the update has failed. */
const timeout = { [SERVICE]: { fail: TIMEOUT, half: true } };

describe("a release that ECS does not get to run, with Pulumi's engine and a stand-in for AWS", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    describe("after another, or first", itSaysWhatServes);
});

function itSaysWhatServes(): void {
    const registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    /** What ECS runs: the replicas that it wants, and those that run by task definition. */
    const ecs = { desired: 1, running: {} as Record<string, number> };
    /** How a deployment ends that Pulumi's provider has not asked for. */
    let status = "SUCCESSFUL";
    let standIn: AwsStandIn;
    let fake: FakeAws;
    let engine: RealEngine;

    const settings = (release: number) => ({
        target: "fargate",
        region: "eu-central-1",
        domain: "www.example.com",
        zoneId: "Z1",
        platform: "linux/amd64",
        cpus: "0.5",
        version: `1.0.${release}`,
        image: `${registry}/shop@sha256:${`${release}`.repeat(64)}`,
    });
    const up = async (release: number) => {
        standIn.clear();
        fake.clear();
        await engine.up(settings(release));
    };
    const rejected = async (release: number) => {
        await assert.rejects(up(release));
        return engine.said;
    };
    /** The task definition that the service was last asked to run. */
    const wanted = () =>
        standIn
            .operations()
            .filter(({ op, type }) => ["create", "update"].includes(op) && type.endsWith("service:Service"))
            .at(-1)?.inputs?.taskDefinition as string;
    const serviceDeployments = () => [
        { serviceDeploymentArn: "arn:deployment/42", targetServiceRevisionArn: "arn:revision/42", status },
    ];
    const short = (taskDefinition: string) => taskDefinition.split("/").at(-1) ?? "";

    before(async () => {
        standIn = new AwsStandIn(registry);
        fake = await FakeAws.start({
            ListTasks: () => ({ taskArns: [] }),
            RunTask: () => ({ tasks: [{ taskArn: "arn:task/1" }] }),
            DescribeTasks: () => ({
                tasks: [{ lastStatus: "STOPPED", containers: [{ name: "release", exitCode: 0 }] }],
            }),
            DescribeServices: () => ({
                services: [
                    {
                        status: "ACTIVE",
                        desiredCount: ecs.desired,
                        taskDefinition: Object.keys(ecs.running)[0],
                        deployments: Object.entries(ecs.running).map(([taskDefinition, runningCount]) => ({
                            taskDefinition,
                            runningCount,
                        })),
                    },
                ],
            }),
            UpdateService: ({ desiredCount }) => {
                ecs.desired = (desiredCount as number | undefined) ?? ecs.desired;
                return { service: { deployments: [{ status: "PRIMARY", id: "ecs-svc/42" }] } };
            },
            ListServiceDeployments: () => ({ serviceDeployments: serviceDeployments() }),
            DescribeServiceRevisions: () => ({
                serviceRevisions: [{ serviceRevisionArn: "arn:revision/42", taskDefinition: wanted() }],
            }),
            StopServiceDeployment: () => ({}),
        });
        engine = new RealEngine(`engine-test-refused-${process.pid}`, { ...standIn.env, ...fake.env });
    });
    after(async () => {
        await engine.destroy();
        standIn.remove();
        await fake.stop();
    });

    it("runs no replica after the first deploy, and says that nothing serves", async () => {
        standIn.order(timeout);
        const said = await rejected(1);
        assert.match(said, /timeout while waiting/);
        assert.match(
            said,
            /the new release does not run\n.*ECS stops all replicas.*\n.*Nothing serves now\n/,
        );
        assert.doesNotMatch(said, /old|serves on/);
        assert.equal(ecs.desired, 0);
        assert.deepEqual(fake.requests("StopServiceDeployment"), []);
    });

    it("is started again by the next update, although Pulumi's provider has nothing to do", async () => {
        standIn.order({});
        await up(1);
        assert.deepEqual(standIn.events().slice(0, 1), ["update Service decanter-engin"]);
        assert.equal(ecs.desired, 1);
        assert.equal(fake.requests("UpdateService").length, 1);
        assert.deepEqual(fake.requests("RunTask"), [], "it has migrated already");
        assert.equal(engine.outputs.version, "1.0.1");
        ecs.running = { [wanted()]: 1 };
    });

    it("is taken back where another one serves, which is not touched", async () => {
        const [serves = ""] = Object.keys(ecs.running);
        standIn.order(timeout);
        status = "IN_PROGRESS";
        const said = await rejected(2);
        assert.match(said, /ECS takes back arn:deployment\/42, which was under way/);
        assert.match(said, new RegExp(`What serves now: ${short(serves)} \\(1 replica\\)`));
        assert.deepEqual(fake.requests("StopServiceDeployment"), [
            { serviceDeploymentArn: "arn:deployment/42", stopType: "ROLLBACK" },
        ]);
        assert.deepEqual(fake.requests("UpdateService"), []);
    });

    it("is refused again by the next update where it is no better, and what serves is not touched", async () => {
        standIn.order({});
        status = "ROLLBACK_SUCCESSFUL";
        const said = await rejected(2);
        assert.match(said, /the deployment ended as ROLLBACK_SUCCESSFUL/);
        assert.match(said, /What serves now: \S+ \(1 replica\)/);
        assert.deepEqual(standIn.events(), []);
        assert.equal(ecs.desired, 1);
        assert.equal((await engine.lastOutputs()).version, "1.0.1");
    });

    it("serves once it is better", async () => {
        status = "SUCCESSFUL";
        await up(2);
        const [{ taskDefinition, desiredCount } = {}] = fake.requests("UpdateService");
        assert.match(taskDefinition as string, /task-definition/);
        assert.notEqual(taskDefinition, Object.keys(ecs.running)[0]);
        assert.equal(desiredCount, undefined, "load may have chosen it");
        assert.equal(engine.outputs.version, "1.0.2");
    });
}
