import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import dockerignore from "@balena/dockerignore";

/** The files that a build may read. */
export interface BuildContext {
    /** Folder that is the context: the app's, or one above it where path dependencies lie beside the app. */
    folder: string;
    /** Path of the app in it; "." where it is the app's folder itself. */
    app: string;
    /** What of it is left out, in the words of a .dockerignore. */
    rules: string;
}

/**
 * The context of an app's build: its folder and those of its path dependencies, each less what Decanter leaves out and
 * what its own .dockerignore says.
 *
 * @param app folder of the mix project
 * @param beside folders of path dependencies outside of it
 */
export function buildContext(app: string, beside: string[] = []): BuildContext {
    const folders = [app, ...beside];
    const folder = beside.length === 0 ? app : commonFolder(folders);
    const defaults = fs.readFileSync(path.join(__dirname, "..", "docker", "dockerignore"), "utf8");
    const rules = folders.flatMap((each) => {
        const below = path.relative(folder, each);
        const own = [defaults, readIfThere(path.join(each, ".dockerignore"))].join("\n");
        return [...(below === "" ? [] : [`!${below}`]), ...rulesBelow(below, own)];
    });
    // Of a folder above the app nothing is sent that nobody asked for.
    const all = beside.length === 0 ? rules : ["*", ...rules];
    return { folder, app: path.relative(folder, app) || ".", rules: `${all.join("\n")}\n` };
}

/** The context of a build by the app's own Dockerfile: its folder, with Docker's own rules and no others. */
export function ownContext(app: string, dockerfile: string): BuildContext {
    const beside = readIfThere(path.join(app, `${dockerfile}.dockerignore`));
    return { folder: app, app: ".", rules: beside || readIfThere(path.join(app, ".dockerignore")) };
}

/** The files and links that a build may read, by their path in the context, in a stable order. */
export function contextFiles({ folder, rules }: BuildContext): string[] {
    const ignore = dockerignore({ ignorecase: false }).add(rules);
    const kept = rules.split("\n").filter((rule) => rule.startsWith("!"));
    /** Whether a rule takes something back in below a folder that is left out. */
    const mayHold = (below: string) =>
        kept.some((rule) => rule.startsWith(`!${below}/`) || /[*?[]/.test(rule.split("/")[0] ?? ""));
    const filesBelow = (below: string): string[] =>
        fs.readdirSync(path.join(folder, below), { withFileTypes: true }).flatMap((entry) => {
            const name = path.join(below, entry.name);
            const isIgnored = ignore.ignores(name);
            if (entry.isDirectory()) return isIgnored && !mayHold(name) ? [] : filesBelow(name);
            return !isIgnored && (entry.isFile() || entry.isSymbolicLink()) ? [name] : [];
        });
    return filesBelow("").sort();
}

/**
 * A hash of a Dockerfile's text and all files that its build may read: their names, what they hold, whether they can be run.
 */
export function contextHash(context: BuildContext, dockerfile: string): string {
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
