import type { Kind } from "./load";

/** One request, told by the clock of the whole run. */
export interface Request {
    kind: Kind;
    /** Index of the phase in which it was due. */
    phase: number;
    /** When it was due, in milliseconds. */
    at: number;
    /** From when it was due to its last byte, in milliseconds. */
    latency: number;
    /** Version of the release that answered, where the answer names it. */
    release?: string;
    /** Why it failed, where it did. */
    failure?: string;
}

/** A time with one kind of load. */
export interface Phase {
    load: "500/s" | "saturation";
    startMs: number;
    endMs: number;
}

/** A deploy under load: from the start to the end of `up`. */
export interface Deploy {
    version: string;
    phase: number;
    startMs: number;
    endMs: number;
}

export interface Run {
    title: string;
    /** Versions in the order in which they served, the one from before the load first. */
    versions: string[];
    phases: Phase[];
    deploys: Deploy[];
    requests: Request[];
}

const WIDTH = 1200;
const LEFT = 64;
const RIGHT = 1184;
const TOP = 100;
const BOTTOM = 440;
/** Dots of one column of pixels: enough to see the spread, and few enough for a file that browsers load at once. */
const DOTS_PER_COLUMN = 12;

const FAILED = "#d00000";
const UNKNOWN = "#9a9a9a";
// No red, which means failure; neighbours differ in lightness too.
const COLOURS = [
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#8e44ad",
    "#17becf",
    "#8c564b",
    "#a6c100",
    "#1b2a6b",
    "#e377c2",
    "#2e6b12",
    "#5b9cf6",
    "#b8860b",
];

/** Draws a run as an SVG: time across, latency up, each request a dot. */
export function chart(run: Run): string {
    const end = run.phases.at(-1)?.endMs ?? 1;
    const x = (at: number) => LEFT + ((RIGHT - LEFT) * Math.max(0, Math.min(end, at))) / end;
    const { dots, drawn } = drawDots(run, x);
    const answered = run.requests.filter(({ failure }) => failure === undefined).length;
    const seconds = (end / 1000 / (RIGHT - LEFT)).toFixed(2);
    const caption =
        `Each dot is an answered request. Dots are sampled: ${count(drawn)} of ${count(answered)} are drawn, ` +
        `at most ${DOTS_PER_COLUMN} in ${seconds} s, the slowest always. Every failure is drawn.`;
    const legend = drawLegend(run, BOTTOM + 62);
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${legend.bottom}" width="${WIDTH}" ` +
            `height="${legend.bottom}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="#222">`,
        `<title>${run.title}</title>`,
        // Where the page is dark the picture stays on white.
        `<rect width="100%" height="100%" fill="#fff"/>`,
        `<text x="${LEFT}" y="26" font-size="17" font-weight="bold">${run.title}</text>`,
        `<text x="${LEFT}" y="46" fill="#555">${caption}</text>`,
        ...drawPhases(run, x),
        ...drawDeploys(run, x),
        ...drawAxes(end, x),
        ...dots,
        drawFailures(run, x),
        ...legend.lines,
        "</svg>",
        "",
    ].join("\n");
}

/** 1 ms to 10 s; what is faster or slower lies on the edge. */
function y(latency: number): number {
    const decades = Math.log10(Math.max(1, Math.min(10_000, latency)));
    return BOTTOM - ((BOTTOM - TOP) * decades) / 4;
}

function drawPhases({ phases }: Run, x: (at: number) => number): string[] {
    return phases.flatMap(({ load, startMs, endMs }) => {
        const [from, to] = [x(startMs), x(endMs)];
        const fill = load === "500/s" ? "#e3f1e3" : "#fbe9d0";
        const bar = `<rect x="${px(from)}" y="56" width="${px(to - from)}" height="18" fill="${fill}"/>`;
        return to - from < 64 ? [bar] : [bar, middle((from + to) / 2, 69, load)];
    });
}

function drawDeploys({ deploys }: Run, x: (at: number) => number): string[] {
    return deploys.flatMap(({ version, startMs, endMs }) => {
        const [from, to] = [x(startMs), x(endMs)];
        return [
            `<rect x="${px(from)}" y="78" width="${px(to - from)}" height="${BOTTOM - 78}" fill="#e9edf5"/>`,
            middle((from + to) / 2, 92, version, 'font-weight="bold"'),
        ];
    });
}

function drawAxes(end: number, x: (at: number) => number): string[] {
    const latencies = [1, 10, 100, 1000, 10_000].flatMap((latency) => {
        const label = latency < 1000 ? `${latency} ms` : `${latency / 1000} s`;
        return [
            `<path d="M${LEFT} ${px(y(latency))}H${RIGHT}" stroke="#c4c9d2" stroke-width=".7"/>`,
            `<text x="${LEFT - 6}" y="${px(y(latency) + 4)}" text-anchor="end">${latency === 1 ? "≤ " : ""}${label}</text>`,
        ];
    });
    const step = [1, 2, 5, 10, 20, 30, 60, 120, 300].find((size) => end / 1000 / size <= 16) ?? 600;
    const times = Array.from({ length: Math.floor(end / 1000 / step) + 1 }, (_, tick) => {
        const at = x(tick * step * 1000);
        return [
            `<path d="M${px(at)} ${BOTTOM}v5" stroke="#555"/>`,
            middle(at, BOTTOM + 19, `${tick * step} s`),
        ];
    });
    const axis = `<path d="M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}" fill="none" stroke="#555"/>`;
    return [...latencies, axis, ...times.flat(), middle((LEFT + RIGHT) / 2, BOTTOM + 38, "time under load")];
}

function drawDots(run: Run, x: (at: number) => number): { dots: string[]; drawn: number } {
    const columns = new Map<number, Request[]>();
    for (const request of run.requests) {
        if (request.failure !== undefined) continue;
        const column = Math.floor(x(request.at));
        const own = columns.get(column);
        if (own) own.push(request);
        else columns.set(column, [request]);
    }
    const paths = new Map<string, string[]>();
    let drawn = 0;
    for (const requests of columns.values()) {
        requests.sort((a, b) => b.latency - a.latency);
        // Evenly by rank, from the slowest: the spread of the sample is that of all.
        const every = Math.max(1, requests.length / DOTS_PER_COLUMN);
        for (let rank = 0; Math.floor(rank) < requests.length; rank += every) {
            const { at, latency, release } = requests[Math.floor(rank)] as Request;
            const colour = colourOf(run, release);
            const own = paths.get(colour) ?? [];
            paths.set(colour, own);
            own.push(`M${px(x(at))} ${px(y(latency))}h0`);
            drawn += 1;
        }
    }
    // A line without length and with round ends is a dot, in a third of a circle's bytes.
    const dots = [UNKNOWN, ...run.versions.map((version) => colourOf(run, version))].map((colour) => {
        const path = paths.get(colour) ?? [];
        paths.delete(colour);
        return `<path d="${path.join("")}" stroke="${colour}" stroke-width="2.6" stroke-linecap="round"/>`;
    });
    return { dots, drawn };
}

function drawFailures({ requests }: Run, x: (at: number) => number): string {
    // Thousands may lie on one pixel when a release is away: one cross shows them.
    const places = new Set(
        requests
            .filter(({ failure }) => failure !== undefined)
            .map(({ at, latency }) => `M${Math.round(x(at)) - 3} ${Math.round(y(latency)) - 3}`),
    );
    const crosses = [...places].map((place) => `${place}l6 6m-6 0l6-6`).join("");
    return `<path d="${crosses}" fill="none" stroke="${FAILED}" stroke-width="1.4"/>`;
}

function drawLegend(run: Run, top: number): { lines: string[]; bottom: number } {
    const dot = (colour: string) => `<circle cx="5" cy="-4" r="4.5" fill="${colour}"/>`;
    const entries = [
        ...run.versions.map((version): [string, string] => [dot(colourOf(run, version)), version]),
        [dot(UNKNOWN), "POST (names no release)"],
        [`<path d="M1-8l8 8m-8 0l8-8" stroke="${FAILED}" stroke-width="1.8"/>`, "failed"],
        [`<rect y="-10" width="10" height="12" fill="#d3dae8"/>`, "a deploy"],
    ] as [string, string][];
    const lines: string[] = [];
    let [left, baseline] = [LEFT, top];
    for (const [mark, label] of entries) {
        const width = 34 + label.length * 7;
        if (left + width > RIGHT + 20) [left, baseline] = [LEFT, baseline + 20];
        lines.push(`<g transform="translate(${left} ${baseline})">${mark}<text x="15">${label}</text></g>`);
        left += width;
    }
    return { lines, bottom: baseline + 16 };
}

function colourOf({ versions }: Run, version: string | undefined): string {
    const index = version === undefined ? -1 : versions.indexOf(version);
    return index < 0 ? UNKNOWN : (COLOURS[index % COLOURS.length] as string);
}

function middle(x: number, y: number, text: string, attributes = ""): string {
    return `<text x="${px(x)}" y="${y}" text-anchor="middle" ${attributes}>${text}</text>`;
}

/** A tenth of a pixel is exact enough, and short. */
function px(value: number): string {
    return `${Math.round(value * 10) / 10}`;
}

/** A whole number with commas between thousands. */
export function count(number: number): string {
    return number.toLocaleString("en-US");
}
