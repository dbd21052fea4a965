import { strict as assert } from "node:assert";
import { dockerCli } from "../../components/docker/dockerCli";
import { AwsStandIn } from "../support/awsEngine";
import { certificate, privateKey } from "../support/certificate";
import { DeployWords } from "../support/deployWords";
import { FakeAws } from "../support/fakeAws";
import { baseImages, freePort } from "../support/machine";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";

describe("the target floating-ip, with Pulumi's engine and a stand-in for AWS", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    describe("deployed", itMovesTheAddress);
    describe("with a certificate", itServesHttps);
});

const HEALTHY = "decanter: healthy";
const registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const settings = (release: number, others: Record<string, unknown> = {}) => ({
    target: "floating-ip",
    region: "eu-central-1",
    domain: "www.example.com",
    zoneId: "Z1",
    platform: "linux/arm64",
    ami: "ami-0123456789abcdef0",
    version: `1.0.${release}`,
    image: `${registry}/shop@sha256:${`${release}`.repeat(64)}`,
    secrets: { DATABASE_URL: "ecto://me:hunter2@db/shop" },
    ...others,
});

function itMovesTheAddress(): void {
    let standIn: AwsStandIn;
    let fake: FakeAws;
    let engine: RealEngine;
    /** What a new host says, line by line: one at each look. */
    let says: string[] = [];
    /** What had happened at each look. */
    let looks: { host: string; seen: string[] }[] = [];

    /** The host does what it is told: it starts its release again, and then is healthy. */
    const words = new DeployWords((word) => {
        if (word === "decanter: start") says.push(HEALTHY);
    });

    const up = async (given: Record<string, unknown>) => {
        standIn.clear();
        looks = [];
        words.told = [];
        return engine.up(given);
    };
    const events = () =>
        standIn.events().filter((event) => / (Instance|EipAssociation) decanter-engin/.test(event));
    const made = () =>
        standIn.changes().find(({ op, type }) => op === "create" && type.endsWith(":Instance"));
    const serving = () => (engine.outputs.containers as [string])[0];

    before(async () => {
        standIn = new AwsStandIn(registry);
        fake = await FakeAws.start(
            words.answers(({ logStreamName, nextToken }) => {
                looks.push({ host: logStreamName as string, seen: standIn.events() });
                const from = Number(nextToken ?? 0);
                const events = says.slice(from, from + 1).map((message) => ({ message }));
                // At the end AWS gives the place that it was asked for.
                return { events, nextForwardToken: `${from + events.length}` };
            }),
        );
        engine = new RealEngine(`engine-test-address-${process.pid}`, { ...standIn.env, ...fake.env });
    });
    after(async () => {
        await engine.destroy();
        standIn.remove();
        await fake.stop();
    });

    it("breaks no policy, and asks no host at a preview", async () => {
        assert.ok((await engine.preview(settings(1), ["policy"])) > 20);
        assert.deepEqual([standIn.events(), looks], [[], []]);
    });

    it("gives the first host the address once that says that it is healthy", async () => {
        says = ["this is a host", HEALTHY];
        await up(settings(1));
        assert.deepEqual(events(), [
            "create Instance decanter-engin",
            "create EipAssociation decanter-engin",
        ]);
        assert.equal(looks[0]?.host, made()?.id);
        assert.ok(looks.every(({ seen }) => !seen.includes("create EipAssociation decanter-engin")));
        assert.equal(serving(), made()?.id);
        assert.equal(engine.outputs.url, "http://www.example.com");
        assert.equal(engine.outputs.previous, null);
        assert.deepEqual(words.told, [[serving(), "decanter: serves"]]);
    });

    it("changes nothing when nothing has changed, and asks no host", async () => {
        assert.equal(await engine.preview(settings(1)), 0);
        assert.equal(await up(settings(1)), 0);
        assert.deepEqual([standIn.events(), looks], [[], []]);
    });

    it("has the new host, then its health, then the address, and then the old host gone", async () => {
        const old = serving();
        await up(settings(2));
        assert.deepEqual(events(), [
            "create Instance decanter-engin",
            "create EipAssociation decanter-engin",
            "delete EipAssociation decanter-engin",
            "delete Instance decanter-engin",
        ]);
        assert.deepEqual(
            looks.at(-1)?.seen.filter((event) => events().includes(event)),
            ["create Instance decanter-engin"],
        );
        assert.notEqual(serving(), old);
        const deleted = standIn
            .changes()
            .find(({ op, type }) => op === "delete" && type.endsWith(":Instance"));
        assert.equal(deleted?.id, old);
        const moved = standIn.changes().find(({ type }) => type.endsWith(":EipAssociation"));
        assert.equal(moved?.inputs?.allowReassociation, true);
        assert.equal((engine.outputs.previous as { version: string }).version, "1.0.1");
    });

    it("leaves the address where it is when the new host fails, says why, and asks it again", async () => {
        const old = serving();
        says = [];
        const failing = up(settings(3));
        // It fails once somebody has looked, which takes two questions, and looks again.
        const started = Date.now();
        while (looks.length < 3 && Date.now() - started < 60_000)
            await new Promise((resolve) => setTimeout(resolve, 100));
        says = [
            "decanter: failed: container hello stopped with exit code 1. Its last lines:\n  | no database",
        ];
        await assert.rejects(failing);
        assert.match(
            engine.said,
            /does not get the address: container hello stopped[^]*The host stops the release/,
        );
        assert.match(engine.said, /no database/);
        const [{ host }] = looks.slice(-1) as [(typeof looks)[0]];
        assert.deepEqual(words.told, [[host, "decanter: stop"]]);
        assert.deepEqual(events(), ["create Instance decanter-engin"]);
        assert.equal(((await engine.lastOutputs()).containers as [string])[0], old);

        // The database is back.
        const before = [...words.told];
        standIn.clear();
        looks = [];
        await engine.up(settings(3));
        assert.deepEqual(words.told, [...before, [host, "decanter: start"], [host, "decanter: serves"]]);
        assert.deepEqual(events(), [
            "create EipAssociation decanter-engin",
            "delete EipAssociation decanter-engin",
            "delete Instance decanter-engin",
        ]);
        assert.ok(looks.length > 0, "the gate has run again");
    });

    it("leaves the old host where it is when the address does not move, and moves it then", async () => {
        says = [HEALTHY];
        standIn.order({ "aws:ec2/eipAssociation:EipAssociation decanter-engin": { fail: "not now" } });
        await assert.rejects(up(settings(4)));
        assert.match(engine.said, /not now/);
        assert.match(engine.said, /the address has not moved to the new host\. The host stops the release/);
        const host = words.told[0]?.[0];
        assert.deepEqual(words.told, [[host, "decanter: stop"]]);
        assert.deepEqual(events(), [
            "create Instance decanter-engin",
            "create EipAssociation decanter-engin !",
        ]);
        standIn.order({});
        standIn.clear();
        await engine.up(settings(4));
        assert.deepEqual(
            words.told.slice(1),
            ["decanter: start", "decanter: serves"].map((word) => [host, word]),
        );
        assert.deepEqual(events(), [
            "create EipAssociation decanter-engin",
            "delete EipAssociation decanter-engin",
            "delete Instance decanter-engin",
        ]);
    });

    it("makes a new host for a secret that has changed", async () => {
        await up(settings(4, { secrets: { DATABASE_URL: "ecto://me:hunter3@db/shop" } }));
        assert.equal(events()[0], "create Instance decanter-engin");
        assert.equal(events().at(-1), "delete Instance decanter-engin");
        assert.ok(standIn.events().includes("update Parameter decanter-engin-DATABASE_URL"));
    });

    it("keeps every secret encrypted in its state, and out of what a host is told", async () => {
        const secrets = standIn
            .operations()
            .filter(({ type }) => type.endsWith(":Parameter"))
            .map(({ inputs }) => inputs?.value as string);
        const userData = String(made()?.inputs?.userData);
        assert.match(userData, /PARAMETERS=\/decanter\//);
        for (const value of new Set(["hunter2", "hunter3", ...secrets].filter(Boolean))) {
            assert.ok(!engine.state().includes(value), "a secret lies in the state");
            assert.ok(!userData.includes(value), "a secret lies in the user data");
        }
        assert.ok(userData.length < 14_000, `${userData.length}`);
        assert.equal(
            await engine.preview(settings(4, { secrets: { DATABASE_URL: "ecto://me:hunter3@db/shop" } })),
            0,
        );
    });

    it("goes, the address before the host", async () => {
        standIn.clear();
        await engine.destroy();
        assert.deepEqual(events(), [
            "delete EipAssociation decanter-engin",
            "delete Instance decanter-engin",
        ]);
        assert.ok(standIn.changes().every(({ error }) => error === undefined));
    });
}

function itServesHttps(): void {
    const pem = certificate + privateKey;
    let registryHost: string;
    let container = "";
    let standIn: AwsStandIn;
    let fake: FakeAws;
    let engine: RealEngine;
    const given = () => {
        const image = `${registryHost}/shop@sha256:${"1".repeat(64)}`;
        return settings(1, { ...baseImages(), image, platform: "linux/amd64", tlsCertificate: pem });
    };

    before(async () => {
        registryHost = `127.0.0.1:${await freePort()}`;
        const registryImage = baseImages().registryImage ?? "docker.io/registry:3";
        const run = ["run", "--detach", "--publish", `${registryHost}:5000`, registryImage];
        const { stdout, code, output } = await dockerCli(undefined, run);
        assert.equal(code, 0, output);
        container = stdout.trim();
        standIn = new AwsStandIn(registryHost);
        const events = [{ message: HEALTHY }];
        fake = await FakeAws.start(new DeployWords().answers(() => ({ events, nextForwardToken: "1" })));
        engine = new RealEngine(`engine-test-tls-${process.pid}`, { ...standIn.env, ...fake.env });
    });
    after(async () => {
        await engine.destroy();
        standIn.remove();
        await fake.stop();
        await dockerCli(undefined, ["rm", "-f", container]);
    });

    it("builds and pushes the proxy, tells the host its digest, and nobody the certificate", async () => {
        await engine.up(given());
        const made = standIn.changes().find(({ type }) => type.endsWith(":Instance"));
        const userData = String(made?.inputs?.userData);
        const proxy = /^PROXY_IMAGE=(\S+)$/m.exec(userData)?.[1] ?? "";
        assert.match(
            proxy,
            new RegExp(`^${registryHost}/decanter-engin-tls-[0-9a-f]{7}@sha256:[0-9a-f]{64}$`),
        );
        assert.equal((await dockerCli(undefined, ["pull", "-q", proxy])).code, 0);
        assert.equal(engine.outputs.url, "https://www.example.com");
        assert.doesNotMatch(userData, /hunter/);
        assert.ok(!engine.state().includes(privateKey.split("\n")[1] ?? ""));
        const stored = standIn.changes().find(({ name }) => name === "decanter-engin-tls-TLS_CERTIFICATE");
        assert.equal(stored?.inputs?.value, pem);
        await dockerCli(undefined, ["rmi", proxy]);
    });

    it("changes nothing when nothing has changed", async () => {
        assert.equal(await engine.preview(given()), 0);
    });
}
