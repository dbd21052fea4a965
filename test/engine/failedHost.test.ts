import { strict as assert } from "node:assert";
import { AwsStandIn } from "../support/awsEngine";
import { DeployWords } from "../support/deployWords";
import { FakeAws } from "../support/fakeAws";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";

const FAILED = "decanter: failed: the image cannot be pulled";
const HEALTHY = "decanter: healthy";

describe("a host that never had the address, with Pulumi's engine and a stand-in for AWS", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    describe("under a stack", itNeverHarmsTheOneThatServes);
});

const registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const settings = (release: number, others: Record<string, unknown> = {}) => ({
    target: "floating-ip",
    region: "eu-central-1",
    domain: "www.example.com",
    platform: "linux/arm64",
    ami: "ami-0123456789abcdef0",
    version: `1.0.${release}`,
    image: `${registry}/shop@sha256:${`${release}`.repeat(64)}`,
    ...others,
});

function itNeverHarmsTheOneThatServes(): void {
    let standIn: AwsStandIn;
    let fake: FakeAws;
    let engine: RealEngine;
    /** What a host says at the second look. */
    let says = HEALTHY;
    /** The last host that was asked. */
    let asked: string;

    const words = new DeployWords();

    const up = async (given: Record<string, unknown>) => {
        standIn.clear();
        return engine.up(given);
    };
    const rejected = async (given: Record<string, unknown>) => {
        await assert.rejects(up(given));
        return engine.said;
    };
    const events = () =>
        standIn.events().filter((event) => / (Instance|EipAssociation) decanter-engin/.test(event));
    const gone = () =>
        standIn
            .changes()
            .filter(({ op, type }) => op === "delete" && type.endsWith(":Instance"))
            .map(({ id }) => id);
    const serving = () => (engine.outputs.containers as [string])[0];

    before(async () => {
        standIn = new AwsStandIn(registry);
        let calls = 0;
        fake = await FakeAws.start(
            words.answers(({ logStreamName, nextToken }) => {
                asked = logStreamName as string;
                calls = nextToken === undefined ? 0 : calls + 1;
                const message = ["Docker runs", undefined, says][calls];
                const events = message === undefined ? [] : [{ message }];
                // At the end of each look AWS gives the place that it was asked for.
                return { events, nextForwardToken: calls < 2 ? "1" : "2" };
            }),
        );
        engine = new RealEngine(`engine-test-failed-host-${process.pid}`, { ...standIn.env, ...fake.env });
        await up(settings(1));
    });
    after(async () => {
        await engine.destroy();
        standIn.remove();
        await fake.stop();
    });

    it("goes when another release has the address, after the one that had it until then lets go", async () => {
        const old = serving();
        says = FAILED;
        assert.match(
            await rejected(settings(2)),
            /does not get the address: the image cannot be pulled\n.*The host stops the release/,
        );
        const first = asked;
        assert.match(await rejected(settings(3)), /does not get the address/);
        const second = asked;
        assert.notEqual(first, second);
        const stop = "decanter: stop";
        assert.deepEqual(words.told, [[old, "decanter: serves"], ...[first, second].map((id) => [id, stop])]);
        // What serves is replaced twice by now, and nothing of it has gone.
        assert.ok(!gone().includes(old));
        assert.ok(!events().includes("delete EipAssociation decanter-engin"));

        says = HEALTHY;
        await up(settings(4));
        const moved = events().indexOf("create EipAssociation decanter-engin");
        assert.ok(
            moved > 0 && moved < events().indexOf("delete Instance decanter-engin"),
            events().join("\n"),
        );
        assert.ok(gone().includes(old));
        assert.ok(gone().includes(second));
        assert.ok(!gone().includes(serving()));
        assert.deepEqual(words.told.at(-1), [serving(), "decanter: serves"]);
        const { version } = engine.outputs.previous as { version: string };
        assert.equal(version, "1.0.1", "a release that failed is none to go back to");
    });

    it("is none that AWS has not made: the one that serves stays", async () => {
        const old = serving();
        standIn.order({
            "aws:ec2/instance:Instance decanter-engin": { fail: "InsufficientInstanceCapacity" },
        });
        assert.match(await rejected(settings(5)), /InsufficientInstanceCapacity/);
        assert.deepEqual(events(), ["create Instance decanter-engin !"]);
        standIn.order({});
        await up(settings(5));
        assert.deepEqual(gone(), [old]);
    });

    it("goes too when its release is taken back, and the one that serves is another host then", async () => {
        const old = serving();
        says = FAILED;
        await rejected(settings(6));
        const failed = asked;
        says = HEALTHY;
        await up(settings(5));
        assert.deepEqual(gone().sort(), [old, failed].sort());
    });

    it("is a new one for another type of host or a larger disk, and never the one that serves", async () => {
        for (const change of [{ instanceType: "t4g.medium" }, { instanceType: "t4g.medium", diskGb: 40 }]) {
            const old = serving();
            await up(settings(5, change));
            assert.deepEqual(events(), [
                "create Instance decanter-engin",
                "create EipAssociation decanter-engin",
                "delete EipAssociation decanter-engin",
                "delete Instance decanter-engin",
            ]);
            assert.deepEqual(gone(), [old]);
        }
    });
}
