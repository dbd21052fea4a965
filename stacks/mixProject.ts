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
    const project = keywords(source, /\bdef\s+project\b/);
    const version = project.get("version") ?? "";
    const releases = project.get("releases") ?? "";
    // The list stands there, or in a function of its own.
    const own = /^(\w+)(\(\))?\s*$/.exec(releases)?.[1];
    return {
        app: /^:(\w+)/.exec(project.get("app") ?? "")?.[1],
        releases: [
            ...keywords(
                ...(own
                    ? ([source, new RegExp(`\\bdefp?\\s+${own}\\b`)] as const)
                    : ([releases, /^/] as const)),
            ).keys(),
        ],
        version: /^"([^"]+)"/.exec(
            version.startsWith("@version") ? (/@version\s+("[^"]+")/.exec(source)?.[1] ?? "") : version,
        )?.[1],
    };
}

const TOKENS = /"(?:[^"\\]|\\.)*"|#[^\n]*|[[{(]|[\]})]|,|\b[a-z_]\w*[?!]?:(?=\s)/g;

/** The keys and values of the first keyword list after a place in the source, as they are written. */
function keywords(source: string, after: RegExp): Map<string, string> {
    const found = new Map<string, string>();
    const start = source.indexOf("[", after.exec(source)?.index ?? source.length);
    if (start < 0) return found;
    let depth = 0;
    let key: string | undefined;
    let value = 0;
    for (const token of source.slice(start).matchAll(TOKENS)) {
        const [text] = token;
        if ("]})".includes(text)) depth -= 1;
        if (depth <= 1 && key !== undefined && ",]".includes(text)) {
            found.set(key, source.slice(start + value, start + token.index).trim());
            key = undefined;
        }
        if (depth === 0 && text === "]") break;
        if ("[{(".includes(text)) depth += 1;
        if (depth === 1 && text.endsWith(":")) {
            key = text.slice(0, -1);
            value = token.index + text.length;
        }
    }
    return found;
}
