import { strict as assert } from "node:assert";
import { App } from "../support/app";
import { itDeploys } from "../support/deploys";
import { engine } from "../support/dockerProvider";
import { baseImages, freePort } from "../support/machine";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";

describe("a release on a Docker host, with Pulumi's engine", function () {
    this.timeout(300_000);

    skipWithoutEngine();

    const name = (what: string) => `engine-test-${what}-${process.pid}`;
    describe("deploys", () =>
        itDeploys(name("a"), new RealEngine(name("a")), (stack) => new RealEngine(stack)));

    describe("previews", () => {
        const pulumi = new RealEngine(name("b"));
        const app = new App();
        let settings: Record<string, unknown>;

        before(async () => {
            settings = { ...baseImages(), app: app.folder, publicPort: await freePort(), memoryMb: 512 };
        });
        after(async () => {
            await pulumi.destroy();
            app.remove();
        });

        it("build and make nothing", async () => {
            const filters = { label: [`decanter.stack=decanter/${name("b")}`] };
            const things = async () => [
                (await engine.listImages()).length,
                (await engine.listContainers({ all: true, filters })).length,
            ];
            const before = await things();
            assert.ok((await pulumi.preview(settings)) > 20);
            assert.deepEqual(await things(), before);
        });

        it("are empty after a deploy, also when a file changes that .dockerignore leaves out", async () => {
            await pulumi.up(settings);
            assert.equal(await pulumi.preview(settings), 0);
            app.write("doc/wine.md", "merlot");
            assert.equal(await pulumi.preview(settings), 0);
        });

        it("and updates give CPU shares to a release that serves and to its router, and replace neither", async () => {
            const filters = { label: [`decanter.stack=decanter/${name("b")}`] };
            const serving = async () => {
                const containers = await engine.listContainers({ filters });
                const found = containers.filter(({ Names }) => /-(router|release-1)-/.test(Names[0] ?? ""));
                const all = await Promise.all(found.map(({ Id }) => engine.getContainer(Id).inspect()));
                return all.map(({ Id, State, HostConfig }) => ({
                    Id,
                    started: State.StartedAt,
                    shares: HostConfig.CpuShares,
                }));
            };
            const before = await serving();
            assert.deepEqual(
                before.map(({ shares }) => shares),
                [8192, 8192],
            );
            // As an earlier version has left them.
            for (const { Id } of before) await engine.getContainer(Id).update({ CpuShares: 1024 });
            await pulumi.refresh();
            assert.equal(await pulumi.up(settings), 2);
            assert.deepEqual(await serving(), before);
            assert.equal(await pulumi.preview(settings), 0);
        });

        it("take the app's own .dockerignore", async () => {
            app.write(".dockerignore", "cellar/\n.dockerignore\n");
            await pulumi.up(settings);
            app.write("cellar/wine.md", "merlot");
            assert.equal(await pulumi.preview(settings), 0);
            app.write("lib/wine.ex", "defmodule Wine, do: nil\n");
            assert.ok((await pulumi.preview(settings)) > 0);
        });

        it("and updates show no secret, and the state holds none in plain text", async () => {
            const secrets = { DATABASE_URL: "ecto://wine:merlot1982@db", API_KEY: "canary-b3f1" };
            await pulumi.up({ ...settings, secrets });
            const container = engine.getContainer((pulumi.outputs.containers as string[])[0] ?? "");
            const { Env } = (await container.inspect()).Config;
            const generated = Env.filter((variable) => /^(RELEASE_COOKIE|SECRET_KEY_BASE)=/.test(variable));
            assert.equal(generated.length, 2);
            assert.ok(Env.includes("API_KEY=canary-b3f1"));
            const hidden = [
                "merlot1982",
                "canary-b3f1",
                ...generated.map((variable) => variable.split("=")[1] ?? ""),
            ];
            const seen = pulumi.said + pulumi.state() + JSON.stringify(pulumi.outputs);
            for (const value of hidden) assert.ok(value.length > 8 && !seen.includes(value));
        });

        it("refuse what cannot be, and nothing is made", async () => {
            const wrong = { ...settings, app: "/nonexistent", replicas: 9 };
            await assert.rejects(pulumi.up(wrong), (error: Error) => {
                assert.match(error.message, /the settings of this stack cannot be used \(2 problems\):/);
                assert.match(
                    error.message,
                    /- app must be a folder with a mix.exs, got "\/nonexistent": pulumi config set app \.\.\/my_app/,
                );
                assert.match(
                    error.message,
                    /- replicas must be a whole number from 1 to 8, got "9": pulumi config set replicas 2/,
                );
                return true;
            });
        });
    });
});
