import { strict as assert } from "node:assert";
import * as http from "node:http";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import program from "../../index";
import { App } from "../support/app";
import { isThere } from "../support/deploys";
import { engine } from "../support/dockerProvider";
import { countsOf, failuresOf, underLoad, writeDown } from "../support/faults";
import { baseImages, freePort } from "../support/machine";
import { MiniEngine } from "../support/miniEngine";
import { reconnectSpread, Sockets } from "../support/sockets";

/** How an exchange ended, and when. */
interface Exchange {
    body: string;
    /** Whether the answer came to its end. */
    complete: boolean;
    endedAt: number;
}

interface ContainerEvent {
    Action: string;
    timeNano: number;
    Actor: { Attributes: { name: string } };
}

describe("what has begun on the old release", function () {
    this.timeout(300_000);

    const stack = `test-drain-${process.pid}`;
    const pulumi = new MiniEngine(stack, program);
    const app = new App();
    let port: number;
    let settings: Record<string, unknown>;
    let deploys = 0;

    before(async () => {
        port = await freePort();
        settings = { ...baseImages(), app: app.folder, publicPort: port, bakeSeconds: 1 };
        await deploy(30);
    });
    after(async () => {
        await pulumi.destroy();
        app.remove();
    });

    /** Deploys the next version, and gives it. */
    async function deploy(drainSeconds: number): Promise<string> {
        deploys += 1;
        const version = `1.0.${deploys}`;
        app.release(version);
        await pulumi.up({ ...settings, drainSeconds });
        return version;
    }

    function exchange(method: string, path: string, write?: (request: http.ClientRequest) => Promise<void>) {
        return new Promise<Exchange>((resolve) => {
            let body = "";
            const done = (complete: boolean) => resolve({ body, complete, endedAt: Date.now() });
            const request = http.request({ port, method, path, agent: false }, (answer) => {
                answer.on("data", (data: Buffer) => (body += data.toString()));
                answer.on("close", () => done(answer.complete));
            });
            request.on("error", () => done(false));
            if (write === undefined) request.end();
            else void write(request);
        });
    }

    /** 50 MB in pieces that take 15 s together. */
    async function upload(request: http.ClientRequest): Promise<void> {
        request.setHeader("Content-Length", 50_000_000);
        for (let piece = 0; piece < 150; piece++) {
            request.write(Buffer.alloc(piece === 149 ? 50_000_000 - 149 * 333_333 : 333_333));
            await sleep(100);
        }
        request.end();
    }

    /** What the swap said, line by line, with the time of each. */
    async function swapLog(): Promise<{ at: number; line: string }[]> {
        const filters = { label: [`decanter.stack=decanter/${stack}`], name: ["swap"] };
        const [swap] = await engine.listContainers({ all: true, filters });
        const log = await engine.getContainer(swap?.Id ?? "").logs({ stdout: true, timestamps: true });
        return [...log.toString().matchAll(/(\d{4}-\d\d-\d\dT[\d:.]+Z) (.*)/g)].map(
            ([, time = "", line = ""]) => ({
                at: Date.parse(time),
                line,
            }),
        );
    }

    it("finishes there within drainSeconds: a slow answer, an upload, a stream of events", async () => {
        const old = `hello 1.0.${deploys}`;
        let all: Promise<Exchange>[] = [];
        const fates = await underLoad(port, async () => {
            const deployed = deploy(30);
            // The build may take longer than any of these.
            await isThere(stack, `1.0.${deploys}`, deployed);
            all = [
                exchange("GET", "/slow?seconds=20"),
                exchange("POST", "/upload", upload),
                exchange("GET", "/events?seconds=15"),
            ];
            await deployed;
        });
        const [slow, sent, events] = await Promise.all(all);
        assert.deepEqual([slow?.complete, slow?.body], [true, `slow ${old}\n`]);
        assert.deepEqual([sent?.complete, sent?.body], [true, `received 50000000 ${old}\n`]);
        assert.equal(events?.complete, true);
        assert.equal(events.body.split(`data: ${old} `).length - 1, 150);
        assert.match(events.body, /data: end\n\n$/);
        assert.deepEqual(failuresOf(fates), []);
        // They were there when the traffic moved: otherwise this proves nothing.
        const moved = (await swapLog()).find(({ line }) => line.includes("gets the traffic"))?.at ?? Infinity;
        for (const { endedAt } of await Promise.all(all)) assert.ok(endedAt > moved);
        writeDown({
            group: "Drain",
            fault: "a 20 s answer, a 50 MB upload of 15 s and 15 s of events begin before the swap",
            ...countsOf(fates),
            saw: "nothing: all end on the old release",
            recovery: "none needed",
        });
    });

    it("is cut at drainSeconds, and not before", async () => {
        const all = [exchange("GET", "/slow?seconds=120"), exchange("GET", "/events?seconds=120")];
        await sleep(500);
        const fates = await underLoad(port, () => deploy(6));
        const log = await swapLog();
        const moved = log.find(({ line }) => line.includes("gets the traffic"))?.at ?? Infinity;
        assert.match(
            log.map(({ line }) => line).join("\n"),
            /2 requests on \w+ have taken longer than 6 s and are cut/,
        );
        for (const { complete, endedAt } of await Promise.all(all)) {
            assert.equal(complete, false);
            assert.ok(endedAt - moved >= 6000, `cut ${endedAt - moved} ms after the traffic has moved`);
        }
        assert.deepEqual(failuresOf(fates), []);
        writeDown({
            group: "Drain",
            fault: "an answer and a stream take longer than drainSeconds",
            ...countsOf(fates),
            saw: "in the swap's log: 2 requests … have taken longer than 6 s and are cut",
            recovery: "none needed",
        });
    });

    it("goes on for 2,000 WebSockets until the old release closes them, and each comes back to the new one", async () => {
        const sockets = new Sockets({ port, count: 2000 });
        await sockets.opened();
        let version = "";
        const fates = await underLoad(port, async () => {
            version = await deploy(30);
            await sockets.reconnected();
        });
        const records = await sockets.close();
        assert.deepEqual(failuresOf(fates), []);
        assert.deepEqual(new Set(records.map(({ first }) => first.code)), new Set([1012]));
        assert.deepEqual(
            new Set(records.map(({ first }) => first.greeting)),
            new Set([`hello 1.0.${deploys - 1}`]),
        );
        assert.deepEqual(
            new Set(records.map(({ second }) => second?.greeting)),
            new Set([`hello ${version}`]),
        );
        assert.equal(records.filter(({ first, second }) => first.lost + (second?.lost ?? 0) > 0).length, 0);
        // The old release was told to stop only when the traffic had moved; the proxy did not cut them then.
        const spread = reconnectSpread(records);
        const slowest = Math.max(...fates.map(({ latency }) => latency));
        writeDown({
            group: "Drain",
            fault: "2,000 WebSockets are open",
            ...countsOf(fates),
            saw: `nothing: the old release closes them; all are back within ${spread.toFixed(0)} ms, the slowest other request takes ${slowest.toFixed(0)} ms`,
            recovery: "none needed",
        });
    });

    it("ends in the order: healthy, traffic moved, confirmed, told to stop, stopped", async () => {
        const [old] = pulumi.outputs.containers as string[];
        const stream = (await engine.getEvents({ filters: { type: ["container"] } })) as Readable;
        let text = "";
        stream.on("data", (data: Buffer) => (text += data.toString()));
        const version = await deploy(30);
        stream.destroy();
        const [now] = pulumi.outputs.containers as string[];
        const events = text
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => JSON.parse(line) as ContainerEvent)
            .map(({ Action, timeNano, Actor }) => ({
                at: timeNano / 1e6,
                what: `${Actor.Attributes.name} ${Action}`,
            }));
        const log = (await swapLog()).map(({ at, line }) => ({ at, what: line.replace(/^[\d:.]+ /, "") }));
        const inOrder = [...events, ...log].sort((a, b) => a.at - b.at).map(({ what }) => what);
        const places = [
            `${now} health_status: healthy`,
            `gets the traffic: ${now}`,
            `confirmed: release ${version} answers on the public port`,
            `${old} kill`,
            `${old} die`,
        ].map((what) => inOrder.findIndex((seen) => seen.includes(what)));
        assert.ok(!places.includes(-1), inOrder.join("\n"));
        assert.deepEqual(
            places,
            [...places].sort((a, b) => a - b),
            inOrder.join("\n"),
        );
    });
});
