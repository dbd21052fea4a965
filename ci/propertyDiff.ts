import { structuredPatch } from "diff";
import { isDeepStrictEqual } from "node:util";
import { shorten } from "./markdown";
import { isObject, maskLike, parseJson, SECRET, show } from "./maskSecrets";

/** How much of a value is shown. */
export interface Shown {
    /** Characters of a value, or of a line. */
    width: number;
    /** Lines of a difference between two texts; those of a resource are twice as many. */
    lines: number;
}

/** Keys on the way to a value. */
type Path = string[];

/** Two values of a property; undefined is none. */
interface Pair {
    path: Path;
    before: unknown;
    after: unknown;
}

/** More edits than these are no difference that anybody reads, and take long to find. */
const MOST_EDITS = 2000;

/**
 * What differs between two sets of properties, as lines for a block of `diff`.
 *
 * @param before properties without secrets: `mask` has seen them
 * @param paths what differs, as Pulumi writes paths, such as `tags["a.b"].c[0]`
 */
export function diffLines(before: unknown, after: unknown, paths: string[], shown: Shown): string[] {
    const pairs = new Map(
        paths.map((path) => pairAt(parsePath(path), before, after)).map((pair) => [write(pair.path), pair]),
    );
    const found = [...pairs.values()].map((pair) => ({ pair, lines: compare(pair, shown) }));
    // What the provider computes is in no inputs.
    const silent = found.filter(({ lines }) => lines.length === 0).map(({ pair }) => write(pair.path));
    const lines = found.flatMap((one) => one.lines);
    if (silent.length > 0)
        lines.push(shorten(`! without values in the preview: ${silent.join(", ")}`, 5 * shown.width));
    return firstOf(lines, 2 * shown.lines);
}

function firstOf(lines: string[], count: number): string[] {
    if (lines.length <= count) return lines;
    return [...lines.slice(0, count), `  … (${lines.length - count} more lines)`];
}

/** Parts of a path that Pulumi has written. */
function parsePath(path: string): Path {
    const parts = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g);
    return [...parts].map(([, quoted, plain]) => quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "");
}

/** A path as Pulumi writes it, on one line. */
function write(path: Path): string {
    return path
        .map((key, index) => {
            if (/^\d+$/.test(key)) return `[${key}]`;
            return /^[\w-]+$/.test(key) ? `${index === 0 ? "" : "."}${key}` : `[${JSON.stringify(key)}]`;
        })
        .join("");
}

/** The values at a path. Below a secret there is nothing to see: it is taken whole. */
function pairAt(path: Path, before: unknown, after: unknown, done: Path = []): Pair {
    const [key, ...rest] = path;
    if (key === undefined || before === SECRET || after === SECRET) return { path: done, before, after };
    return pairAt(rest, inside(before, key), inside(after, key), [...done, key]);
}

function inside(value: unknown, key: string): unknown {
    return typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined;
}

function compare({ path, before, after }: Pair, shown: Shown): string[] {
    if (before === SECRET || after === SECRET) return [secretLine(write(path), before, after)];
    if (isObject(before) && isObject(after)) return compareObjects({ path, before, after }, shown);
    if (isDeepStrictEqual(before, after)) return [];
    return leaf({ path, before: maskLike(before, after), after: maskLike(after, before) }, shown);
}

function secretLine(path: string, before: unknown, after: unknown): string {
    if (before === undefined) return `+ ${path}: ${SECRET}`;
    if (after === undefined) return `- ${path}: ${SECRET}`;
    if (before === after) return `! ${path}: ${SECRET} changes`;
    return `! ${path}: ${SECRET} changes, and ${after === SECRET ? "was" : "is"} not marked as a secret ${after === SECRET ? "before" : "any more"}`;
}

function compareObjects({ path, before, after }: Pair & { before: object; after: object }, shown: Shown) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys
        .sort()
        .flatMap((key) =>
            compare({ path: [...path, key], before: inside(before, key), after: inside(after, key) }, shown),
        );
}

function leaf({ path, before, after }: Pair, shown: Shown): string[] {
    const name = write(path);
    if (before === undefined) return [`+ ${name}: ${shorten(show(after), shown.width)}`];
    if (after === undefined) return [`- ${name}: ${shorten(show(before), shown.width)}`];
    const [old, now] = [
        textOf(maskLike(open(before), open(after))),
        textOf(maskLike(open(after), open(before))),
    ];
    if (old === undefined || now === undefined) {
        const [start, end] = excerpts(show(before), show(after), shown.width);
        return [`! ${name}: ${start} → ${end}`];
    }
    if (old !== now) return [`@@ ${name} @@`, ...textDiff(old, now, shown)];
    return [
        `! ${name}: ${old.includes(SECRET) ? `${SECRET} changes` : "the same JSON, written in another way"}`,
    ];
}

/** What a string holds as JSON, or the value itself. */
function open(value: unknown): unknown {
    return (typeof value === "string" ? parseJson(value) : undefined) ?? value;
}

/** A value of several lines: lists, objects, and text that has them; undefined for another. */
function textOf(value: unknown): string | undefined {
    if (typeof value === "object" && value !== null) return show(value, 2);
    return typeof value === "string" && value.includes("\n") ? value : undefined;
}

function textDiff(before: string, after: string, { width, lines }: Shown): string[] {
    // Of a last line without its end only a difference is told.
    const end = before.endsWith("\n") || after.endsWith("\n") ? "" : "\n";
    const options = { context: 3, maxEditLength: MOST_EDITS };
    const patch = structuredPatch("", "", before + end, after + end, "", "", options);
    if (patch === undefined) return ["! changes nearly everywhere"];
    const all = patch.hunks.flatMap((hunk, index) => [...(index === 0 ? [] : ["  …"]), ...hunk.lines]);
    return firstOf(
        all.map((line) => shorten(line, width)),
        lines,
    );
}

/** What fits of two texts, from shortly before they differ. */
function excerpts(before: string, after: string, width: number): [string, string] {
    if (Math.max(before.length, after.length) <= width) return [before, after];
    let same = 0;
    while (before[same] === after[same]) same += 1;
    const start = Math.max(0, same - 20);
    const cut = (text: string) => `${start > 0 ? "…" : ""}${shorten(text.slice(start), width)}`;
    return [cut(before), cut(after)];
}
