import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { type Fate, Load, summarize } from "../../bench/load";
import { readConfig } from "../../stacks/config";
import { dockerHost } from "../../stacks/dockerHost";
import { App } from "../support/app";
import { engine } from "../support/dockerProvider";
import { baseImages, freePort } from "../support/machine";
import { MiniEngine } from "../support/miniEngine";

describe("a release on a Docker host", function () {
    this.timeout(300_000);

    const app = new App();
    const stack = `test-${process.pid}`;
    const pulumi = new MiniEngine(stack);
    let port: number;

    const up = (settings: Record<string, unknown> = {}) => {
        const all = {
            ...baseImages(),
            app: app.folder,
            publicPort: port,
            drainSeconds: 15,
            bootSeconds: 20,
            ...settings,
        };
        return pulumi.up(() => ({ ...dockerHost(readConfig()) }), all);
    };
    const stackFilter = { label: [`decanter.stack=decanter/${stack}`] };
    const containers = async () => {
        const all = await engine.listContainers({ all: true, filters: stackFilter });
        return all.map(({ Names }) => Names[0]?.replace(/^\/|-[0-9a-f]{7}$/g, "")).sort();
    };
    const failures = (fates: Fate[]) => fates.filter(({ failure }) => failure !== undefined);
    const get = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();

    before(async () => {
        port = await freePort();
    });
    after(async () => {
        await pulumi.destroy();
        app.remove();
    });

    it("answers once it is deployed", async () => {
        app.release("1.0.0");
        await up();
        assert.equal(await get(), "hello 1.0.0\n");
        assert.equal(pulumi.outputs.version, "1.0.0");
        assert.match(pulumi.outputs.image, /^127\.0\.0\.1:\d+\/hello@sha256:[0-9a-f]{64}$/);
        assert.equal(pulumi.outputs.previous, null);
        assert.deepEqual(await containers(), [
            "hello-1",
            "hello-migration",
            "hello-registry",
            "hello-router",
            "hello-swap",
        ]);
    });

    it("runs the migration of the new image once", async () => {
        const all = await engine.listContainers({ all: true, filters: stackFilter });
        const migration = all.find(({ Names }) => Names[0]?.includes("migration"));
        const log = await engine.getContainer(migration?.Id ?? "").logs({ stdout: true });
        assert.deepEqual(log.toString().match(/migrated to hello .*/g), ["migrated to hello 1.0.0"]);
    });

    it("changes nothing when nothing has changed", async () => {
        await up();
        assert.deepEqual(pulumi.events, []);
        assert.equal(pulumi.outputs.previous, null);
    });

    it("migrates, boots, checks, swaps and stops the old release, in this order", async () => {
        const first = pulumi.outputs.image as string;
        app.release("1.0.1");
        await up();
        assert.deepEqual(pulumi.events, [
            "create hello-migration",
            "hook hello-migration",
            "create hello-1",
            "hook hello-healthy",
            "create hello-swap",
            "delete hello-swap",
            "delete hello-migration",
            "delete hello-1",
        ]);
        assert.equal(await get(), "hello 1.0.1\n");
        assert.deepEqual(pulumi.outputs.previous, { version: "1.0.0", image: first });
    });

    for (const rate of [500, undefined]) {
        it(`loses no request of three deploys ${rate ? `at ${rate}/s` : "at saturation"}`, async () => {
            const load = new Load({ port, busy: 32, rate, idle: 200, idleSeconds: 15, post: 16 });
            const answered = new Set<string | undefined>();
            for (const version of [1, 2, 3].map((patch) => `${rate ? 2 : 3}.0.${patch}`)) {
                app.release(version);
                await up();
                await sleep(2000);
            }
            const fates = await load.stop();
            for (const { kind, body } of fates) if (kind === "busy") answered.add(body?.trim());
            assert.deepEqual(failures(fates), [], JSON.stringify(summarize(fates)));
            assert.equal(answered.size, 4, `releases that answered: ${[...answered].join(", ")}`);
            assert.ok(fates.filter(({ kind }) => kind === "idle").length > 200);
        });
    }
});
