import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { leftOut, privateKeys } from "./contextNotes";
import { contextRules } from "./contextRules";
import { ignorer } from "./ignoreRules";
import { trackedFiles } from "./trackedFiles";

/** The files that a build may read. */
export interface BuildContext {
    /** Folder that is the context: the app's, or one above it where path dependencies lie beside the app. */
    folder: string;
    /** Path of the app in it; "." where it is the app's folder itself. */
    app: string;
    /** What of it is left out, in the words of a .dockerignore. */
    rules: string;
    /** What there is to say of that, a line each. */
    notes: string[];
}

/**
 * The context of an app's build: its folder and those of its path dependencies, each less what Decanter leaves out and
 * what its own .dockerignore says, which counts more.
 *
 * @param app folder of the mix project
 * @param pathDependencies folders of path dependencies outside of it
 * @param projects folders of all mix projects that the build is of
 */
export function buildContext(
    app: string,
    pathDependencies: string[] = [],
    projects: string[] = [],
): BuildContext {
    const folders = [app, ...pathDependencies];
    const folder = pathDependencies.length === 0 ? app : commonFolder(folders);
    const inContext = (name: string) => path.relative(folder, name).split(path.sep).join("/");
    const sent = folders.map(inContext);
    const tracked = new Set(
        folders.flatMap((each) =>
            (trackedFiles(each) ?? []).map((name) => path.posix.join(inContext(each), name)),
        ),
    );
    const roots = [...new Set([...folders, ...projects].map(inContext))].filter(
        (root) => !root.startsWith(".."),
    );
    const facts = { folder, sent, projects: roots, tracked };
    const own = folders.flatMap((each) =>
        rulesBelow(inContext(each), readIfThere(path.join(each, ".dockerignore"))),
    );
    const defaults = [
        // Of a folder above the app nothing is sent that nobody asked for.
        ...(sent.includes("") ? [] : ["*", ...sent.map((each) => `!${each}`)]),
        ...contextRules(facts),
    ];
    const rules = `${[...defaults, ...own].join("\n")}\n`;
    const ignores = ignorer(rules);
    const notes = [...leftOut(facts, ignorer(own.join("\n")), ignores), ...privateKeys(facts, ignores)];
    return { folder, app: inContext(app) || ".", rules, notes };
}

/** The context of a build by the app's own Dockerfile: its folder, with Docker's own rules and no others. */
export function ownContext(app: string, dockerfile: string): BuildContext {
    const beside = readIfThere(path.join(app, `${dockerfile}.dockerignore`));
    return {
        folder: app,
        app: ".",
        rules: beside || readIfThere(path.join(app, ".dockerignore")),
        notes: [],
    };
}

/** The files and links that a build may read, by their path in the context, in a stable order. */
export function contextFiles({ folder, rules }: Pick<BuildContext, "folder" | "rules">): string[] {
    const ignores = ignorer(rules);
    const kept = rules.split("\n").filter((rule) => rule.startsWith("!"));
    const starts = kept.map((rule) => /^!((?:\\.|[^\\*?[])*)(.?)/.exec(rule) ?? []);
    /** Whether a rule takes something back in below a folder that is left out. */
    const mayHold = (below: string) =>
        starts.some(([, start = "", wild]) => {
            const literal = start.replace(/\\(.)/g, "$1");
            return (
                `${literal}/`.startsWith(`${below}/`) ||
                (wild && `${below}/`.startsWith(literal.replace(/[^/]*$/, "")))
            );
        });
    const filesBelow = (below: string): string[] =>
        fs.readdirSync(path.join(folder, below), { withFileTypes: true }).flatMap((entry) => {
            const name = path.join(below, entry.name);
            const isIgnored = ignores(name);
            if (entry.isDirectory()) return isIgnored && !mayHold(name) ? [] : filesBelow(name);
            return !isIgnored && (entry.isFile() || entry.isSymbolicLink()) ? [name] : [];
        });
    return filesBelow("").sort();
}

/**
 * A hash of a Dockerfile's text and all files that its build may read: their names, what they hold, whether they can be run.
 */
export function contextHash(context: Pick<BuildContext, "folder" | "rules">, dockerfile: string): string {
    const hash = createHash("sha256").update(dockerfile);
    for (const name of contextFiles(context)) {
        const file = path.join(context.folder, name);
        const stat = fs.lstatSync(file);
        const [kind, content] = stat.isSymbolicLink()
            ? ["link", fs.readlinkSync(file)]
            : [`${(stat.mode & 0o111) !== 0}`, fs.readFileSync(file)];
        const digest = createHash("sha256").update(content).digest("hex");
        hash.update(`${name}\0${kind}\0${digest}\0`);
    }
    return hash.digest("hex");
}

/** The rules of a folder's .dockerignore, as they read in a folder above it. */
function rulesBelow(below: string, rules: string): string[] {
    return rules
        .split("\n")
        .map((rule) => rule.trim())
        .filter((rule) => rule !== "" && !rule.startsWith("#"))
        .map((rule) => {
            const [, not = "", pattern = ""] = /^(!?)\/*(.*)$/.exec(rule) ?? [];
            return not + path.posix.join(below, pattern);
        });
}

function commonFolder(folders: string[]): string {
    const [first = [], ...others] = folders.map((folder) => path.resolve(folder).split(path.sep));
    const end = first.findIndex((part, index) => others.some((other) => other[index] !== part));
    return (
        path.relative(process.cwd(), first.slice(0, end < 0 ? undefined : end).join(path.sep) || "/") || "."
    );
}

function readIfThere(file: string): string {
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
}
