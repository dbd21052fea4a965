import { boundedBlock, cellCode, code, codeBlock, fitting, folded, htmlCode, shorten } from "./markdown";
import { type Change, type Preview, readPreview } from "./preview";
import { diffLines, type Shown } from "./propertyDiff";

/** How much a rendering shows. */
export interface Limits extends Shown {
    /** Characters of the whole. */
    characters: number;
    /** Items of a list: dangers, and properties of a row. */
    items: number;
}

/** What a comment can hold: GitHub takes 65,536 characters, GitLab 1,000,000. */
export const COMMENT: Limits = { characters: 60_000, items: 20, width: 160, lines: 40 };

/** Nothing is left out, for a job's log. */
export const EVERYTHING: Limits = { characters: Infinity, items: Infinity, width: Infinity, lines: Infinity };

/** A preview as Markdown, and whether it had failed. */
export interface Rendered {
    markdown: string;
    failed: boolean;
}

/** The first line of a stack's comment, by which it is found again. */
export function markerOf(stack: string): string {
    return `<!-- decanter preview ${stack} -->`;
}

/**
 * Renders what `pulumi preview --json` has printed. There is no secret in it, and no Markdown but its own.
 *
 * @param stack name of the stack: letters, digits, and - _ . /
 * @param json what Pulumi has printed; anything else is rendered as a preview that has failed
 * @param limits how much is shown; COMMENT without it
 */
export function renderPreview(stack: string, json: string, limits: Limits = COMMENT): Rendered {
    const preview = readPreview(json);
    const failed = preview.errors.length > 0;
    const head = [
        `${markerOf(stack)}\n### Pulumi preview of ${code(stack)}${failed ? " has failed" : ""}`,
        errors(preview, limits),
        dangers(preview.changes, limits),
        summary(preview),
    ];
    const tail = [warnings(preview, limits)];
    const room = limits.characters - lengthOf([...head, ...tail]) - ROOM_FOR_NOTE;
    return { markdown: assemble(head, body(preview.changes, room, limits), tail), failed };
}

/** Of the sentence that says what was left out, and of the table's own lines. */
const ROOM_FOR_NOTE = 400;

function assemble(...parts: string[][]): string {
    const texts = parts.flat().filter((part) => part !== "");
    return `${texts.join("\n\n")}\n`;
}

function lengthOf(parts: string[]): number {
    return assemble(parts).length;
}

/** The table and what is folded away under it, as much as there is room for: where rows are missing, no diff is shown. */
function body(changes: Change[], room: number, limits: Limits): string[] {
    if (changes.length === 0) return [];
    const rows = changes.map((change) => row(change, limits));
    const shownRows = fitting(rows, room, "\n");
    const diffs = changes.map((change) => details(change, limits)).filter((text) => text !== "");
    const shownDiffs = fitting(diffs, room - rows.join("\n").length, "\n\n");
    const missing = [
        [diffs.length - shownDiffs.length, "diffs"],
        [rows.length - shownRows.length, "rows of the table"],
    ] as const;
    const left = missing.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
    return [
        ["| | Resource | Type | Properties |", "| --- | --- | --- | --- |", ...shownRows].join("\n"),
        ...shownDiffs,
        left.length === 0
            ? ""
            : `_There is no room here for ${left.join(" and ")}: the job's log has everything._`,
    ];
}

function errors({ errors, changes }: Preview, { characters }: Limits): string {
    if (errors.length === 0) return "";
    const incomplete = changes.length === 0 ? "" : "\n\nWhat it had found until then:";
    return `${messages(errors, characters / 3)}${incomplete}`;
}

function warnings({ warnings }: Preview, { characters }: Limits): string {
    if (warnings.length === 0) return "";
    const title = `${warnings.length} warning${warnings.length === 1 ? "" : "s"}`;
    return folded(title, messages(warnings, characters / 10));
}

/** Messages one below the other. Their own lines are moved in: none begins with what would be a command to GitLab. */
function messages(texts: string[], room: number): string {
    const lines = texts.flatMap((text) => `- ${text.replaceAll("\n", "\n  ")}`.split("\n"));
    return boundedBlock("text", lines, room);
}

function dangers(changes: Change[], { items }: Limits): string {
    const dangerous = changes.filter(({ danger }) => danger !== undefined);
    if (dangerous.length === 0) return "";
    const lines = dangerous.slice(0, items).map(({ name, type, operation, danger }) => {
        const what = `${codeOf(name)} (${codeOf(type)})`;
        return `> - ${what} is **${operation}d** ${danger}`;
    });
    const missing = dangerous.length - items;
    const more = missing > 0 ? [`> - and ${missing} more: they come first in the table`] : [];
    return [
        "> [!CAUTION]",
        "> This touches what holds data, a secret or an address:",
        ">",
        ...lines,
        ...more,
    ].join("\n");
}

const codeOf = (text: string) => code(shorten(text, 120));

function summary({ changes, unchanged, errors }: Preview): string {
    if (changes.length === 0) return errors.length > 0 ? "" : `No changes, ${unchanged} unchanged`;
    const operations = [
        ...new Set(["create", "update", "replace", "delete", ...changes.map(({ operation }) => operation)]),
    ];
    const counts = operations.map(
        (wanted) => [changes.filter(({ operation }) => operation === wanted).length, `to ${wanted}`] as const,
    );
    return [...counts, [unchanged, "unchanged"] as const]
        .filter(([count]) => count > 0)
        .map(([count, what]) => `${count} ${what}`)
        .join(", ");
}

function row(change: Change, limits: Limits): string {
    const { operation, name, type, danger } = change;
    const cells = [
        danger === undefined ? operation : `⚠️ **${operation}**`,
        cellCode(shorten(name, 120)),
        cellCode(shorten(type, 120)),
        reasons(change, limits),
    ];
    return `| ${cells.join(" | ")} |`;
}

function reasons({ properties, forcing }: Change, limits: Limits): string {
    const others = names(
        properties.filter((property) => !forcing.includes(property)),
        limits,
    );
    if (forcing.length === 0) return others;
    return `**forced by** ${names(forcing, limits)}${others === "" ? "" : `; also ${others}`}`;
}

function names(properties: string[], { items }: Limits): string {
    const shown = properties.slice(0, items).map((property) => cellCode(shorten(property, 60)));
    const missing = properties.length - items;
    return [...shown, ...(missing > 0 ? [`${missing} more`] : [])].join(", ");
}

function details(change: Change, limits: Limits): string {
    const { operation, name, type, before, after, paths } = change;
    if (operation !== "update" && operation !== "replace") return "";
    const lines = diffLines(before, after, paths, limits);
    if (lines.length === 0) return "";
    const title = `${operation} ${htmlCode(shorten(name, 120))} (${htmlCode(shorten(type, 120))})`;
    return folded(title, codeBlock("diff", lines));
}
