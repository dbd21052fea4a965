import { strict as assert } from "node:assert";
import { AwsStandIn } from "../support/awsEngine";
import { FakeAws } from "../support/fakeAws";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";

/** Types of what visitors, replicas and hosts depend on while they serve. */
const SERVES =
    /:(Certificate|Cluster|EipAssociation|Instance|Listener|ListenerRule|LoadBalancer|LogGroup|Parameter|Policy|Record|Repository|Role|RolePolicy|RolePolicyAttachment|RouteTableAssociation|SecurityGroup|SecurityGroupEgressRule|SecurityGroupIngressRule|Service|Subnet|TargetGroup)$/;
/** Types that no setting here may make a second time. */
const NEVER_ANEW = /:(Cluster|Eip|LoadBalancer|LogGroup|Repository|TargetGroup|Vpc|service:Service)$/;

const registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const image = (release: number) => `${registry}/shop@sha256:${`${release}`.repeat(64)}`;
const common = {
    region: "eu-central-1",
    domain: "www.example.com",
    zoneId: "Z1",
    version: "1.0.0",
    image: image(1),
    migrate: "none",
    secrets: { DATABASE_URL: "ecto://me:hunter2@db/shop" },
};

describe("a change of a setting on AWS, with Pulumi's engine and a stand-in", function () {
    this.timeout(900_000);
    skipWithoutEngine();

    describe("on Fargate, deletes nothing that serves before its successor serves", () => {
        itServesOn(
            { ...common, target: "fargate", platform: "linux/amd64", cpus: "0.5", zones: 2, natGateways: 1 },
            {
                port: 5000,
                healthPath: "/up",
                domain: "shop.example.com",
                certificateArn: "arn:aws:acm:eu-central-1:123456789012:certificate/1",
                zones: 3,
                natGateways: 0,
                clustering: "apart",
                console: false,
                spot: true,
                maxReplicas: 4,
                replicas: 3,
                drainSeconds: 10,
                accessLogDays: 30,
                logDays: 90,
                cpus: "1",
                memoryMb: 2048,
                platform: "linux/arm64",
                readOnly: false,
                bootSeconds: 90,
                secretsVersion: 3,
                secrets: { API_KEY: "x" },
                image: image(2),
                archive: true,
            },
            {
                strategy: [
                    { strategy: "blue-green", scaleRequests: 0 },
                    /the strategy of a stack that serves/,
                ],
            },
        );
    });

    describe("with a floating IP, deletes nothing that serves before its successor serves", () => {
        itServesOn(
            {
                ...common,
                target: "floating-ip",
                platform: "linux/arm64",
                ami: "ami-0123456789abcdef0",
            },
            {
                port: 5000,
                healthPath: "/up",
                domain: "shop.example.com",
                zones: 3,
                ami: "ami-0123456789abcdef1",
                instanceType: "t4g.medium",
                diskGb: 40,
                drainSeconds: 10,
                logDays: 90,
                memoryMb: 1024,
                readOnly: false,
                secrets: { API_KEY: "x" },
                image: image(2),
            },
            {},
        );
    });
});

/** Changes each setting once, one after another, and looks at what the engine did. */
function itServesOn(
    settings: Record<string, unknown>,
    changes: Record<string, unknown>,
    refused: Record<string, [Record<string, unknown>, RegExp]>,
): void {
    let standIn: AwsStandIn;
    let fake: FakeAws;
    let engine: RealEngine;
    let now = settings;

    before(async () => {
        standIn = new AwsStandIn(registry);
        fake = await FakeAws.start({
            GetLogEvents: () => ({ events: [{ message: "decanter: healthy" }], nextForwardToken: "1" }),
            PutLogEvents: () => ({}),
            ListTasks: () => ({ taskArns: [] }),
            // As far as the hooks are to know, there is nothing to do again.
            DescribeServices: () => ({ services: [] }),
        });
        engine = new RealEngine(`settings-${process.pid}-${settings.target as string}`, {
            ...standIn.env,
            ...fake.env,
        });
        await engine.up(settings);
    });
    after(async () => {
        await engine.destroy();
        standIn.remove();
        await fake.stop();
    });

    for (const [name, value] of Object.entries(changes)) {
        it(`when ${name} changes`, async () => {
            now = { ...now, [name]: value, ...(name === "cpus" ? { memoryMb: 2048 } : {}) };
            standIn.clear();
            await engine.up(now);
            const done = standIn.changes();
            assert.ok(done.length > 0 || name === "memoryMb", "nothing has changed");
            const last = done.map(({ op }) => op !== "delete").lastIndexOf(true);
            const early = done.filter(
                ({ op, type }, at) => op === "delete" && at < last && SERVES.test(type),
            );
            assert.deepEqual(
                early.map(({ type, name: resource }) => `${type} ${resource}`),
                [],
                "deleted before all else was done",
            );
            const made = done.filter(({ op }) => op === "create").map(({ type }) => type);
            assert.deepEqual(
                done
                    .filter(({ op, type }) => op === "delete" && NEVER_ANEW.test(type) && made.includes(type))
                    .map(({ type }) => type),
                [],
                "made a second time",
            );
        });
    }

    for (const [name, [change, reason]] of Object.entries(refused)) {
        it(`and refuses to change ${name}, at a preview too`, async () => {
            for (const deploy of ["preview", "up"] as const) {
                standIn.clear();
                await assert.rejects(engine[deploy]({ ...now, ...change }));
                assert.match(engine.said, reason);
                assert.deepEqual(
                    standIn.changes().filter(({ op }) => op === "delete"),
                    [],
                );
            }
        });
    }

    it("and changes nothing when nothing has changed", async () => {
        // What an update had made that was refused goes with the next.
        if (Object.keys(refused).length > 0) await engine.up(now);
        assert.equal(await engine.preview(now), 0);
    });
}
