import { strict as assert } from "node:assert";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { type Fate, Load, summarize } from "../../bench/load";
import { App } from "./app";
import { engine } from "./dockerProvider";
import { baseImages, freePort } from "./machine";

/** Something that deploys the program: the engine of the tests, or Pulumi's own. */
export interface Deployer {
    /** Outputs of the last `up`. */
    outputs: Record<string, any>;
    /** Deploys with settings, and returns how many resources have changed. Rejects with all that was said. */
    up(settings: Record<string, unknown>): Promise<number>;
    destroy(): Promise<void>;
}

/** The roles of the containers of a stack with one replica. */
export const ONE_OF_EACH = ["registry", "release-1", "release-migration", "release-swap", "router"];

/** The roles of containers: their names without the stack, which Pulumi's own engine puts first, and the random end. */
export function rolesOf(containers: { Names: string[] }[], stack: string): string[] {
    return containers
        .map(({ Names: [name = ""] }) => name.replace(`/${stack}-`, "/").replace(/^\/|-[0-9a-f]{7}$/g, ""))
        .sort();
}

/** Resolves when a container of a version is there, or when its deploy has ended without one. */
export async function isThere(stack: string, version: string, deploy: Promise<unknown>): Promise<void> {
    const label = [`decanter.stack=decanter/${stack}`, `decanter.version=${version}`];
    let ended = false;
    const end = () => (ended = true);
    deploy.then(end, end);
    while (!ended && (await engine.listContainers({ all: true, filters: { label } })).length === 0)
        await sleep(100);
}

/** What a user may expect of every deploy, tried on the machine's Docker. */
export function itDeploys(stack: string, pulumi: Deployer, another: (stack: string) => Deployer): void {
    const app = new App();
    let port: number;

    const up = (settings: Record<string, unknown> = {}) =>
        pulumi.up({
            ...baseImages(),
            app: app.folder,
            publicPort: port,
            drainSeconds: 15,
            bootSeconds: 20,
            bakeSeconds: 1,
            ...settings,
        });
    const stackFilter = { label: [`decanter.stack=decanter/${stack}`] };
    const containers = async () => {
        const all = await engine.listContainers({ all: true, filters: stackFilter });
        return rolesOf(all, stack);
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
        assert.deepEqual(await containers(), ONE_OF_EACH);
    });

    it("runs the migration of the new image once", async () => {
        const all = await engine.listContainers({ all: true, filters: stackFilter });
        const migration = all.find(({ Names }) => Names[0]?.includes("migration"));
        const log = await engine.getContainer(migration?.Id ?? "").logs({ stdout: true });
        assert.deepEqual(log.toString().match(/migrated to hello .*/g), ["migrated to hello 1.0.0"]);
    });

    it("changes nothing when nothing has changed", async () => {
        assert.equal(await up(), 0);
        assert.equal(pulumi.outputs.previous, null);
    });

    it("remembers what ran before", async () => {
        const first = pulumi.outputs.image as string;
        app.release("1.0.1");
        await up();
        assert.equal(await get(), "hello 1.0.1\n");
        assert.deepEqual(pulumi.outputs.previous, { release: "hello", version: "1.0.0", image: first });
    });

    it("loses no request of ten deploys, alternately at 500/s and at saturation", async function () {
        this.timeout(900_000);
        const others = new Load({ port, idle: 200, idleSeconds: 15, post: 16 });
        let fates: Fate[] = [];
        const versions = Array.from({ length: 10 }, (_, deploy) => `2.0.${deploy}`);
        for (const [deploy, version] of versions.entries()) {
            app.release(version);
            const deployed = up();
            // A build has these cores to itself: it would take minutes beside a load that saturates them.
            await isThere(stack, version, deployed);
            const busy = new Load({ port, busy: 32, rate: deploy % 2 === 0 ? 500 : undefined });
            await deployed;
            await sleep(1000);
            // At saturation there are too many to be arguments of a push.
            fates = fates.concat(await busy.stop());
        }
        fates = fates.concat(await others.stop());
        assert.deepEqual(failures(fates), [], JSON.stringify(summarize(fates)));
        const answered = new Set(fates.filter(({ kind }) => kind === "busy").map(({ body }) => body?.trim()));
        assert.deepEqual(answered, new Set(["1.0.1", ...versions].map((version) => `hello ${version}`)));
        for (const kind of ["idle", "post"])
            assert.ok(fates.filter((fate) => fate.kind === kind).length > 200);
    });

    it("finishes on the old release what began there, and carries out no POST twice", async () => {
        const load = new Load({ port, post: 16 });
        const old = (await get()).trim();
        const oldContainer = engine.getContainer((pulumi.outputs.containers as string[])[0] ?? "");
        const oldLog = await oldContainer.logs({ follow: true, stdout: true });
        let lines = "";
        oldLog.on("data", (data: Buffer) => (lines += data.toString("latin1")));
        const allRead = once(oldLog, "end");
        await sleep(500);
        const slow = load.one("/slow");
        app.release("4.0.0");
        await up();
        assert.equal((await slow).body, `slow ${old}\n`);
        const fates = await load.stop();
        assert.deepEqual(failures(fates), []);
        await allRead;
        const newContainer = engine.getContainer((pulumi.outputs.containers as string[])[0] ?? "");
        lines += (await newContainer.logs({ stdout: true })).toString("latin1");
        const times = fates
            .filter(({ kind }) => kind === "post")
            .map(({ body }) => lines.split(`POST ${body}\n`).length - 1);
        assert.ok(times.length > 100, `${times.length} POSTs were sent`);
        assert.deepEqual(new Set(times), new Set([1]));
    });

    it("migrates again when nothing has changed since the failure", async () => {
        app.release("4.1.0");
        const settings = { migrate: "sh -c 'cat /proc/sys/kernel/random/uuid; exit 3'" };
        const said: string[] = [];
        for (let i = 0; i < 2; i++) {
            await assert.rejects(
                up(settings),
                (error: Error) => said.push(/.*\| ([\da-f-]{36})/s.exec(error.message)?.[1] ?? "") > 0,
            );
        }
        assert.match(said.join(" "), /^\S{36} \S{36}$/);
        assert.notEqual(said[0], said[1]);
    });

    it("converges with the next good release, and leaves nothing of the failed ones", async () => {
        app.release("5.0.0");
        await up();
        assert.equal(await get(), "hello 5.0.0\n");
        assert.deepEqual(await containers(), ONE_OF_EACH);
    });

    it("adds and removes replicas without a lost request", async () => {
        const load = new Load({ port, busy: 16, rate: 300, idle: 50, idleSeconds: 3, post: 8 });
        await up({ replicas: 3 });
        assert.equal((await containers()).filter((role) => /^release-\d$/.test(role)).length, 3);
        await sleep(1000);
        await up({ replicas: 2 });
        assert.deepEqual(failures(await load.stop()), []);
    });

    it("serves the same release when the router has been restarted or killed", async () => {
        const router = (await engine.listContainers({ filters: stackFilter })).find(({ Names }) =>
            Names[0]?.includes("router"),
        );
        for (const stop of [
            (id: string) => engine.getContainer(id).restart(),
            (id: string) => engine.getContainer(id).kill(),
        ]) {
            await stop(router?.Id ?? "");
            await engine
                .getContainer(router?.Id ?? "")
                .start()
                .catch(() => undefined);
            await sleep(1500);
            assert.equal(await get(), "hello 5.0.0\n");
        }
    });

    it("lives beside another stack on the same host", async () => {
        const other = another(`${stack}-other`);
        const otherPort = await freePort();
        await other.up({ ...baseImages(), app: app.folder, publicPort: otherPort, version: "6.0.0" });
        try {
            const answers = await Promise.all([get(), fetch(`http://127.0.0.1:${otherPort}/health`)]);
            assert.equal(answers[0], "hello 5.0.0\n");
            assert.equal(answers[1].status, 200);
        } finally {
            await other.destroy();
        }
        assert.equal(await get(), "hello 5.0.0\n");
    });

    it("leaves no container, network or volume when it is destroyed", async () => {
        await pulumi.destroy();
        assert.deepEqual(await containers(), []);
        assert.deepEqual(await engine.listNetworks({ filters: stackFilter }), []);
        assert.deepEqual((await engine.listVolumes({ filters: stackFilter })).Volumes, []);
    });
}
