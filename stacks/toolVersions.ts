import * as fs from "node:fs";
import * as path from "node:path";

/** A version of a tool, and the file that asks for it. */
export interface ToolVersion {
    version: string;
    file: string;
}

const MISE = ["mise.local.toml", ".mise.local.toml", "mise.toml", ".mise.toml", ".config/mise.toml"];

/** The version of a tool in .tool-versions, of the app's folder or the nearest above it, as asdf looks for it. */
export function toolVersion(app: string, tool: "elixir" | "erlang"): ToolVersion | undefined {
    for (const folder of upwards(app)) {
        const file = path.join(folder, ".tool-versions");
        const version = new RegExp(`^[ \\t]*${tool}[ \\t]+([^\\s#]+)`, "m").exec(readIfThere(file))?.[1];
        if (version !== undefined) return { version, file: path.relative(process.cwd(), file) };
    }
    return undefined;
}

/** The configuration of mise that asks for Elixir or Erlang, which is not read; undefined where there is none. */
export function miseFile(app: string): string | undefined {
    const files = upwards(app).flatMap((folder) => MISE.map((name) => path.join(folder, name)));
    const file = files.find((name) => /^[ \t]*"?(elixir|erlang)"?[ \t]*=/m.test(readIfThere(name)));
    return file && path.relative(process.cwd(), file);
}

/** A folder and those above it. */
function upwards(folder: string): string[] {
    const absolute = path.resolve(folder);
    const above = path.dirname(absolute);
    return above === absolute ? [absolute] : [absolute, ...upwards(above)];
}

function readIfThere(file: string): string {
    return fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true
        ? fs.readFileSync(file, "utf8")
        : "";
}
