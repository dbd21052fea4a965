import * as fs from "node:fs";
import * as path from "node:path";
import { ElixirValues, type Value } from "./elixirValues";

/** What a mix.exs says, as far as it can be told without running it. */
export interface MixProject {
    /** Name of the application; an umbrella has none. */
    app?: string;
    /** Whether it is the root of an umbrella. */
    isUmbrella: boolean;
    /** Names under `releases:` that can be told. */
    releases: string[];
    /** Whether there are no other releases than these. */
    isWhole: boolean;
    /** The release that Mix takes of several. */
    defaultRelease?: string;
    /** Version of the project. */
    version?: string;
    /** Versions of the releases that do not take the project's, by name; undefined where it cannot be told. */
    versions: Record<string, string | undefined>;
}

/** Reads the mix.exs of a folder. Throws when there is none. */
export function readMixProject(folder: string): MixProject {
    const read = (file: string) => {
        const name = path.join(folder, file);
        const isFile = fs.statSync(name, { throwIfNoEntry: false })?.isFile() === true;
        return isFile ? fs.readFileSync(name, "utf8") : undefined;
    };
    return parseMixProject(fs.readFileSync(path.join(folder, "mix.exs"), "utf8"), read);
}

/**
 * Reads the text of a mix.exs.
 *
 * @param read tells what a file of the project holds; undefined where there is none
 */
export function parseMixProject(
    source: string,
    read: (file: string) => string | undefined = () => undefined,
): MixProject {
    const project = new ElixirValues(source, read).call("project");
    const pairs = project.kind === "list" ? project.pairs : new Map<string, Value>();
    const releases = pairs.get("releases");
    const list = releases?.kind === "list" ? releases : undefined;
    return {
        app: textOf(pairs.get("app"), "atom"),
        isUmbrella: pairs.has("apps_path"),
        releases: [...(list?.pairs.keys() ?? [])],
        isWhole: isWhole(releases ?? project),
        defaultRelease: textOf(pairs.get("default_release"), "atom"),
        version: textOf(pairs.get("version"), "string"),
        versions: Object.fromEntries([...(list?.pairs ?? [])].flatMap(ownVersion)),
    };
}

/** The version that the options of a release set, by its name; nothing where they set none. */
function ownVersion([name, options]: [string, Value]): [string, string | undefined][] {
    if (options.kind !== "list") return [[name, undefined]];
    const isSet = options.pairs.has("version") || !options.isWhole;
    return isSet ? [[name, textOf(options.pairs.get("version"), "string")]] : [];
}

function isWhole(value: Value): boolean {
    return value.kind === "list" && value.isWhole;
}

function textOf(value: Value | undefined, kind: "atom" | "string"): string | undefined {
    return value?.kind === kind ? value.text : undefined;
}
