import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { parseArgs, promisify } from "node:util";
import { engine } from "../test/support/dockerProvider";
import { wholeNumber } from "./command";
import { machine, median, writeFigures } from "./figures";
import type { Server } from "./server";

const run = promisify(execFile);

/** A way to the same release: where it is asked, and which containers work for that. */
export interface Way {
    /** Address that h2load connects to. */
    address: string;
    servers: Server[];
}

/** A kind of load: what h2load gets, behind its URL. */
export interface Case {
    url: string;
    args: (seconds: number) => string[];
}

/** What came of a case by one way in one round. */
export interface Measure {
    perSecond: number;
    /** CPU time of the servers for each, in microseconds. */
    cpuMicroseconds: number;
}

/** What came of every case, by every way, round for round. */
export type Measures = Record<string, Record<string, Measure[]>>;

/**
 * Has h2load ask by two ways in turns, in every case.
 *
 * @param rounds those that count; one before them warms both
 * @param seconds how long a case may last, where it is no count of requests
 */
export async function inTurns(
    ways: Record<string, Way>,
    cases: Record<string, Case>,
    rounds: number,
    seconds: number,
): Promise<Measures> {
    const names = Object.keys(ways);
    const measures: Measures = Object.fromEntries(
        Object.keys(cases).map((kind) => [kind, Object.fromEntries(names.map((name) => [name, []]))]),
    );
    for (let round = 0; round <= rounds; round++)
        for (const [kind, one] of Object.entries(cases))
            for (const name of round % 2 === 0 ? names : [...names].reverse()) {
                console.error(`round ${round} of ${rounds}, ${kind}, ${name}`);
                const measure = await load(ways[name] as Way, one, seconds);
                if (round > 0) measures[kind]?.[name]?.push(measure);
            }
    return measures;
}

/** How many rounds, and how long each case may last, from the command line. */
export function readTurns(): { rounds: number; seconds: number } {
    const { values } = parseArgs({
        options: {
            rounds: { type: "string", default: "5" },
            seconds: { type: "string", default: "5" },
        },
    });
    return { rounds: wholeNumber("rounds", values.rounds), seconds: wholeNumber("seconds", values.seconds) };
}

/** Writes all measures into a report, and their table into a page. */
export async function publish(
    report: string,
    page: string,
    options: Record<string, number>,
    measures: Measures,
): Promise<void> {
    const all = { date: new Date().toISOString(), machine, options, measures };
    fs.writeFileSync(report, `${JSON.stringify(all, undefined, 2)}\n`);
    const figures = table(measures);
    await writeFigures(page, figures);
    console.log(figures);
    console.error(`written: ${report}, ${page}`);
}

/** The medians of both ways, and what the first is to the second, as a table in Markdown. */
function table(measures: Measures): string {
    const [first = "", second = ""] = Object.keys(Object.values(measures)[0] ?? {});
    const rows = Object.entries(measures).map(([kind, ways]) => {
        const [ours, theirs] = [ways[first] ?? [], ways[second] ?? []];
        const ratios = (of: (measure: Measure) => number) =>
            spread(ours.map((each, round) => of(each) / of(theirs[round] as Measure)));
        const rate = (all: Measure[]) =>
            Math.round(median(all.map(({ perSecond }) => perSecond))).toLocaleString("en");
        const cpu = (all: Measure[]) =>
            `${Math.round(median(all.map(({ cpuMicroseconds }) => cpuMicroseconds)))} µs`;
        const perSecond = [rate(ours), rate(theirs), ratios((measure) => measure.perSecond)];
        const each = [cpu(ours), cpu(theirs), ratios(({ cpuMicroseconds }) => cpuMicroseconds)];
        return `| ${[kind, ...perSecond, ...each].join(" | ")} |`;
    });
    const head = ["per second", first, second, "ratio", `CPU each: ${first}`, second, "ratio"];
    return [`| ${head.join(" | ")} |`, "|---|---:|---:|---:|---:|---:|---:|", ...rows, ""].join("\n");
}

async function load({ address, servers }: Way, { url, args }: Case, seconds: number): Promise<Measure> {
    const before = await cpuOf(servers);
    const { protocol, port } = new URL(url);
    // One cipher and one curve for all.
    const tls = ["--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519"];
    const all = [...args(seconds), ...tls, `--connect-to=${address}:${port}`, url];
    const { stdout } = await run("h2load", all, { maxBuffer: 1e8 });
    const used = (await cpuOf(servers)) - before;
    const found = (pattern: RegExp) => pattern.exec(stdout)?.[1] ?? "";
    const [succeeded, failed] = [found(/, (\d+) succeeded/), found(/, (\d+) failed/)].map(Number);
    const perSecond = Number(found(/, ([\d.]+) req\/s/));
    const isTls13 = found(/TLS Protocol: (\S+)/) === "TLSv1.3";
    if (isTls13 !== (protocol === "https:") || failed !== 0 || !succeeded || !perSecond)
        throw new Error(`h2load ${all.join(" ")} said:\n${stdout}`);
    return { perSecond: Math.round(perSecond), cpuMicroseconds: Math.round(used / succeeded / 100) / 10 };
}

/** CPU time that containers have used together, in nanoseconds. */
async function cpuOf(servers: Server[]): Promise<number> {
    const all = servers.map(({ id }) => engine.getContainer(id).stats({ stream: false }));
    return (await Promise.all(all)).reduce((sum, stats) => sum + stats.cpu_stats.cpu_usage.total_usage, 0);
}

/** The median, and the least and the most. */
function spread(ratios: number[]): string {
    const digits = (number: number) => number.toFixed(2);
    return `${digits(median(ratios))} (${digits(Math.min(...ratios))} to ${digits(Math.max(...ratios))})`;
}
