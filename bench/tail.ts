import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import program from "../index";
import { App } from "../test/support/app";
import { engine } from "../test/support/dockerProvider";
import { baseImageArgs, baseImages, freePort } from "../test/support/machine";
import { MiniEngine } from "../test/support/miniEngine";
import { benchmark, wholeNumber } from "./command";
import { answersOf, machine } from "./figures";
import { LoadProcess } from "./loadProcess";
import { addLibraries } from "./phoenixSized";
import { routerOf } from "./server";

const REPORT = "bench/tail.json";
const RATE = 500;
const CONNECTIONS = 32;

/** A deploy under load. Times are in milliseconds. */
interface Round {
    deploySeconds: number;
    sent: number;
    failed: number;
    slowestMs: number;
    p999: number;
    p99: number;
    p50: number;
    /** The longest that the client itself was late. */
    clientMs: number;
}

/** A Docker that is told of no CPU shares: what answers visitors has what a build has. */
const withoutShares: typeof engine = Object.assign(Object.create(engine) as typeof engine, {
    createContainer: ({ HostConfig, ...options }: Parameters<typeof engine.createContainer>[0]) =>
        engine.createContainer({ ...options, HostConfig: { ...HostConfig, CpuShares: undefined } }),
});

const SIDES = { shares: engine, none: withoutShares };
type Side = keyof typeof SIDES;

async function main(): Promise<number> {
    const rounds = readRounds();
    const sides = await Promise.all(
        Object.entries(SIDES).map(async ([side, api]) => new Stack(side as Side, api, await freePort())),
    );
    const measured: Record<Side, Round[]> = { shares: [], none: [] };
    const beside = new App();
    addLibraries(beside.folder);
    try {
        for (const stack of sides) await stack.deploy();
        for (let round = 0; round < rounds; round++)
            for (const stack of round % 2 === 0 ? sides : [...sides].reverse()) {
                console.error(`round ${round + 1}, ${stack.side}`);
                measured[stack.side].push(await underBuild(stack, beside));
            }
    } finally {
        console.error("removing everything");
        for (const stack of sides) await stack.remove();
        beside.remove();
    }
    write(measured);
    return Object.values(measured).some((all) => all.some(({ failed }) => failed > 0)) ? 1 : 0;
}

function readRounds(): number {
    const { values } = parseArgs({ options: { rounds: { type: "string", default: "4" } } });
    return wholeNumber("rounds", values.rounds);
}

/** An app on a Docker host, in one of the two ways. */
class Stack {
    readonly app = new App();
    readonly name: string;
    private readonly pulumi: MiniEngine;
    private deploys = 0;

    constructor(
        readonly side: Side,
        api: typeof engine,
        private readonly port: number,
    ) {
        this.name = `tail-${side}-${process.pid}`;
        this.pulumi = new MiniEngine(this.name, program, { api });
    }

    async deploy(): Promise<void> {
        this.app.release(`1.0.${this.deploys++}`);
        const { folder: app } = this.app;
        await this.pulumi.up({
            ...baseImages(),
            app,
            publicPort: this.port,
            bakeSeconds: 1,
            drainSeconds: 5,
        });
    }

    async remove(): Promise<void> {
        await this.pulumi.destroy();
        this.app.remove();
    }
}

/** Deploys while something else is built. */
async function underBuild(stack: Stack, beside: App): Promise<Round> {
    const building = new Building(beside);
    const load = await LoadProcess.start({
        host: (await routerOf(stack.name)).address,
        port: 8080,
        busy: CONNECTIONS,
        rate: RATE,
    });
    const begun = performance.now();
    await stack.deploy();
    const deploySeconds = Math.round((performance.now() - begun) / 100) / 10;
    await sleep(1000);
    const { fates, ownMs } = await load.stop();
    await building.stop();
    const { sent, failed, quantile } = answersOf(fates);
    return {
        deploySeconds,
        sent,
        failed,
        slowestMs: quantile(1),
        p999: quantile(0.999),
        p99: quantile(0.99),
        p50: quantile(0.5),
        clientMs: Math.round(ownMs * 10) / 10,
    };
}

/** A build that does not end by itself: it compiles an app and its dependencies again and again, as the deploys of another stack would. */
class Building {
    private readonly docker: ChildProcess;

    constructor(app: App) {
        const { BUILDER_IMAGE: builder = "" } = baseImageArgs(app.folder);
        const lines = [
            `FROM ${builder}`,
            "COPY . /beside",
            "WORKDIR /beside",
            // Another one each time: nothing is cached.
            `RUN : ${Date.now()} && while MIX_ENV=prod mix do deps.compile --force + compile --force; do :; done`,
        ];
        const args = ["build", "--file", "-", app.folder];
        const env = { ...process.env, DOCKER_BUILDKIT: "1" };
        this.docker = spawn("docker", args, { env, stdio: ["pipe", "ignore", "ignore"] });
        this.docker.stdin?.end(lines.join("\n"));
    }

    /** Throws where it has ended before. */
    async stop(): Promise<void> {
        if (this.docker.exitCode !== null) throw new Error("the build beside the deploys has ended");
        this.docker.kill("SIGINT");
        await once(this.docker, "exit");
    }
}

function write(measured: Record<Side, Round[]>): void {
    const report = {
        date: new Date().toISOString(),
        machine,
        options: { requestsPerSecond: RATE, connections: CONNECTIONS },
        rounds: measured,
    };
    fs.writeFileSync(REPORT, `${JSON.stringify(report, undefined, 2)}\n`);
    console.table(
        Object.entries(measured).flatMap(([side, rounds]) => rounds.map((round) => ({ side, ...round }))),
    );
    console.log(`written: ${REPORT}`);
}

benchmark("bench/tail", main);
