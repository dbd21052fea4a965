import * as fs from "node:fs";
import { type Fate, Load, type LoadOptions } from "../../bench/load";

/** What a fault did to visitors, and what it told the operator: a row of docs/faults.md. */
export interface Fault {
    /** The heading that it is under. */
    group: string;
    fault: string;
    requests: number;
    failed: number;
    /** The longest time without an answer, in milliseconds. */
    longestGapMs: number;
    /** How many containers of a refused release ran afterwards, or would have been started again; nothing where none is refused. */
    stillRunning?: number;
    /** What the operator saw, word by word. */
    saw: string;
    /** How all became as it should be, and how long that took. */
    recovery: string;
}

/** Writes a row down for `bench/faults`, which says where. */
export function writeDown(fault: Fault): void {
    const file = process.env.DECANTER_FAULTS;
    if (file !== undefined) fs.appendFileSync(file, `${JSON.stringify(fault)}\n`);
}

/** A steady load of all kinds: busy and idle connections, and POSTs. */
export const STEADY: Omit<LoadOptions, "port"> = { busy: 8, rate: 100, idle: 20, idleSeconds: 2, post: 4 };

/** Runs something under a steady load, and gives the fate of every request. */
export async function underLoad(port: number, run: () => Promise<unknown>, host?: string): Promise<Fate[]> {
    const load = new Load({ host, port, ...STEADY });
    try {
        await run();
    } finally {
        await load.stop();
    }
    return load.fates;
}

/** Those that have failed. */
export function failuresOf(fates: Fate[]): Fate[] {
    return fates.filter(({ failure }) => failure !== undefined);
}

/** How many requests there were, how many have failed, and the longest time without an answer, of one load or more. */
export function countsOf(...loads: Fate[][]): Pick<Fault, "requests" | "failed" | "longestGapMs"> {
    return {
        requests: loads.flat().length,
        failed: failuresOf(loads.flat()).length,
        // Each load has a clock of its own.
        longestGapMs: Math.round(Math.max(...loads.map(longestGap))),
    };
}

function longestGap(fates: Fate[]): number {
    const answered = fates.filter(({ failure }) => failure === undefined);
    const times = answered.map(({ at, latency }) => at + latency).sort((a, b) => a - b);
    const gaps = times.map((time, index) => time - (times[index - 1] ?? 0));
    return gaps.reduce((longest, gap) => Math.max(longest, gap), 0);
}

/** Runs something, and tells how many seconds it took. */
export async function seconds(run: () => Promise<unknown>): Promise<number> {
    const begun = performance.now();
    await run();
    return (performance.now() - begun) / 1000;
}
