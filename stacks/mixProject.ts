import * as fs from "node:fs";
import * as path from "node:path";

/** What a mix.exs says, as far as it can be read without running it. */
export interface MixProject {
    /** Name of the application. */
    app?: string;
    /** Names under `releases:`; none where the project does not list any. */
    releases: string[];
    /** Version of the project, written out or in `@version`. */
    version?: string;
}

/** Reads the mix.exs of a folder. Throws when there is none. */
export function readMixProject(folder: string): MixProject {
    return parseMixProject(fs.readFileSync(path.join(folder, "mix.exs"), "utf8"));
}

/** Reads the text of a mix.exs. */
export function parseMixProject(source: string): MixProject {
    const text = source.replace(/^\s*#.*$/gm, "");
    return {
        app: /\bapp:\s*:(\w+)/.exec(text)?.[1],
        releases: keysOf(/\breleases(?::|(?:\(\))?\s+do)\s*\[/.exec(text), text),
        version: /\bversion:\s*"([^"]+)"/.exec(text)?.[1] ?? /@version\s+"([^"]+)"/.exec(text)?.[1],
    };
}

/** The keys of the keyword list that a match opens: those at its own depth of brackets. */
function keysOf(list: RegExpExecArray | null, text: string): string[] {
    if (list === null) return [];
    const keys: string[] = [];
    let depth = 1;
    for (const [token, key] of text
        .slice(list.index + list[0].length)
        .matchAll(/"[^"]*"|[[{(]|[\]})]|(\b\w+):\s/g)) {
        if ("[{(".includes(token)) depth += 1;
        else if ("]})".includes(token)) depth -= 1;
        else if (depth === 1 && key !== undefined) keys.push(key);
        if (depth === 0) break;
    }
    return keys;
}
