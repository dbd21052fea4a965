import * as fs from "node:fs";
import * as os from "node:os";
import * as prettier from "prettier";

/** The machine that the figures of a run are of. */
export const machine = { cpus: os.cpus().length, memoryGiB: Math.round(os.totalmem() / 2 ** 30) };

export function median(numbers: number[]): number {
    const sorted = [...numbers].sort((a, b) => a - b);
    const middle = (sorted.length - 1) / 2;
    return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

/** How some requests went. Latencies are those of the answers, in milliseconds: what is refused at once is not fast. */
export interface Answers {
    sent: number;
    failed: number;
    /** The latency that a share of the answers did not exceed, with one decimal place. */
    quantile: (share: number) => number;
}

export function answersOf(requests: { latency: number; failure?: string }[]): Answers {
    const answered = requests.filter(({ failure }) => failure === undefined);
    const latencies = Float64Array.from(answered, ({ latency }) => latency).sort();
    return {
        sent: requests.length,
        failed: requests.length - answered.length,
        quantile: (share) => {
            const latency = latencies[Math.max(0, Math.ceil(latencies.length * share) - 1)] ?? 0;
            return Math.round(latency * 10) / 10;
        },
    };
}

/** Writes figures, as Markdown, into a page, between its two marks. */
export async function writeFigures(page: string, figures: string): Promise<void> {
    const marks = /(<!-- figures -->\n)[^]*(<!-- \/figures -->)/;
    const before = fs.readFileSync(page, "utf8");
    if (!marks.test(before)) throw new Error(`${page} has no place for the figures`);
    const text = before.replace(marks, (_, begin: string, end: string) => `${begin}\n${figures}\n${end}`);
    fs.writeFileSync(page, await formatted(page, text));
}

/** Markdown as the project writes it in a page. */
export async function formatted(page: string, markdown: string): Promise<string> {
    return prettier.format(markdown, { ...(await prettier.resolveConfig(page)), parser: "markdown" });
}
