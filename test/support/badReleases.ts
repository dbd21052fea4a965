import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import * as dgram from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { buildImage } from "../../components/image/buildImage";
import { App } from "./app";
import { type Deployer, ONE_OF_EACH, rolesOf } from "./deploys";
import { engine } from "./dockerProvider";
import { countsOf, failuresOf, seconds, underLoad, writeDown } from "./faults";
import { baseImages, freePort } from "./machine";

const run = promisify(execFile);

/** A release that is bad, and what its error has to say. */
interface Bad {
    /** Why it is bad. */
    fault: string;
    settings: Record<string, unknown>;
    /** What the operator has to be told: the cause first. */
    says: RegExp[];
    /** Whether it gets the traffic before it shows. */
    serves?: true;
}

const SECRET = "merlot1982";

/** A container as far as it matters whether it works. */
interface Running {
    id: string;
    name: string;
    restart: string;
}

const bad: Bad[] = [
    {
        fault: "exits at boot",
        settings: {
            env: { BOOT: "exit" },
            migrate: "none",
            secrets: { DATABASE_URL: `ecto://wine:${SECRET}@db` },
        },
        says: [/release-1-\w+ stopped with exit code 1/, /\| .*the database at \[secret\] does not answer/],
    },
    {
        fault: "never listens",
        settings: { env: { LISTEN: "never" }, bootSeconds: 5 },
        says: [
            /did not become healthy within 5 s \(bootSeconds\); the last check said: nothing listens on port 4000/,
            /Its last lines:/,
        ],
    },
    {
        fault: "answers 500 to the health check",
        settings: { env: { HEALTH: "500" }, bootSeconds: 10 },
        says: [
            /did not become healthy within 10 s \(bootSeconds\); the last check said: GET \/health answered 500/,
        ],
    },
    {
        fault: "hangs in the health check",
        settings: { env: { HEALTH: "hang" }, bootSeconds: 12 },
        says: [/did not become healthy within 12 s \(bootSeconds\); the last check said: .*timeout.*/i],
    },
    {
        fault: "redirects the health check",
        settings: { env: { HEALTH: "302" }, bootSeconds: 10 },
        says: [
            /did not become healthy within 10 s \(bootSeconds\); the last check said: GET \/health answered 302/,
        ],
    },
    {
        fault: "gets healthy too late",
        settings: { env: { HEALTH_AFTER: "60" }, bootSeconds: 10 },
        says: [
            /did not become healthy within 10 s \(bootSeconds\); the last check said: GET \/health answered 503/,
        ],
    },
    {
        fault: "is healthy, and crashes within the bake time",
        settings: { env: { CRASH_AFTER: "6" }, bakeSeconds: 30 },
        says: [/release-1-\w+ stopped with exit code 7/, /\| cellar on fire/],
    },
    {
        fault: "crashes when it has the traffic",
        settings: { env: { CRASH_ON: "/fatal" }, bakeSeconds: 5, drainSeconds: 5 },
        says: [
            /the new release did not get the traffic, or lost it/,
            /release [\d.]+ did not stay healthy/,
            /has the traffic again/,
            /release-1-\w+ stopped/,
            /\| cellar on fire/,
        ],
        serves: true,
    },
    {
        fault: "is killed for memory at boot",
        settings: { env: { BOOT: "memory" }, memoryMb: 192, migrate: "none" },
        says: [/release-1-\w+ was killed because it used more memory than its limit \(memoryMb\)/],
    },
    {
        fault: "misses a variable in runtime.exs",
        settings: { env: { REQUIRES: "WINE_LIST" }, migrate: "none" },
        says: [/stopped.*\. It misses WINE_LIST: pulumi config set --secret --path secrets\.WINE_LIST/],
    },
    {
        fault: "fails to migrate",
        settings: {
            migrate: "sh -c 'echo pouring; echo no such column, $DB >&2; exit 3'",
            secrets: { DB: SECRET },
        },
        says: [
            /the migration .* failed.* stopped with exit code 3/,
            /\| pouring\n *\| no such column, \[secret\]/,
        ],
    },
    {
        fault: "does not end its migration",
        settings: { migrate: "sleep 60", migrateSeconds: 2 },
        says: [/the migration "sleep 60" failed.* took longer than 2 s \(migrateSeconds\)/],
    },
    {
        fault: "has its migration killed",
        settings: { migrate: "sh -c 'echo pouring; kill -9 $$'" },
        says: [/the migration .* failed.* was ended by SIGKILL \(exit code 137\)/, /\| pouring/],
    },
];

/** What a user may expect when a release is bad, tried on the machine's Docker. */
export function itSurvivesBadReleases(stack: string, pulumi: Deployer): void {
    const app = new App();
    let port: number;
    let deploys = 0;
    /** Where the jobs of the releases do their work, and how containers reach it. */
    const jobs = dgram.createSocket("udp4");
    let gateway: string | undefined;

    const up = ({ env, ...settings }: { env?: object; [setting: string]: unknown } = {}) =>
        pulumi.up({
            ...baseImages(),
            app: app.folder,
            publicPort: port,
            bootSeconds: 120,
            bakeSeconds: 1,
            drainSeconds: 5,
            // Every release has a job that works while it runs.
            env: { WORKS_AT: `${gateway}:${jobs.address().port}`, ...env },
            ...settings,
        });
    const get = async (path = "/") => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    const filters = { label: [`decanter.stack=decanter/${stack}`] };
    const repository = () => (pulumi.outputs.image as string).split("@")[0] ?? "";

    /** The stack's containers that run, or that Docker would start again. The swap's stays for a while to be looked at. */
    async function running(): Promise<Running[]> {
        const all = await engine.listContainers({ all: true, filters });
        const states = await Promise.all(all.map(({ Id }) => engine.getContainer(Id).inspect()));
        return states
            .map(({ Id, Name, State, HostConfig }) => ({
                id: Id,
                name: Name.slice(1),
                restart: HostConfig.RestartPolicy?.Name ?? "no",
                works: State.Running || State.Restarting,
            }))
            .filter(({ works, restart, name }) => (works || restart === "always") && !name.includes("-swap-"))
            .map(({ works: _works, ...container }) => container)
            .sort((a, b) => a.id.localeCompare(b.id));
    }
    /** The versions whose jobs work. */
    async function working(): Promise<string[]> {
        const versions = new Set<string>();
        const note = (message: Buffer) => versions.add(message.toString());
        // What is on its way may arrive.
        await sleep(200);
        jobs.on("message", note);
        await sleep(1000);
        jobs.off("message", note);
        return [...versions];
    }

    before(async () => {
        port = await freePort();
        jobs.bind(0);
        await once(jobs, "listening");
        // Node.js does not list a bridge that no container is on.
        const { stdout } = await run("ip", ["-json", "-4", "address", "show", "docker0"]);
        const [bridge] = JSON.parse(stdout) as [{ addr_info: [{ local: string }] }];
        gateway = bridge.addr_info[0].local;
    });
    after(async () => {
        jobs.close();
        await pulumi.destroy();
        app.remove();
    });

    /** Deploys what is bad under load: nobody may notice, and the error has to say why. */
    async function staysWhole({ fault, settings, says, serves }: Bad): Promise<void> {
        const old = await get();
        const ran = await running();
        let error: Error | undefined;
        const begun = Date.now();
        let reported = begun;
        const fates = await underLoad(port, async () => {
            const failing = up(settings).catch((reason: Error) => (error = reason));
            // Visitors of the old release get a 404 there.
            const visits = serves && setInterval(() => void get("/fatal").catch(() => undefined), 100);
            await failing;
            reported = Date.now();
            clearInterval(visits);
        });
        assert.ok(error instanceof Error, "the deploy did not fail");
        for (const said of says) assert.match(error.message, said);
        assert.ok(!error.message.includes(SECRET), error.message);
        // What it was doing when it crashed may be lost; whoever came then has waited for the old release.
        const lost = failuresOf(fates);
        if (serves) assert.ok(lost.length < fates.length / 100, JSON.stringify(lost.slice(0, 20)));
        else assert.deepEqual(lost, []);
        if (!serves) {
            // Not after the whole bootSeconds, which are 120 where nothing else is said.
            assert.ok(reported - begun < 110_000, `it was reported after ${reported - begun} ms`);
            const answers = fates.filter(({ kind }) => kind !== "post").map(({ body }) => body);
            assert.deepEqual(new Set(answers), new Set([old]), "the bad release was asked");
        }
        assert.equal(await get(), old, "the old release does not serve on");
        const runs = await running();
        assert.deepEqual(runs, ran, "the refused release works on");
        const left = runs.filter(({ id }) => !ran.some((container) => container.id === id));
        assert.deepEqual(
            (await working()).map((version) => `hello ${version}\n`),
            [old],
        );

        deploys += 1;
        const version = `1.1.${deploys}`;
        app.release(version);
        const took = await seconds(() => up());
        assert.equal(await get(), `hello ${version}\n`);
        await nothingIsLeft();
        writeDown({
            group: "A release that",
            fault,
            ...countsOf(fates),
            stillRunning: left.length,
            saw: says.map((said) => said.exec(error?.message ?? "")?.[0]).join(" … "),
            recovery: `the next up, ${took.toFixed(0)} s`,
        });
    }

    /** Containers, networks, volumes and images are those of the release that runs, and of those that are kept. */
    async function nothingIsLeft(): Promise<void> {
        const containers = await engine.listContainers({ all: true, filters });
        assert.deepEqual(rolesOf(containers, stack), ONE_OF_EACH);
        assert.equal((await engine.listNetworks({ filters })).length, 1);
        assert.equal((await engine.listVolumes({ filters })).Volumes.length, 2);

        const kept = (pulumi.outputs.releases as { version: string; image: string }[]).map(
            ({ image }) => image,
        );
        const images = await engine.listImages({ filters: { reference: [repository()] } });
        const there = images.flatMap(({ RepoDigests }) => RepoDigests ?? []);
        assert.deepEqual(there.sort(), kept.sort());
        const answer = await fetch(`http://${repository().replace("/", "/v2/")}/tags/list`);
        const { tags } = (await answer.json()) as { tags: string[] };
        const versions = (pulumi.outputs.releases as { version: string }[]).map(({ version }) => version);
        // The same version may have been built twice.
        assert.deepEqual(tags.sort(), [...new Set(versions)].sort());
    }

    for (const { fault, settings } of [
        { fault: "crashes at boot", settings: { env: { BOOT: "exit" }, migrate: "none" } },
        { fault: "is not healthy", settings: { env: { HEALTH: "500" }, bootSeconds: 3, migrate: "none" } },
        // Nobody else could have the traffic.
        {
            fault: "crashes when it has the traffic",
            settings: { env: { CRASH_ON: "/fatal" }, bakeSeconds: 5, migrate: "none" },
        },
    ]) {
        it(`serves nothing, and runs nothing, when the first release ${fault}`, async () => {
            app.release("0.9.0");
            const visits = setInterval(() => void get("/fatal").catch(() => undefined), 100);
            const failing = up(settings).finally(() => clearInterval(visits));
            await assert.rejects(failing, (error: Error) => {
                assert.match(
                    error.message,
                    /release-1-\w+ stopped, kept for docker logs; no release has the traffic/,
                );
                assert.doesNotMatch(error.message, /old release|serves on/);
                return true;
            });
            const runs = (await running()).map(({ name }) => ({ Names: [`/${name}`] }));
            assert.deepEqual(rolesOf(runs, stack), ["registry", "router"]);
            assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 503);
            assert.deepEqual(await working(), []);
        });
    }

    it("starts a refused release again for its check when it is deployed again", async () => {
        app.release("0.9.1");
        const settings = { env: { HEALTH_AFTER: "8" }, bakeSeconds: 0, migrate: "none" };
        await assert.rejects(
            up({ ...settings, bootSeconds: 3 }),
            /release-1-\w+ did not become healthy within 3 s/,
        );
        const refused = async () => {
            const label = [...filters.label, "decanter.version=0.9.1"];
            const all = await engine.listContainers({ all: true, filters: { label } });
            return all.filter(({ Names }) => Names[0]?.includes("release-1-")).map(({ Id }) => Id);
        };
        const [id, ...others] = await refused();
        assert.deepEqual(others, []);
        await up({ ...settings, bootSeconds: 30 });
        assert.equal(await get(), "hello 0.9.1\n");
        assert.deepEqual(await refused(), [id]);
        const serving = (await running()).find((container) => container.id === id);
        assert.equal(serving?.restart, "always");
        app.release("1.0.0");
        await up();
        await nothingIsLeft();
    });

    for (const [index, release] of bad.entries()) {
        it(`serves the old release when the new one ${release.fault}, and says why`, async () => {
            app.release(`9.0.${index}`);
            await staysWhole(release);
        });
    }

    it("serves the old release when the image of the new one is gone", async () => {
        const image = `${repository()}@sha256:${"0".repeat(64)}`;
        await staysWhole({
            fault: "has lost its image",
            settings: { image, version: "9.1.0" },
            says: [/the image \S+@sha256:0+ is neither on the Docker host nor in its registry/],
        });
    });

    it("serves the old release when the image of the new one is for another CPU", async () => {
        const foreign = new App();
        // The beginning of a program for the other one; it is never read any further.
        const [other, machine] = process.arch === "arm64" ? ["amd64", 62] : ["arm64", 183];
        const elf = Buffer.alloc(64);
        elf.write("7f454c46020101", "hex");
        elf.writeUInt16LE(2, 16);
        elf.writeUInt16LE(machine, 18);
        foreign.write("sh", elf);
        foreign.write("Dockerfile", 'FROM scratch\nCOPY --chmod=0755 sh /bin/sh\nCMD ["/bin/sh"]\n');
        const name = `${repository()}:9.2.0`;
        const build = {
            context: foreign.folder,
            dockerfile: `${foreign.folder}/Dockerfile`,
            platform: `linux/${other}`,
            args: {},
        };
        const built = await buildImage(new DockerHost(), build, ["-t", name]);
        assert.equal(built.code, 0, built.output);
        const pushed = await dockerCli(undefined, ["push", "-q", name]);
        assert.equal(pushed.code, 0, pushed.output);
        const { RepoDigests } = await engine.getImage(name).inspect();
        foreign.remove();
        await staysWhole({
            fault: "is for another CPU",
            settings: { image: RepoDigests?.[0], version: "9.2.0", migrate: "none" },
            says: [new RegExp(`is for linux/${other}, and the Docker host is linux/.*: build for it`)],
        });
    });

    it("serves the old release when the new one does not compile", async () => {
        const old = await get();
        app.write("lib/broken.ex", "defmodule Broken do\n");
        await assert.rejects(up(), /the build failed:\n[^]*\| .*missing terminator: end/);
        assert.equal(await get(), old);
        app.write("lib/broken.ex", "");
        await up();
        await nothingIsLeft();
    });
}
