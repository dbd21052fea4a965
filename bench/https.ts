import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs, promisify } from "node:util";
import { dockerCli } from "../components/docker/dockerCli";
import program from "../index";
import { App } from "../test/support/app";
import { certificate, privateKey } from "../test/support/certificate";
import { engine } from "../test/support/dockerProvider";
import { buildModule, CADDY } from "../test/support/goModule";
import { baseImages, freePort } from "../test/support/machine";
import { MiniEngine } from "../test/support/miniEngine";
import { benchmark, wholeNumber } from "./command";
import { machine, median, writeFigures } from "./figures";
import { routerOf, type Server, serverOf } from "./server";

const run = promisify(execFile);

const REPORT = "bench/https.json";
const PAGE = "docs/https.md";
const STACK = `bench-https-${process.pid}`;
const NAME = "shop.example";
const CADDY_IMAGE = "decanter/caddy:bench";
const CONNECTIONS = 32;
const HANDSHAKES = 1000;

/** What h2load is asked for. One cipher and one curve for both, by TLS 1.3. */
const TLS = ["--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519"];
const CASES = {
    "requests by HTTP/1.1": (seconds: number) => ["--h1", "-c", `${CONNECTIONS}`, "-D", `${seconds}`],
    "requests by HTTP/2": (seconds: number) => ["-c", `${CONNECTIONS / 4}`, "-m", "4", "-D", `${seconds}`],
    "handshakes, with a request each": () => ["--h1", "-c", `${HANDSHAKES}`, "-n", `${HANDSHAKES}`],
};
type Case = keyof typeof CASES;
const SIDES = ["router", "Caddy"] as const;
type Side = (typeof SIDES)[number];

/** What came of a case on one side in one round. */
interface Measure {
    perSecond: number;
    /** CPU time of the server for each, in microseconds. */
    cpuMicroseconds: number;
}

async function main(): Promise<number> {
    const { rounds, seconds } = readOptions();
    const app = new App();
    const pulumi = new MiniEngine(STACK, program);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-caddy-"));
    let caddy: Server | undefined;
    try {
        await buildModule(CADDY, "/cmd/caddy", CADDY_IMAGE, "/caddy");
        await pulumi.up({
            ...baseImages(),
            app: app.folder,
            domain: NAME,
            tlsCertificate: certificate + privateKey,
            bindAddress: "127.0.0.1",
            publicPort: await freePort(),
            httpsPort: await freePort(),
            bakeSeconds: 0,
        });
        const [release = ""] = pulumi.outputs.containers as string[];
        const router = await routerOf(STACK);
        caddy = await startCaddy(folder, release);
        const measures = await measure({ router, Caddy: caddy }, rounds, seconds);
        await write(measures, rounds, seconds);
        return 0;
    } finally {
        console.error("removing everything");
        if (caddy) await engine.getContainer(caddy.id).remove({ force: true });
        await pulumi.destroy();
        app.remove();
        fs.rmSync(folder, { recursive: true });
    }
}

function readOptions(): { rounds: number; seconds: number } {
    const { values } = parseArgs({
        options: {
            rounds: { type: "string", default: "5" },
            seconds: { type: "string", default: "5" },
        },
    });
    return { rounds: wholeNumber("rounds", values.rounds), seconds: wholeNumber("seconds", values.seconds) };
}

/** Caddy in front of the same release, with the same certificate and the same shares of the CPUs. */
async function startCaddy(folder: string, release: string): Promise<Server> {
    const { HostConfig } = await engine.getContainer(release).inspect();
    const config = `{
	admin off
	persist_config off
	auto_https disable_redirects
	servers {
		protocols h1 h2
	}
}
https://${NAME}:8443 {
	tls /config/cert.pem /config/key.pem
	reverse_proxy ${release}:4000
}
`;
    const files = { Caddyfile: config, "cert.pem": certificate, "key.pem": privateKey };
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), text);
    fs.chmodSync(folder, 0o755);
    const { code, stdout, output } = await dockerCli(undefined, [
        ...["run", "--detach", "--network", HostConfig.NetworkMode ?? "", "--volume", `${folder}:/config:ro`],
        ...["--cpu-shares", `${HostConfig.CpuShares ?? 0}`, CADDY_IMAGE],
        ...["/caddy", "run", "--config", "/config/Caddyfile"],
    ]);
    if (code !== 0) throw new Error(output);
    return serverOf(stdout.trim());
}

async function measure(
    servers: Record<Side, Server>,
    rounds: number,
    seconds: number,
): Promise<Record<Case, Record<Side, Measure[]>>> {
    const measures = Object.fromEntries(
        Object.keys(CASES).map((kind) => [kind, { router: [], Caddy: [] }]),
    ) as unknown as Record<Case, Record<Side, Measure[]>>;
    // The first round warms both, and does not count.
    for (let round = 0; round <= rounds; round++)
        for (const kind of Object.keys(CASES) as Case[])
            for (const side of round % 2 === 0 ? SIDES : [...SIDES].reverse()) {
                console.error(`round ${round} of ${rounds}, ${kind}, ${side}`);
                const one = await load(servers[side], CASES[kind](seconds));
                if (round > 0) measures[kind][side].push(one);
            }
    return measures;
}

async function load({ id, address }: Server, args: string[]): Promise<Measure> {
    const before = await cpu(id);
    const all = [...args, ...TLS, `--connect-to=${address}:8443`, `https://${NAME}/`];
    const { stdout } = await run("h2load", all, { maxBuffer: 1e8 });
    const used = (await cpu(id)) - before;
    const found = (pattern: RegExp) => pattern.exec(stdout)?.[1] ?? "";
    const protocol = found(/TLS Protocol: (\S+)/);
    const [succeeded, failed] = [found(/, (\d+) succeeded/), found(/, (\d+) failed/)].map(Number);
    const perSecond = Number(found(/, ([\d.]+) req\/s/));
    if (protocol !== "TLSv1.3" || failed !== 0 || !succeeded || !perSecond)
        throw new Error(`h2load ${all.join(" ")} said:\n${stdout}`);
    return { perSecond: Math.round(perSecond), cpuMicroseconds: Math.round(used / succeeded / 100) / 10 };
}

/** CPU time that a container has used, in nanoseconds. */
async function cpu(id: string): Promise<number> {
    const stats = await engine.getContainer(id).stats({ stream: false });
    return stats.cpu_stats.cpu_usage.total_usage;
}

async function write(
    measures: Record<Case, Record<Side, Measure[]>>,
    rounds: number,
    seconds: number,
): Promise<void> {
    const report = {
        date: new Date().toISOString(),
        machine,
        options: { rounds, seconds, connections: CONNECTIONS, handshakes: HANDSHAKES },
        measures,
    };
    fs.writeFileSync(REPORT, `${JSON.stringify(report, undefined, 2)}\n`);
    const rows = Object.entries(measures).map(([kind, sides]) => {
        const [ours, theirs] = SIDES.map((side) => sides[side]) as [Measure[], Measure[]];
        const ratios = (of: (measure: Measure) => number) =>
            spread(ours.map((each, round) => of(each) / of(theirs[round] as Measure)));
        const medians = SIDES.flatMap((side) => [
            Math.round(median(sides[side].map(({ perSecond }) => perSecond))).toLocaleString("en"),
            `${Math.round(median(sides[side].map(({ cpuMicroseconds }) => cpuMicroseconds)))} µs`,
        ]);
        const cells = [medians[0], medians[2], ratios(({ perSecond }) => perSecond), medians[1], medians[3]];
        return [kind, ...cells, ratios(({ cpuMicroseconds }) => cpuMicroseconds)].join(" | ");
    });
    const head = "per second | router | Caddy | ratio | CPU of the router, each | Caddy's | ratio";
    const figures = `| ${head} |\n|---|---:|---:|---:|---:|---:|---:|\n${rows.map((row) => `| ${row} |`).join("\n")}\n`;
    await writeFigures(PAGE, figures);
    console.log(figures);
    console.error(`written: ${REPORT}, ${PAGE}`);
}

/** The median, and the least and the most. */
function spread(ratios: number[]): string {
    const digits = (number: number) => number.toFixed(2);
    return `${digits(median(ratios))} (${digits(Math.min(...ratios))} to ${digits(Math.max(...ratios))})`;
}

benchmark("bench/https", main);
