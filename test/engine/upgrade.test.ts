import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { App } from "../support/app";
import { copyCommit, copyProject } from "../support/checkout";
import { engine } from "../support/dockerProvider";
import { countsOf, failuresOf, underLoad } from "../support/faults";
import { baseImages, freePort } from "../support/machine";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";

/** The last version that named resources by the release. */
const BY_RELEASE = "5eb972c1a7dfe0101e9ed7ec728bb3814f323460";

describe("a stack that an earlier version has deployed, with Pulumi's engine", function () {
    this.timeout(600_000);
    skipWithoutEngine();
    describe("when resources were named by the release", () => itGoesOver("named", BY_RELEASE, "hello"));
    describe("when resources were named by the release, and with a different app at once", () =>
        itGoesOver("named-app", BY_RELEASE, "shop"));
    describe("before this commit", () => itGoesOver("before", "HEAD^", "hello"));
});

/**
 * What a user may expect who replaces Decanter's files by those of this version.
 *
 * @param commit the earlier version
 * @param next name of the app that this version deploys
 */
function itGoesOver(what: string, commit: string, next: "hello" | "shop"): void {
    const stack = `engine-test-upgrade-${what}-${process.pid}`;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-upgrade-"));
    const pulumi = new RealEngine(stack, {}, folder);
    const apps = { hello: new App(), shop: new App() };
    let settings: Record<string, unknown>;
    let port: number;

    before(function () {
        const isThere = (name: string) => {
            try {
                execFileSync("git", ["cat-file", "-e", `${name}^{commit}`], { stdio: "ignore" });
                return true;
            } catch {
                return false;
            }
        };
        if (isThere(commit)) return;
        process.stderr.write(`  skipped: the commit ${commit} is not in this checkout's history\n`);
        this.skip();
    });
    before(async () => {
        port = await freePort();
        settings = { ...baseImages(), publicPort: port, bakeSeconds: 1, drainSeconds: 5 };
        apps.shop.rename("shop");
        copyCommit(commit, folder);
        fs.symlinkSync(path.resolve("node_modules"), path.join(folder, "node_modules"));
        apps.hello.release("1.0.0");
        await pulumi.up({ ...settings, app: apps.hello.folder });
    });
    after(async () => {
        await pulumi.destroy();
        for (const app of Object.values(apps)) app.remove();
        fs.rmSync(folder, { recursive: true });
    });

    const get = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();
    /** What outlives a release, by its id on the host. */
    async function lasting(): Promise<string[]> {
        const filters = { label: [`decanter.stack=decanter/${stack}`] };
        const containers = await engine.listContainers({ filters });
        const networks = await engine.listNetworks({ filters });
        const { Volumes } = await engine.listVolumes({ filters });
        return [
            ...containers.filter(({ Names }) => /registry|router/.test(Names[0] ?? "")).map(({ Id }) => Id),
            ...networks.map(({ Id }) => Id),
            ...Volumes.map(({ Name }) => Name),
        ].sort();
    }
    /** The secrets that were made for the release that serves. */
    async function generated(): Promise<string[]> {
        const [name = ""] = pulumi.outputs.containers as string[];
        const { Env } = (await engine.getContainer(name).inspect()).Config;
        return Env.filter((variable) => /^(RELEASE_COOKIE|SECRET_KEY_BASE)=/.test(variable)).sort();
    }
    /** Deploys with this version, and loses no request meanwhile; what outlives a release is the same afterwards. */
    async function deploy(app: "hello" | "shop", version: string): Promise<void> {
        const [before, secrets] = [await lasting(), await generated()];
        assert.deepEqual([before.length, secrets.length], [5, 2]);
        apps[app].release(version);
        const fates = await underLoad(port, () => pulumi.up({ ...settings, app: apps[app].folder }));
        assert.equal(await get(), `hello ${version}\n`);
        assert.deepEqual(failuresOf(fates), [], JSON.stringify(countsOf(fates)));
        for (const kind of ["busy", "idle", "post"] as const)
            assert.ok(fates.filter((fate) => fate.kind === kind).length > 20, kind);
        assert.deepEqual(await lasting(), before);
        assert.deepEqual(await generated(), secrets);
        assert.equal(pulumi.outputs.console, `bin/${app} remote`);
    }

    it("goes over to this version, without a lost request, and keeps what outlives a release", async () => {
        for (const file of fs
            .readdirSync(folder)
            .filter((name) => !["node_modules", ".decanter"].includes(name)))
            if (file !== `Pulumi.${stack}.yaml`) fs.rmSync(path.join(folder, file), { recursive: true });
        copyProject(folder);
        await deploy(next, "2.0.0");
        const { previous } = pulumi.outputs as { previous: object };
        assert.deepEqual({ ...previous, image: "" }, { release: "hello", version: "1.0.0", image: "" });
    });

    it("changes nothing when nothing has changed", async () => {
        assert.equal(await pulumi.up({ ...settings, app: apps[next].folder }), 0);
    });

    it("goes over to a different app in the same way, and back", async () => {
        for (const [app, version] of [
            ["shop", "3.0.0"],
            ["hello", "4.0.0"],
        ] as const)
            await deploy(app, version);
    });
}
