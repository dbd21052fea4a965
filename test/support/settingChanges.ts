import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { type Fate, Load } from "../../bench/load";
import { App } from "./app";
import type { Deployer } from "./deploys";
import { countsOf } from "./faults";
import { baseImages, freePort } from "./machine";

/** A change of the settings of a stack that runs. */
export interface SettingChange {
    /** The setting, or those that change together. */
    setting: string;
    /** From what to what. */
    change: string;
    /** What it sets, over the settings of before. */
    to: Record<string, unknown>;
    /** What the deploy says where the release has to be refused; without it the deploy has to succeed. */
    refused?: RegExp;
    /** Whether the public address itself changes, which closes it for a moment. */
    closes?: boolean;
}

/** A second name of the router's image. */
export const AGAIN = "decanter/router-again:bench";

/** What a change did to visitors, and what it told the operator: a row of docs/settings-under-load.md. */
export interface Outcome {
    setting: string;
    change: string;
    requests: number;
    failed: number;
    longestGapMs: number;
    saw: string;
}

/** Every setting that concerns a Docker host on which a release runs, with a good value, and with a bad one if there is one. */
export const changes: SettingChange[] = [
    {
        setting: "healthPath",
        change: "/health to /ready, together with the release that first answers there",
        to: { healthPath: "/ready", env: { HEALTH_AT: "/ready" } },
    },
    {
        setting: "healthPath",
        change: "to /raedy, which no release answers",
        to: { healthPath: "/raedy" },
        refused: /GET \/raedy answered 404/,
    },
    { setting: "port", change: "4000 to 4001", to: { port: 4001 } },
    {
        setting: "port, healthPath",
        change: "4000 to 4001, /health to /ready",
        to: { port: 4001, healthPath: "/ready", env: { HEALTH_AT: "/ready" } },
    },
    {
        setting: "port",
        change: "to one that the release does not listen on",
        to: { port: 4002, env: { PORT: "4003" } },
        refused: /nothing listens on port 4002/,
    },
    { setting: "healthHost", change: "localhost to shop.example", to: { healthHost: "shop.example" } },
    { setting: "behindProxy", change: "false to true", to: { behindProxy: true } },
    { setting: "replicas", change: "1 to 3", to: { replicas: 3 } },
    { setting: "memoryMb", change: "1024 to 256", to: { memoryMb: 256 } },
    {
        setting: "memoryMb",
        change: "to 64, and the release needs more",
        to: { memoryMb: 64, env: { BOOT: "memory" } },
        refused: /used more memory than its limit/,
    },
    { setting: "cpus", change: "none to 1.5", to: { cpus: "1.5" } },
    { setting: "readOnly", change: "true to false", to: { readOnly: false } },
    { setting: "drainSeconds", change: "15 to 5", to: { drainSeconds: 5 } },
    { setting: "bakeSeconds", change: "1 to 2", to: { bakeSeconds: 2 } },
    {
        setting: "bootSeconds",
        change: "20 to 3, and the release takes longer",
        to: { bootSeconds: 3, env: { HEALTH_AFTER: "60" } },
        refused: /did not become healthy within 3 s/,
    },
    { setting: "env", change: "another variable", to: { env: { WINE: "merlot" } } },
    {
        setting: "env",
        change: "one with which the health check answers 500",
        to: { env: { HEALTH: "500" } },
        refused: /GET \/health answered 500/,
    },
    { setting: "secrets", change: "another variable", to: { secrets: { API_KEY: "merlot-1982" } } },
    {
        setting: "secrets",
        change: "one with which the release stops at boot",
        to: { secrets: { BOOT: "exit" } },
        // Its value is "exit", which nobody gets to read.
        refused: /the migration "bin\/migrate" failed.* stopped with \[secret\] code 1/,
    },
    { setting: "secretsVersion", change: "1 to 2", to: { secretsVersion: 2 } },
    { setting: "domain", change: "localhost to shop.example", to: { domain: "shop.example" } },
    { setting: "migrate", change: "bin/migrate to none", to: { migrate: "none" } },
    {
        setting: "migrate",
        // A migration is for a release that starts: its command alone starts none.
        change: "to a command that fails, with another variable",
        to: { migrate: "sh -c 'exit 3'", env: { WINE: "merlot" } },
        refused: /stopped with exit code 3/,
    },
    { setting: "keepReleases", change: "5 to 2", to: { keepReleases: 2 } },
    { setting: "minimal", change: "true to false", to: { minimal: false } },
    { setting: "version", change: "to 9.9.9", to: { version: "9.9.9" } },
    {
        setting: "image",
        change: "to one that is not there",
        to: { image: `127.0.0.1:1/hello@sha256:${"0".repeat(64)}` },
        refused: /neither on the Docker host nor in its registry/,
    },
    {
        setting: "routerImage",
        change: "to one that is not there",
        to: { routerImage: "127.0.0.1:1/haproxy:none" },
        refused: /error: .*failed to (do request|resolve).*haproxy.*none/,
    },
    {
        setting: "routerImage",
        change: "to the same HAProxy by a different name",
        to: { routerImage: AGAIN },
        closes: true,
    },
    { setting: "bindAddress", change: "127.0.0.1 to 0.0.0.0", to: { bindAddress: "0.0.0.0" }, closes: true },
];

/** The strict load: requests at a fixed rate, connections that idle, and POSTs. */
const LOAD = { busy: 16, rate: 200, idle: 50, idleSeconds: 10, post: 8 };

/** A stack of the tests' app, whose settings change one by one. */
export class ChangingStack {
    private readonly app = new App();
    private port = 0;

    constructor(private readonly pulumi: Deployer) {}

    /** Deploys it, as it is before every change. */
    async start(): Promise<void> {
        this.port = await freePort();
        await this.up({});
    }

    /** Makes a change under load, and takes it back under the same load. */
    async make({ setting, change, to, refused, closes }: SettingChange): Promise<Outcome> {
        const load = new Load({ port: this.port, ...LOAD });
        let said: string | undefined;
        let fates: Fate[];
        try {
            await sleep(1000);
            said = await this.up(to).then(
                () => undefined,
                (error: Error) => error.message,
            );
            // What a change has spoiled may show after it.
            await sleep(3000);
            await this.up({});
            await sleep(2000);
        } finally {
            fates = await load.stop();
        }
        const what = `${setting}: ${change}`;
        if (refused === undefined) assert.equal(said, undefined, `${what}: ${said}`);
        const saw = refused === undefined ? "deployed" : lineOf(said ?? "", refused, what);
        const { requests, failed, longestGapMs } = countsOf(fates);
        const why = fates.find(({ failure }) => failure !== undefined)?.failure;
        if (closes !== true) assert.equal(failed, 0, `${what}: ${failed} of ${requests} failed: ${why}`);
        return { setting, change, requests, failed, longestGapMs, saw };
    }

    async stop(): Promise<void> {
        await this.pulumi.destroy();
        this.app.remove();
    }

    private up(settings: Record<string, unknown>): Promise<number> {
        return this.pulumi.up({
            ...baseImages(),
            app: this.app.folder,
            publicPort: this.port,
            drainSeconds: 15,
            bootSeconds: 20,
            bakeSeconds: 1,
            ...settings,
        });
    }
}

/** The last line that has what was expected: Pulumi's progress has it before, amid its own words. */
function lineOf(said: string, expected: RegExp, what: string): string {
    assert.match(
        said,
        expected,
        `${what}: ${expected.source} is not in the last lines of what it said:\n${said.slice(-3000)}`,
    );
    return (
        said
            .split("\n")
            .filter((line) => expected.test(line))
            .at(-1)
            ?.trim() ?? ""
    );
}
