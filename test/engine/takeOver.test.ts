import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { copyCommit, copyProject } from "../support/checkout";
import { AwsStandIn } from "../support/awsEngine";
import { FakeAws } from "../support/fakeAws";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";

/** The last commit whose resources had the release's name. */
const BEFORE = "5eb972c";

describe("stacks on AWS that Decanter deployed when the release named its resources", function () {
    this.timeout(600_000);
    skipWithoutEngine();
    before(function () {
        try {
            execFileSync("git", ["cat-file", "-e", `${BEFORE}^{commit}`], { stdio: "ignore" });
        } catch {
            process.stderr.write(`  skipped: this clone has no commit ${BEFORE}\n`);
            this.skip();
        }
    });

    const common = {
        region: "eu-central-1",
        domain: "www.example.com",
        zoneId: "Z1",
        secrets: { DATABASE_URL: "ecto://me:hunter2@db/shop" },
        migrate: "none",
    };
    const targets = {
        fargate: {
            ...common,
            target: "fargate",
            platform: "linux/amd64",
            cpus: "0.5",
            natGateways: 1,
            clustering: "apart",
            archive: true,
            maxReplicas: 4,
        },
        "floating-ip": {
            ...common,
            target: "floating-ip",
            platform: "linux/arm64",
            ami: "ami-0123456789abcdef0",
            archive: true,
        },
    };
    for (const [target, settings] of Object.entries(targets))
        describe(`with the target ${target}`, () => itTakesThemOver(settings));
});

function itTakesThemOver(common: Record<string, unknown>): void {
    const registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-before-"));
    const app = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-shop-"));
    let standIn: AwsStandIn;
    let fake: FakeAws;
    let engine: RealEngine;
    /**
     * What was done to all but what every release makes anew; the service of Cloud Map is that version's, which replaced it at every
     * update.
     */
    const lasting = () =>
        standIn
            .changes()
            .filter(
                ({ type }) =>
                    !/:(TaskDefinition|Instance|EipAssociation)$|:servicediscovery\/service:/.test(type),
            );

    const settings = (release: number, others: Record<string, unknown> = {}) => ({
        ...common,
        app: path.resolve("examples/hello"),
        version: `1.0.${release}`,
        image: `${registry}/shop@sha256:${`${release}`.repeat(64)}`,
        ...others,
    });
    const up = async (given: Record<string, unknown>) => {
        standIn.clear();
        await engine.up(given);
    };

    before(async () => {
        fs.writeFileSync(
            path.join(app, "mix.exs"),
            'defmodule Shop.MixProject do\n  def project, do: [app: :wine_shop_and_more, version: "1.0.0"]\nend\n',
        );
        standIn = new AwsStandIn(registry);
        fake = await FakeAws.start({
            GetLogEvents: () => ({ events: [{ message: "decanter: healthy" }], nextForwardToken: "1" }),
            PutLogEvents: () => ({}),
            ListTasks: () => ({ taskArns: [] }),
            DescribeServices: () => ({ services: [] }),
        });
        engine = new RealEngine(`take-over-${process.pid}`, { ...standIn.env, ...fake.env }, folder);
        copyCommit(BEFORE, folder);
        fs.symlinkSync(path.resolve("node_modules"), path.join(folder, "node_modules"));
        await up(settings(1));
        copyProject(folder);
    });
    after(async () => {
        await engine.destroy();
        standIn.remove();
        await fake.stop();
        for (const each of [app, folder]) fs.rmSync(each, { recursive: true });
    });

    it("go over to the names of now with what they have: nothing that holds traffic, data or the address is replaced", async () => {
        const made = standIn.changes().filter(({ op }) => op === "create");
        assert.ok(made.some(({ name }) => name === "hello"));
        const { logs } = engine.outputs;
        await up(settings(1));
        assert.deepEqual(
            lasting().filter(({ op }) => op === "delete"),
            [],
        );
        assert.equal(engine.outputs.logs, logs);
    });

    it("change nothing more then", async () => {
        assert.equal(await engine.preview(settings(1)), 0);
    });

    it("take a different app, and then a different release, without a second of anything", async () => {
        const { logs } = engine.outputs;
        for (const others of [{ app }, { app: path.resolve("examples/hello"), image: settings(3).image }]) {
            await up(settings(2, others));
            assert.deepEqual(
                lasting()
                    .filter(({ op }) => op !== "update")
                    .map(({ op, type, name }) => `${op} ${type} ${name}`),
                [],
            );
            assert.equal(engine.outputs.logs, logs);
        }
    });
}
