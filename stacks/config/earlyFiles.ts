import * as fs from "node:fs";
import * as path from "node:path";
import { endOfValue } from "./elixirSyntax";
import { type Token, tokens } from "./elixirTokens";
import { mixProjects } from "./mixProjects";

/** Keys and functions of a mix.exs whose strings name files for a package or its documentation, which no build reads. */
const NOT_READ = new Set([
    "docs",
    "package",
    "extras",
    "files",
    "logo",
    "links",
    "dialyzer",
    "test_coverage",
]);
/** Files of config/ that a build for production does not evaluate. */
const NOT_EVALUATED = /^config\/(dev|test|runtime)\.exs$/;
const MOST_MATCHES = 200;

/**
 * The files and folders that Mix probably reads before it compiles an app: mix.exs, mix.lock and config/ of the app and of
 * an umbrella's apps, whole path dependencies, and the files that strings in these name, such as VERSION.
 *
 * It is a hint for what to cache, read without running anything: files may be missing in it, or be left out of the build.
 *
 * @param app folder of the mix project
 * @param further folders of path dependencies that mix.exs computes
 * @returns paths relative to that folder, in a stable order; those of what lies beside it begin with `../`
 */
export function earlyFiles(app: string, further: string[] = []): string[] {
    const { umbrella, dependencies } = mixProjects(app, further);
    const named = [app, ...umbrella].flatMap((project) =>
        ownFiles(project).flatMap((file) => [
            file,
            ...(isEvaluated(project, file) ? namedFiles(file, project) : []),
        ]),
    );
    const all = [...new Set([...dependencies, ...named].map((file) => path.normalize(file)))];
    const isBelow = (file: string) =>
        dependencies.some((folder) => file.startsWith(path.normalize(folder) + path.sep));
    return all
        .filter((file) => !isBelow(file))
        .map((file) => path.relative(app, file))
        .sort();
}

/** The files of a project that Mix reads by itself. */
function ownFiles(project: string): string[] {
    const config = path.join(project, "config");
    const configs = isFolder(config) ? fs.readdirSync(config, { recursive: true, encoding: "utf8" }) : [];
    return [
        ...["mix.exs", "mix.lock"].map((name) => path.join(project, name)),
        ...configs.filter((name) => name !== "runtime.exs").map((name) => path.join(config, name)),
    ].filter(isFile);
}

function isEvaluated(project: string, file: string): boolean {
    return file.endsWith(".exs") && !NOT_EVALUATED.test(path.relative(project, file));
}

/** The files that strings of an Elixir file name, as seen from the project or from the file; and what scripts among them name. */
function namedFiles(file: string, project: string, seen = new Set<string>()): string[] {
    if (seen.has(file)) return [];
    seen.add(file);
    const folders = [project, path.dirname(file)];
    const found = strings(tokens(fs.readFileSync(file, "utf8")))
        .flatMap((text) => folders.flatMap((folder) => matches(folder, text)))
        .filter((name) => !NOT_EVALUATED.test(path.relative(project, name)));
    const scripts = found.filter((name) => /\.exs?$/.test(name));
    return [...found, ...scripts.flatMap((script) => namedFiles(script, project, seen))];
}

/** The strings of a source, less those for packages and documentation. */
function strings(source: Token[]): string[] {
    const found: string[] = [];
    for (let at = 0; at < source.length; at += 1) {
        const { kind, text, inside } = source[at] as Token;
        const isFunction = kind === "name" && /^defp?$/.test(text);
        if (isFunction && NOT_READ.has(source[at + 1]?.text ?? "")) {
            const next = source.findIndex(
                (each, index) => index > at && each.kind === "name" && /^defp?$/.test(each.text),
            );
            at = (next < 0 ? source.length : next) - 1;
        } else if (kind === "key" && NOT_READ.has(text)) {
            at = endOfValue(source, at + 1) - 1;
        } else if (kind === "words") {
            found.push(...text.split(/\s+/));
        } else if (kind === "string" || kind === "key") {
            found.push(...strings(inside), text);
        } else if (kind === "code") {
            found.push(...strings(inside));
        }
    }
    return found;
}

/** The files that a string names in a folder: one, or those of a pattern with * in it. */
function matches(folder: string, text: string): string[] {
    if (!/^[^\s/\0][^\0\n]{0,200}$/.test(text) || text.includes("**")) return [];
    const found = text
        .split("/")
        .reduce((folders, part) => folders.flatMap((each) => entries(each, part)), [folder])
        .filter(isFile);
    return found.length > MOST_MATCHES ? [] : found;
}

/** The paths in a folder that a part of a path names. */
function entries(folder: string, part: string): string[] {
    if (!part.includes("*")) return [path.join(folder, part)];
    const literal = part.split("*").map((each) => each.replace(/[\\^$+?.()|[\]{}]/g, "\\$&"));
    const pattern = new RegExp(`^(?!\\.)${literal.join(".*")}$`);
    const names = isFolder(folder) ? fs.readdirSync(folder) : [];
    return names.filter((name) => pattern.test(name)).map((name) => path.join(folder, name));
}

function isFile(name: string): boolean {
    return fs.statSync(name, { throwIfNoEntry: false })?.isFile() === true;
}

function isFolder(name: string): boolean {
    return fs.statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
}
