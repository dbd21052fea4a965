import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fate } from "../../bench/load";
import { dockerCli } from "../../components/docker/dockerCli";
import { App } from "../support/app";
import { Checkout, type Command } from "../support/checkout";
import { rolesOf } from "../support/deploys";
import { engine } from "../support/dockerProvider";
import { countsOf, failuresOf, seconds, underLoad, writeDown } from "../support/faults";
import { baseImages, freePort } from "../support/machine";
import { skipWithoutEngine } from "../support/realEngine";

/** How often an update is interrupted, each time a little later. */
const TIMES = 10;

describe("a deploy with Pulumi's engine", function () {
    this.timeout(1_200_000);
    skipWithoutEngine();
    describe("that is interrupted", itRecovers);
});

function itRecovers(): void {
    let port: number;
    let checkout: Checkout;
    let app: App;
    let updateMs: number;

    const get = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();
    /** The containers behind this port, the router included: other checkouts have a stack `local` too. */
    async function containers(): Promise<string[]> {
        const filters = { label: ["decanter.stack=decanter/local"] };
        const all = await engine.listContainers({ all: true, filters });
        const router = all.find(({ Ports }) => Ports.some(({ PublicPort }) => PublicPort === port));
        const network = Object.keys(router?.NetworkSettings.Networks ?? {})[0];
        const ours = all.filter(
            ({ Id, Labels }) => Id === router?.Id || Labels["decanter.router"] === network,
        );
        return rolesOf(ours, "local");
    }
    /** The containers of releases and migrations that run, or that Docker would start again, and have no traffic. */
    async function working(): Promise<string[]> {
        const filters = { label: ["decanter.stack=decanter/local"] };
        const all = await engine.listContainers({ all: true, filters });
        const router = all.find(({ Ports }) => Ports.some(({ PublicPort }) => PublicPort === port));
        const network = Object.keys(router?.NetworkSettings.Networks ?? {})[0];
        const { stdout } = await dockerCli(undefined, [
            "exec",
            router?.Id ?? "",
            "bash",
            "-c",
            fs.readFileSync("docker/router/live", "utf8"),
        ]);
        const live = stdout.trim().split("\n");
        const ours = all.filter(({ Labels }) => Labels["decanter.router"] === network);
        const states = await Promise.all(ours.map(({ Id }) => engine.getContainer(Id).inspect()));
        return states
            .filter(({ State, HostConfig }) => State.Running || HostConfig.RestartPolicy?.Name === "always")
            .filter(({ HostConfig }) => !HostConfig.NetworkMode?.startsWith("container:"))
            .map(({ Name }) => Name.slice(1))
            .filter((name) => !live.includes(name));
    }
    const engineOf = (up: Command) => up.below(/pulumi up /);
    const well = async (...args: string[]) => {
        const { code, said } = await checkout.run("up", ...args);
        assert.equal(code, 0, said);
        return said;
    };

    before(async () => {
        port = await freePort();
        app = new App();
        app.release("1.0.0");
        checkout = new Checkout({
            ...baseImages(),
            app: app.folder,
            publicPort: port,
            bakeSeconds: 1,
            drainSeconds: 5,
        });
        await well();
        // How long an update takes, from the start of the engine to its end.
        app.release("1.0.1");
        const up = checkout.start("up");
        await engineOf(up);
        updateMs = 1000 * (await seconds(() => up.ended));
    });
    after(async () => {
        app.remove();
        await checkout.destroy();
    });

    for (const [signal, interrupt] of [
        ["SIGKILL to the engine", (_up: Command, pid: number) => process.kill(pid, "SIGKILL")],
        ["SIGINT, as Ctrl-C sends it,", (up: Command) => up.interrupt()],
    ] as const) {
        it(`by ${signal} at ${TIMES} moments is mended by the next ./bin/up, and no request is lost`, async () => {
            const lifted: boolean[] = [];
            const words = new Set<string>();
            const took: number[] = [];
            const loads: Fate[][] = [];
            const worked: string[] = [];
            for (let time = 0; time < TIMES; time++) {
                const version = `${signal.startsWith("SIGKILL") ? 2 : 3}.0.${time}`;
                app.release(version);
                loads.push(
                    await underLoad(port, async () => {
                        const up = checkout.start("up");
                        const pid = await engineOf(up);
                        await sleep((updateMs * (time + 0.5)) / TIMES);
                        try {
                            interrupt(up, pid ?? 0);
                        } catch {
                            // It was faster than the last time.
                        }
                        const { code, said } = await up.ended;
                        for (const [word] of said.matchAll(
                            /error: update cancell?ed|error: operation cancell?ed.*/g,
                        ))
                            words.add(word);
                        const before = await get();
                        assert.match(before, /^hello \d/);
                        if (code !== 0) {
                            const last = said.trimEnd().split("\n").at(-1) ?? "";
                            const [, serves, url] = /^release (\S+) serves on at (\S+) \(/.exec(last) ?? [];
                            assert.deepEqual(
                                [`hello ${serves}\n`, url],
                                [before, `http://localhost:${port}`],
                                last,
                            );
                        }
                        worked.push(...(await working()));

                        took.push(
                            await seconds(async () =>
                                lifted.push(/lifting the lock of process/.test(await well())),
                            ),
                        );
                        assert.equal(await get(), `hello ${version}\n`, `${code}: ${said}`);
                        assert.deepEqual(await working(), []);
                        assert.deepEqual(await containers(), [
                            "release-1",
                            "release-migration",
                            "release-swap",
                            "router",
                        ]);
                    }),
                );
            }
            assert.deepEqual(failuresOf(loads.flat()), []);
            // The last moments may come after the end of an update that was fast.
            if (signal.startsWith("SIGKILL"))
                assert.ok(lifted.filter(Boolean).length >= TIMES / 2, `${lifted.join()}`);
            // What Docker or the provider was about to do when the engine was killed may be done after `bin/up` has ended.
            if (!signal.startsWith("SIGKILL")) assert.deepEqual(worked, []);
            writeDown({
                group: "Interruptions",
                fault: `${signal} at ${TIMES} moments of an update`,
                ...countsOf(...loads),
                stillRunning: worked.length,
                saw: signal.startsWith("SIGKILL")
                    ? "lifting the lock of process N of USER, since TIME: that process is gone"
                    : [...words].join(" … ") || "nothing: the update ended",
                recovery: `the next ./bin/up, ${Math.max(...took).toFixed(0)} s at most`,
            });
        });
    }

    it("leaves another one to the first, and says whose it is and since when", async () => {
        app.release("4.0.0");
        const first = checkout.start("up");
        const pid = await engineOf(first);
        await sleep(3000);
        const second = await checkout.run("up");
        assert.equal(second.code, 1, second.said);
        assert.match(
            second.said,
            new RegExp(
                `the stack local is being deployed by process ${pid} of \\w+, since 2\\d{3}-[\\dT:.-]+.*: wait for it`,
            ),
        );
        assert.equal((await first.ended).code, 0, first.said);
        assert.equal(await get(), "hello 4.0.0\n");
    });
}
