import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { buildImage } from "../../components/image/buildImage";
import { App } from "../support/app";
import { Checkout } from "../support/checkout";
import { countsOf, failuresOf, seconds, underLoad, writeDown } from "../support/faults";
import { baseImages, freePort } from "../support/machine";
import { MiniEngine } from "../support/miniEngine";
import { settingsOf } from "../support/mockPulumi";
import { OwnDocker } from "../support/ownDocker";

/** Memory of all images, with room for a dozen releases. */
const DISK_MB = 5000;

describe("a Docker host that fails", function () {
    this.timeout(600_000);

    before(async function () {
        const reason = await OwnDocker.whyNot();
        if (reason === undefined) return;
        process.stderr.write(`  skipped: ${reason}\n`);
        this.skip();
    });
    describe("under a stack", itSurvivesItsHost);
});

function itSurvivesItsHost(): void {
    const stack = `test-host-${process.pid}`;
    const app = new App();
    let own: OwnDocker;
    let pulumi: MiniEngine;
    let checkout: Checkout;
    let port: number;
    let settings: Record<string, unknown>;
    let deploys = 0;

    before(async () => {
        own = await OwnDocker.start({ diskMb: DISK_MB });
        const images = settingsOf(baseImages());
        await own.load(
            ["builder", "runner", "router", "registry"].map((name) => images[`decanter:${name}Image`] ?? ""),
        );
        // A copy of the program, to break its router's configuration.
        checkout = new Checkout({});
        const { default: program } = (await import(path.join(checkout.folder, "index.ts"))) as {
            default: () => object;
        };
        pulumi = new MiniEngine(stack, program, own);
        port = await freePort();
        settings = {
            ...baseImages(),
            host: own.host,
            bindAddress: own.address,
            app: app.folder,
            publicPort: port,
            bakeSeconds: 1,
            drainSeconds: 5,
            bootSeconds: 30,
        };
        await deploy();
    });
    after(async () => {
        await own.stop();
        checkout.remove();
        app.remove();
    });

    async function deploy(): Promise<string> {
        deploys += 1;
        app.release(`1.0.${deploys}`);
        await pulumi.up(settings);
        return `hello 1.0.${deploys}\n`;
    }
    const load = (run: () => Promise<unknown>) => underLoad(port, run, own.address);
    const get = async () => {
        const answer = await fetch(`http://${own.address}:${port}/`, { signal: AbortSignal.timeout(5000) });
        return answer.text();
    };
    const containers = () => own.api.listContainers({ all: true });
    async function idOf(part: string): Promise<string> {
        return (await containers()).find(({ Names }) => Names[0]?.includes(part))?.Id ?? "";
    }
    async function addresses(): Promise<Record<string, string>> {
        const all = (await own.api.listContainers()).filter(({ Names }) =>
            /release-1|router/.test(Names[0] ?? ""),
        );
        return Object.fromEntries(
            all.map(({ Names, NetworkSettings }) => [
                Names[0] ?? "",
                Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "",
            ]),
        );
    }

    /** Waits until the release answers again, and tells after how many seconds; a wide limit is for hangs. */
    function untilItServes(release: string): Promise<number> {
        return seconds(async () => {
            const deadline = Date.now() + 60_000;
            let answer = "";
            while (answer !== release) {
                assert.ok(
                    Date.now() < deadline,
                    `after a minute the answer is ${answer}, and not ${release}`,
                );
                answer = await get().catch((error: Error) => error.message);
                await sleep(50);
            }
        });
    }

    const outages: [fault: string, happens: () => Promise<unknown>][] = [
        ["the Docker daemon is restarted", () => own.restart()],
        [
            "the Docker daemon is killed and started",
            async () => {
                await own.kill();
                await own.startDaemon();
            },
        ],
        ["the host loses its power and boots", () => own.reboot()],
        [
            "the router's process is killed",
            async () => {
                const id = await idOf("router");
                const { code, output } = await dockerCli(own.host, [
                    "exec",
                    id,
                    "bash",
                    "-c",
                    "kill -9 $(pidof haproxy)",
                ]);
                assert.ok([0, 137].includes(code), output);
            },
        ],
    ];
    for (const [fault, happens] of outages) {
        it(`serves the same release again when ${fault}`, async () => {
            const release = await get();
            let took = 0;
            const fates = await load(async () => {
                await happens();
                took = await untilItServes(release);
                await sleep(1000);
            });
            assert.equal(await get(), release);
            writeDown({
                group: "The host",
                fault,
                ...countsOf(fates),
                saw: "nothing: no up is needed",
                recovery: `by itself, ${took.toFixed(1)} s after Docker is there`,
            });
            assert.equal(await pulumi.up(settings), 0, "the next up has something to do");
        });
    }

    it("serves the same release when all containers come back in any order, at other addresses", async () => {
        const release = await deploy();
        for (const order of [
            ["router", "release-1"],
            ["release-1", "router"],
        ]) {
            const before = await addresses();
            const ids = await Promise.all(order.map((part) => idOf(`${part}-`)));
            for (const id of ids) await own.api.getContainer(id).stop({ t: 5 });
            // Others take the addresses that are free now.
            const [network] = Object.keys(
                (await own.api.getContainer(ids[0] ?? "").inspect()).NetworkSettings.Networks,
            );
            const image = settingsOf(baseImages())["decanter:runnerImage"] ?? "";
            const squatters: string[] = [];
            for (let i = 0; i < 3; i++) {
                const squatter = await own.api.createContainer({
                    Image: image,
                    Cmd: ["sleep", "600"],
                    HostConfig: { NetworkMode: network, Init: true },
                });
                await squatter.start();
                squatters.push(squatter.id);
            }
            for (const id of ids) {
                await own.api.getContainer(id).start();
                await sleep(1000);
            }
            await untilItServes(release);
            const after = await addresses();
            assert.deepEqual(Object.keys(after).sort(), Object.keys(before).sort());
            for (const [name, address] of Object.entries(after)) assert.notEqual(address, before[name], name);
            for (const id of squatters) await own.api.getContainer(id).remove({ force: true });
        }
        assert.equal(await pulumi.up(settings), 0);
    });

    it("has a healthy release behind the router when that is killed in the middle of a swap", async () => {
        const old = await get();
        let error: Error | undefined;
        let took = 0;
        const fates = await load(async () => {
            const failing = deploy().catch((reason: Error) => (error = reason));
            // The swap has begun when it has put the new release into the idle slot.
            const deadline = Date.now() + 60_000;
            const log = async () => (await dockerCli(own.host, ["logs", await idOf("release-swap-")])).output;
            const before = await idOf("release-swap-");
            while ((await idOf("release-swap-")) === before || !(await log()).includes("is healthy")) {
                assert.ok(Date.now() < deadline, "no swap has begun");
                await sleep(20);
            }
            const id = await idOf("router");
            await dockerCli(own.host, ["exec", id, "bash", "-c", "kill -9 $(pidof haproxy)"]);
            took = await seconds(async () => {
                while (!/^hello/.test(await get().catch(() => "")))
                    assert.ok(Date.now() < deadline, "nobody answers");
            });
            await failing;
        });
        assert.match(
            error?.message ?? "",
            /the new release did not get the traffic, or lost it[^]*the router does not answer/,
        );
        // Whichever it is, it answers.
        assert.ok([old, `hello 1.0.${deploys}\n`].includes(await get()), await get());
        const recovery = await seconds(() => pulumi.up(settings));
        assert.equal(await get(), `hello 1.0.${deploys}\n`);
        writeDown({
            group: "The host",
            fault: "the router's process is killed in the middle of a swap",
            ...countsOf(fates),
            saw: "the new release did not get the traffic, or lost it … the router does not answer",
            recovery: `the router by itself, ${took.toFixed(1)} s; the next up, ${recovery.toFixed(0)} s`,
        });
    });

    /** A deploy that has to fail, with nobody noticing, and the next one that has to succeed. */
    async function failsAndConverges(
        fault: string,
        says: RegExp,
        breaks: () => Promise<unknown>,
        mend: () => Promise<unknown>,
    ) {
        const old = await get();
        let error: Error | undefined;
        const fates = await load(async () => {
            await breaks();
            await deploy().catch((reason: Error) => (error = reason));
        });
        await mend();
        assert.match(error?.message ?? "it did not fail", says);
        assert.deepEqual(failuresOf(fates), []);
        assert.equal(await get(), old);
        const took = await seconds(deploy);
        assert.equal(await get(), `hello 1.0.${deploys}\n`);
        writeDown({
            group: "The host",
            fault,
            ...countsOf(fates),
            saw: says.exec(error?.message ?? "")?.[0] ?? "",
            recovery: `the next up, ${took.toFixed(0)} s`,
        });
    }

    it("keeps a good router when its new configuration is broken", async () => {
        const file = path.join(checkout.folder, "docker/router/router.cfg");
        const good = fs.readFileSync(file, "utf8");
        await failsAndConverges(
            "the router's configuration is broken",
            /unknown keyword 'defautl_backend'.*/,
            () => fs.promises.writeFile(file, good.replace("default_backend", "defautl_backend")),
            () => fs.promises.writeFile(file, good),
        );
    });

    it("serves the old release when the disk is full during a build", async () => {
        await failsAndConverges(
            "the disk is full during a build",
            /the disk of the Docker host is full/,
            () => own.fillDisk(1),
            () => own.freeDisk(),
        );
    });

    it("serves the old release when the disk is full during a push", async () => {
        await failsAndConverges(
            "the disk is full during a push",
            /no space left on device|unknown: unknown error|received unexpected HTTP status: 5\d\d/i,
            async () => {
                // Built before, so that the disk is full when the registry writes.
                app.release(`1.0.${deploys + 1}`);
                const { code, output } = await buildImage(new DockerHost(own.host), app.build(), []);
                assert.equal(code, 0, output);
                await own.fillDisk(3);
            },
            () => own.freeDisk(),
        );
    });

    it("serves the old release when the registry stops before a push", async () => {
        let stopping: Promise<void> | undefined;
        await failsAndConverges(
            "the registry is stopped during a push",
            /connection refused|connection reset|EOF/,
            () => {
                // The deploy begins with a registry that runs, and then pushes for seconds.
                app.write("priv/ballast", randomBytes(100_000_000));
                pulumi.events.length = 0;
                stopping = (async () => {
                    while (!pulumi.events.includes("hook registry-started")) await sleep(5);
                    await sleep(500);
                    await own.api.getContainer(await idOf("registry")).stop({ t: 0 });
                })();
                return Promise.resolve();
            },
            async () => {
                app.write("priv/ballast", "");
                await stopping;
            },
        );
    });
}
