import * as fs from "node:fs";
import * as path from "node:path";
import { endOfValue } from "./elixirSyntax";
import { type Token, tokens } from "./elixirTokens";

/** The mix projects that an app is built of, besides itself. */
export interface MixProjects {
    /** Folders of an umbrella's apps. */
    umbrella: string[];
    /** Folders of path dependencies, and of theirs; one below another comes with it and is not listed. */
    dependencies: string[];
    /** Folders of all of them, wherever they lie. */
    all: string[];
}

/**
 * The mix projects that an app is built of, in a stable order. What cannot be read without running a mix.exs is not found.
 *
 * @param app folder of the mix project
 * @param further folders of path dependencies that mix.exs computes
 */
export function mixProjects(app: string, further: string[] = []): MixProjects {
    const umbrella = new Set<string>();
    const dependencies = new Set<string>();
    const visit = (project: string) => {
        const source = mixFile(project);
        for (const child of childrenOf(project, source)) {
            if (umbrella.has(child)) continue;
            umbrella.add(child);
            visit(child);
        }
        for (const folder of pathsIn(project, source)) {
            if (dependencies.has(folder) || folder === root) continue;
            dependencies.add(folder);
            visit(folder);
        }
    };
    const root = path.normalize(app);
    visit(root);
    for (const folder of further.map((each) => path.normalize(each))) {
        dependencies.add(folder);
        visit(folder);
    }
    // Apps of an umbrella may name each other by path.
    const named = [...dependencies].filter((folder) => !umbrella.has(folder));
    return {
        umbrella: [...umbrella].filter((folder) => !isBelowAny(folder, named)).sort(),
        dependencies: named.filter((folder) => !isBelowAny(folder, named)).sort(),
        all: [...new Set([...umbrella, ...named])].sort(),
    };
}

/** Those of some folders that lie outside of an app's. */
export function outside(app: string, folders: string[]): string[] {
    return folders.filter((folder) => path.relative(app, folder).split(path.sep)[0] === "..");
}

function mixFile(project: string): Token[] {
    const file = path.join(project, "mix.exs");
    return fs.existsSync(file) ? tokens(fs.readFileSync(file, "utf8")) : [];
}

function childrenOf(project: string, source: Token[]): string[] {
    const at = source.findIndex(({ kind, text }) => kind === "key" && text === "apps_path");
    const apps = source[at + 1];
    if (at < 0 || apps?.kind !== "string") return [];
    const folder = path.join(project, apps.text);
    const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
    return names
        .map((name) => path.join(folder, name))
        .filter((child) => fs.existsSync(path.join(child, "mix.exs")));
}

/**
 * The path dependencies that a mix.exs names. A string in a call, such as Path.expand, counts too. One that Mix does not build
 * itself has no mix.exs: Rebar's, or files that the app reads.
 */
function pathsIn(project: string, source: Token[]): string[] {
    const dependencies = source.flatMap((_, at) =>
        isDependency(source.slice(at, at + 3))
            ? source.slice(at, endOfValue(source, at)).flatMap(pathAt)
            : [],
    );
    const folders = (texts: string[]) => texts.map((text) => path.join(project, text));
    return [
        ...folders(source.flatMap(pathAt)).filter((folder) => fs.existsSync(path.join(folder, "mix.exs"))),
        ...folders(dependencies).filter(isFolder),
    ];
}

/** The strings under `path:` where it stands at an index. */
function pathAt({ kind, text }: Token, at: number, code: Token[]): string[] {
    if (kind !== "key" || text !== "path") return [];
    return code
        .slice(at + 1, endOfValue(code, at + 1))
        .filter((value) => value.kind === "string" && value.inside.length === 0)
        .map((value) => value.text);
}

/** Whether code is a tuple that begins with a name, as a dependency does. */
function isDependency([brace, name, comma]: Token[]): boolean {
    return brace?.text === "{" && name?.kind === "atom" && comma?.text === ",";
}

function isFolder(name: string): boolean {
    return fs.statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isBelowAny(folder: string, folders: string[]): boolean {
    return folders.some((other) => folder.startsWith(`${other}${path.sep}`));
}
