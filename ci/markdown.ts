import { stripVTControlCharacters } from "node:util";

// Everything that comes from a preview lies in code, inline or fenced: there is no Markdown, no HTML, no mention and no
// quick action in it.

/** What changes how the text around it looks, and is not seen itself: marks of direction, and of no width. */
const INVISIBLE = /[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A text without ANSI codes, and with its control characters visible; only line feeds and tabs stay. */
export function clean(text: string): string {
    return (
        stripVTControlCharacters(text)
            .replaceAll("\r\n", "\n")
            .replace(INVISIBLE, "\ufffd")
            // Where a text was cut there may be half a character, which no API takes.
            .replace(/\p{Surrogate}/gu, "\ufffd")
            // eslint-disable-next-line no-control-regex -- these are what is looked for
            .replace(/[\x00-\x08\x0b-\x1f]/g, (character) =>
                String.fromCharCode(0x2400 + character.charCodeAt(0)),
            )
            .replace(/[\x7f-\x9f]/g, "\ufffd")
    );
}

/** The beginning of a text that is longer than so many characters, and how long it was. */
export function shorten(text: string, length: number): string {
    return text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`;
}

/** The first texts, as many as there is room for with what separates them. */
export function fitting(texts: string[], room: number, separator: string): string[] {
    let used = 0;
    const end = texts.findIndex((text) => (used += text.length + separator.length) > room);
    return end === -1 ? texts : texts.slice(0, end);
}

/** A text as inline code, on one line, for a paragraph. */
export function code(text: string): string {
    const line = clean(text).replace(/\s+/g, " ");
    const fence = fenceFor(line, 1);
    return `${fence}${/^`|`$|^ *$/.test(line) ? ` ${line} ` : line}${fence}`;
}

/** Inline code for a cell of a table: there a pipe ends the cell, in code too, and behind an escaped backslash. */
export function cellCode(text: string): string {
    return code(text.replaceAll("\\|", "\\ |")).replaceAll("|", "\\|");
}

/** Lines as a block of code. */
export function codeBlock(language: string, lines: string[]): string {
    const text = lines.map(clean).join("\n");
    const fence = fenceFor(text, 3);
    return `${fence}${language}\n${text}\n${fence}`;
}

/** Lines as a block of code, as many as there is room for, and each a fifth of it at most. */
export function boundedBlock(language: string, lines: string[], room: number): string {
    const shown = fitting(
        lines.map((line) => shorten(line, room / 5)),
        room,
        "\n",
    );
    const missing = lines.length - shown.length;
    const more = missing > 0 ? [`… (${missing} more lines: the job's log has them)`] : [];
    return codeBlock(language, [...shown, ...more]);
}

/** Text for HTML, in an element `code`, where no mention is looked for. */
export function htmlCode(text: string): string {
    const line = clean(text).replace(/\s+/g, " ");
    const escaped = line.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return `<code>${escaped}</code>`;
}

/** What is folded away under a title, which is HTML. */
export function folded(title: string, body: string): string {
    return `<details><summary>${title}</summary>\n\n${body}\n\n</details>`;
}

/** A fence that a text does not hold. */
function fenceFor(text: string, least: number): string {
    const runs = text.match(/`+/g) ?? [];
    return "`".repeat(Math.max(least, ...runs.map((run) => run.length + 1)));
}
