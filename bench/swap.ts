import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import program from "../index";
import { App } from "../test/support/app";
import type { Deployer } from "../test/support/deploys";
import { engine } from "../test/support/dockerProvider";
import { baseImages, freePort } from "../test/support/machine";
import { MiniEngine } from "../test/support/miniEngine";
import { RealEngine, whyNoEngine } from "../test/support/realEngine";
import { Baseline } from "./baseline";
import { benchmark, wholeNumber } from "./command";
import { answersOf, machine } from "./figures";
import { type Fate, Load } from "./load";
import { chart, count, type Deploy, type Phase, type Request, type Run } from "./swapChart";

/** What a release and its images are named by in this run. */
const STACK = `engine-test-swap-${process.pid}`;

const RATE = 500;
const BUSY = 32;
const IDLE = 200;
const IDLE_SECONDS = 15;
const POST = 16;
// Together 3 s from one deploy to the next. What a deploy spoils may show after its end, so most of it comes then.
const BEFORE_MS = 500;
const AFTER_MS = 2500;

/** Failures that are written down one by one. */
const LISTED_FAILURES = 50;

interface Options {
    deploys: number;
    out: string;
    baseline: boolean;
}

/** How some requests went. Latencies are those of the answers: what is refused at once is not fast. */
interface Stats {
    sent: number;
    failed: number;
    slowestMs: number;
    p50: number;
    p99: number;
}

async function main(): Promise<number> {
    const options = readOptions();
    const noEngine = await whyNoEngine();
    if (options.baseline && noEngine !== undefined) {
        console.error(`bench/swap: the baseline needs Pulumi's engine: ${noEngine}`);
        return 1;
    }
    const pulumi = options.baseline
        ? new Baseline(STACK)
        : noEngine === undefined
          ? new RealEngine(STACK)
          : new MiniEngine(STACK, program);
    const by =
        noEngine === undefined ? `Pulumi ${await pulumiVersion()}` : `the tests' engine, as ${noEngine}`;
    console.error(`deploying with ${by}`);

    // The first Ctrl-C ends the run between two steps, and everything is removed; the second ends it at once. Not with
    // `once`: execa, below the Automation API, ends the process when no other handler is left.
    const interrupted = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const)
        process.on(signal, () => {
            if (interrupted.signal.aborted) process.exit(130);
            console.error(`${signal}: removing everything when the step that runs has ended`);
            interrupted.abort(new Error(`ended by ${signal}`));
        });

    const app = new App();
    let run: Run;
    try {
        run = await measure(pulumi, app, options, interrupted.signal);
    } catch (error) {
        // Ctrl-C reaches Pulumi too, which reports at length that it was ended.
        throw interrupted.signal.aborted ? (interrupted.signal.reason as Error) : error;
    } finally {
        await removeAll(pulumi);
        app.remove();
    }
    write(run, by, options);
    const failed = run.requests.some(({ failure }) => failure !== undefined);
    return failed && !options.baseline ? 1 : 0;
}

function readOptions(): Options {
    const { values } = parseArgs({
        options: {
            deploys: { type: "string", default: "10" },
            out: { type: "string", default: "bench" },
            baseline: { type: "boolean", default: false },
        },
    });
    return { ...values, deploys: wholeNumber("deploys", values.deploys) };
}

async function pulumiVersion(): Promise<string> {
    return `${(await PulumiCommand.get()).version?.version}`;
}

/** Deploys one release after the other under load. */
async function measure(
    pulumi: Deployer,
    app: App,
    { deploys: many, baseline }: Options,
    signal: AbortSignal,
): Promise<Run> {
    const port = await freePort();
    const settings = { ...baseImages(), app: app.folder, publicPort: port };
    const versions = Array.from({ length: many + 1 }, (_, index) => `1.0.${index}`);
    const deploy = async (version: string) => {
        signal.throwIfAborted();
        console.error(`deploying ${version}`);
        app.release(version);
        await pulumi.up(settings);
    };
    await deploy(versions[0] as string);
    await answers(port, signal);

    const others = new Load({ port, idle: IDLE, idleSeconds: IDLE_SECONDS, post: POST });
    const phases: Phase[] = [];
    const deploys: Deploy[] = [];
    const busyFates: Fate[][] = [];
    try {
        for (const [phase, version] of versions.slice(1).entries()) {
            const rate = phase % 2 === 0 ? RATE : undefined;
            const startMs = others.now();
            const busy = new Load({ port, busy: BUSY, rate });
            try {
                await sleep(BEFORE_MS, undefined, { signal });
                const begun = others.now();
                await deploy(version);
                deploys.push({ version, phase, startMs: begun, endMs: others.now() });
                await sleep(AFTER_MS, undefined, { signal });
            } finally {
                busyFates.push(await busy.stop());
            }
            phases.push({ load: rate ? `${RATE}/s` : "saturation", startMs, endMs: others.now() });
        }
    } finally {
        await others.stop();
    }

    const requests = [
        ...busyFates.flatMap((fates, phase) =>
            fates.map((fate) => toRequest(fate, phase, phases[phase]?.startMs ?? 0)),
        ),
        ...others.fates.map((fate) => toRequest(fate, phaseAt(phases, fate.at), 0)),
    ];
    const { failed } = statsOf(requests);
    const paced = requests.filter(({ kind, phase }) => kind === "busy" && phase % 2 === 0);
    const title =
        `${baseline ? "A plain docker.Container" : "Decanter"}: ${many} deploys, ` +
        `${count(requests.length)} requests, ${count(failed)} failed; slowest at ${RATE}/s: ` +
        `${count(Math.round(statsOf(paced).slowestMs))} ms`;
    return { title, versions, phases, deploys, requests };
}

/** Waits until the first release serves: Decanter's does when `up` ends, a plain container boots on. */
async function answers(port: number, signal: AbortSignal): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (;;) {
        const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
        if (answer?.ok) return;
        if (Date.now() > deadline) throw new Error(`port ${port} does not answer within 60 s`);
        await sleep(200, undefined, { signal });
    }
}

function toRequest({ kind, at, latency, body, failure }: Fate, phase: number, startMs: number): Request {
    const release = kind === "post" ? undefined : /^hello (\S+)/.exec(body ?? "")?.[1];
    return { kind, phase, at: startMs + at, latency, release, failure };
}

function phaseAt(phases: Phase[], at: number): number {
    const index = phases.findIndex(({ endMs }) => at < endMs);
    return index < 0 ? phases.length - 1 : index;
}

/** Removes all that the run has made, also what a failed or interrupted deploy has left out of the state. */
async function removeAll(pulumi: Deployer): Promise<void> {
    console.error("removing everything");
    const filters = { label: [`decanter.stack=decanter/${STACK}`] };
    const ports = (await engine.listContainers({ filters })).flatMap(({ Ports }) => Ports);
    const registry = ports.find(({ PrivatePort }) => PrivatePort === 5000)?.PublicPort;
    await pulumi.destroy().catch((error: Error) => console.error(error.message));
    for (const { Id } of await engine.listContainers({ all: true, filters }))
        await engine.getContainer(Id).remove({ force: true, v: true });
    for (const { Id } of await engine.listNetworks({ filters })) await engine.getNetwork(Id).remove();
    for (const { Name } of (await engine.listVolumes({ filters })).Volumes)
        await engine.getVolume(Name).remove();
    // Pulumi leaves images behind; these are named by the address of a registry that is gone.
    for (const { RepoTags, RepoDigests } of registry === undefined ? [] : await engine.listImages()) {
        const references = [...(RepoTags ?? []), ...(RepoDigests ?? [])];
        for (const reference of references.filter((name) => name.startsWith(`127.0.0.1:${registry}/`))) {
            const image = engine.getImage(reference);
            // The last tag takes the digest with it.
            await image.remove().catch(() => undefined);
        }
    }
    if (pulumi instanceof RealEngine) fs.rmSync(pulumi.folder, { recursive: true, force: true });
    fs.rmSync(`Pulumi.${STACK}.yaml`, { force: true });
}

/** Writes the figures and the picture, and prints a table. */
function write(run: Run, by: string, options: Options): void {
    const { phases, deploys, requests } = run;
    const loads = [...new Set(phases.map(({ load }) => load))];
    const totals = loads.map((load) => ({
        load,
        kinds: byKind(requests.filter(({ phase }) => phases[phase]?.load === load)),
    }));
    const report = {
        date: new Date().toISOString(),
        engine: by,
        machine,
        options: {
            deploys: options.deploys,
            baseline: options.baseline,
            requestsPerSecond: RATE,
            busyConnections: BUSY,
            idleConnections: IDLE,
            idleSeconds: IDLE_SECONDS,
            postConnections: POST,
        },
        title: run.title,
        totals,
        deploys: deploys.map((deploy) => ({ ...deploy, ...wholeMs(deploy) })),
        phases: phases.map((phase, index) => ({
            ...phase,
            ...wholeMs(phase),
            kinds: byKind(requests.filter((request) => request.phase === index)),
        })),
        failures: requests
            .filter(({ failure }) => failure !== undefined)
            .sort((a, b) => a.at - b.at)
            .slice(0, LISTED_FAILURES)
            .map(({ at, kind, failure }) => ({ atMs: Math.round(at), kind, reason: failure })),
    };
    const file = path.join(options.out, options.baseline ? "swap-baseline" : "swap");
    fs.mkdirSync(options.out, { recursive: true });
    fs.writeFileSync(`${file}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
    fs.writeFileSync(`${file}.svg`, chart(run));

    const row = (...cells: (string | number)[]) =>
        console.log(cells.map((cell, index) => `${cell}`[index < 2 ? "padEnd" : "padStart"](11)).join(""));
    console.log(run.title);
    row("load", "kind", "sent", "failed", "p50 ms", "p99 ms", "slowest ms");
    for (const { load, kinds } of totals)
        for (const [kind, stats] of Object.entries(kinds))
            row(load, kind, stats.sent, stats.failed, stats.p50, stats.p99, stats.slowestMs);
    console.log(`written: ${file}.json, ${file}.svg`);
}

function wholeMs({ startMs, endMs }: { startMs: number; endMs: number }) {
    return { startMs: Math.round(startMs), endMs: Math.round(endMs) };
}

function byKind(requests: Request[]): Record<string, Stats> {
    const kinds = [...new Set(requests.map(({ kind }) => kind))].sort();
    return Object.fromEntries(
        kinds.map((kind) => [kind, statsOf(requests.filter((request) => request.kind === kind))]),
    );
}

function statsOf(requests: Request[]): Stats {
    const { sent, failed, quantile } = answersOf(requests);
    return { sent, failed, slowestMs: quantile(1), p50: quantile(0.5), p99: quantile(0.99) };
}

benchmark("bench/swap", main);
