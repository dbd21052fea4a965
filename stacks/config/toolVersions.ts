import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parse, TomlError } from "smol-toml";

/** A version of a tool, and the file that asks for it. */
export interface ToolVersion {
    version: string;
    file: string;
}

type Tool = "elixir" | "erlang";

/** The files of a folder that ask for versions, the first to count first, as mise has it; asdf reads the last alone. */
const FILES = [
    ".mise.local.toml",
    "mise.local.toml",
    "mise/config.local.toml",
    ".mise/config.local.toml",
    ".config/mise.local.toml",
    ".config/mise/mise.local.toml",
    ".config/mise/config.local.toml",
    ".mise.toml",
    "mise.toml",
    "mise/config.toml",
    ".mise/config.toml",
    ".config/mise.toml",
    ".config/mise/mise.toml",
    ".config/mise/config.toml",
    ".tool-versions",
];

/**
 * The version of a tool that mise or asdf would take in the app's folder: the nearest, there or above. Throws where a file
 * of mise is no TOML.
 */
export function toolVersion(app: string, tool: Tool): ToolVersion | undefined {
    for (const folder of upwards(app)) {
        for (const name of FILES) {
            // What a person has for all folders says nothing about the app.
            if (folder === os.homedir() && name.startsWith(".config/")) continue;
            const absolute = path.join(folder, name);
            const file = path.relative(process.cwd(), absolute);
            const read = name.endsWith(".toml") ? versionInMise : versionInAsdf;
            const version = read(textOf(absolute), tool, file);
            if (version !== undefined) return { version, file };
        }
    }
    return undefined;
}

function versionInAsdf(text: string, tool: Tool): string | undefined {
    return new RegExp(`^[ \\t]*${tool}[ \\t]+([^\\s#]+)`, "m").exec(text)?.[1];
}

/** Of several versions the first is the one in use. */
function versionInMise(text: string, tool: Tool, file: string): string | undefined {
    const tools = tableIn(text, file).tools as Record<string, unknown> | undefined;
    const [first] = [tools?.[tool] ?? tools?.[`core:${tool}`]].flat();
    const version = typeof first === "object" && first && "version" in first ? first.version : first;
    // Some are no version, such as a table with a path: they are named where no image has them.
    return typeof version === "string" || version === undefined ? version : JSON.stringify(version);
}

function tableIn(text: string, file: string): Record<string, unknown> {
    try {
        return parse(text);
    } catch (error) {
        if (!(error instanceof TomlError)) throw error;
        const [reason] = error.message.split("\n");
        throw new Error(`must be set, as ${file} cannot be read: line ${error.line}: ${reason}`, {
            cause: error,
        });
    }
}

/** A folder and those above it. */
function upwards(folder: string): string[] {
    const absolute = path.resolve(folder);
    const above = path.dirname(absolute);
    return above === absolute ? [absolute] : [absolute, ...upwards(above)];
}

/** The text of a file; none where there is no file. */
function textOf(file: string): string {
    return fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true
        ? fs.readFileSync(file, "utf8")
        : "";
}
