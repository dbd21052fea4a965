import * as fs from "node:fs";
import * as path from "node:path";
import { mayHoldSecret, SECRET_NAMES } from "./secretFile";

/** At the root of each mix project: what Mix, its editors and a crash leave there. */
const LEFT_BY_TOOLS = "_build deps cover doc tmp .elixir_ls .lexical .expert *.ez".split(" ");
/** At the root of each mix project in a repository: what a build of the assets leaves there. */
const BUILT_ASSETS = ["priv/static/assets", "priv/static/cache_manifest.json"];
/** At the root of each mix project, and not taken back by git: no release has a use for it. */
const NO_PART = ["test", "Dockerfile", ".dockerignore", ".decanter", "Pulumi*.yaml"];
/** Anywhere. */
const JUNK_OR_SECRET = [".git", ".DS_Store", "erl_crash.dump", ...SECRET_NAMES];
const isJunkOrSecret = nameIs(JUNK_OR_SECRET);
const isSecret = nameIs(SECRET_NAMES);

/** What is known of a build's files when its rules are made. All paths are relative to the context. */
export interface ContextFacts {
    /** Folder that is the context. */
    folder: string;
    /** Folders that are sent; "" is all of the context. */
    sent: string[];
    /** Folders of the mix projects in it; "" is the context itself. */
    projects: string[];
    /** Files that git tracks; none where git does not tell. */
    tracked: Set<string>;
}

/**
 * What is left out of a context where nobody says otherwise, in the words of a .dockerignore. Each pattern stands before the
 * paths that are taken back from it, so a secret that appears later is left out.
 */
export function contextRules(facts: ContextFacts): string[] {
    const { folder, sent, projects, tracked } = facts;
    const inEach = (roots: string[], names: string[]) =>
        roots.flatMap((root) => names.map((name) => path.posix.join(escaped(root), name)));
    const repositories = sent.filter((each) => tracked.has(path.posix.join(each, "mix.exs")));
    const inRepository = projects.filter((root) =>
        repositories.some((each) => each === "" || `${root}/`.startsWith(`${each}/`)),
    );
    const leftByTools = [
        ...inEach(projects, LEFT_BY_TOOLS),
        ...inEach(inRepository, BUILT_ASSETS),
        "**/node_modules",
    ];
    const noPart = inEach(projects, NO_PART);
    const isLeftOut = pathIs([...leftByTools, ...noPart]);
    const inTheWay = pathIs(leftByTools);
    const { harmless, modules } = survey(folder, sent, isLeftOut);
    const kept = [...[...tracked].filter(isJunkOrSecret), ...harmless];
    return [
        ...leftByTools,
        ...[...wholeFolders(folder, [...tracked].filter(inTheWay)), ...modules].map(takenBack),
        ...JUNK_OR_SECRET.map((name) => `**/${name}`),
        ...[...new Set(kept)].sort().map(takenBack),
        ...noPart,
    ];
}

/** What can be told by looking: secrets by name that hold none, and folders node_modules without a package.json beside them. */
function survey(folder: string, sent: string[], isLeftOut: (name: string) => boolean) {
    const harmless: string[] = [];
    const modules: string[] = [];
    const visit = (below: string) => {
        const entries = fs.readdirSync(path.join(folder, below), { withFileTypes: true });
        for (const entry of entries) {
            const name = path.posix.join(below, entry.name);
            const isFolder = entry.isDirectory();
            if (
                entry.name === "node_modules" &&
                isFolder &&
                !entries.some((each) => each.name === "package.json")
            ) {
                modules.push(name);
            }
            if (isFolder && entry.name !== ".git" && !isLeftOut(name)) visit(name);
            if (entry.isFile() && isSecret(name) && !mayHoldSecret(path.join(folder, name)))
                harmless.push(name);
        }
    };
    [...new Set(sent)].forEach(visit);
    return { harmless, modules };
}

/** Some files as folders, where these hold no others, and as files elsewhere. */
function wholeFolders(folder: string, files: string[]): string[] {
    const all = new Set(files);
    const above = new Set<string>();
    for (const file of files) {
        for (
            let dir = path.posix.dirname(file);
            dir !== "." && !above.has(dir);
            dir = path.posix.dirname(dir)
        )
            above.add(dir);
    }
    const visit = (below: string): string[] | true => {
        let isWhole = true;
        const found: string[] = [];
        for (const entry of fs.readdirSync(path.join(folder, below), { withFileTypes: true })) {
            const name = path.posix.join(below, entry.name);
            if (isJunkOrSecret(name)) continue;
            const inside = entry.isDirectory() && above.has(name) ? visit(name) : all.has(name);
            if (inside !== true) isWhole = false;
            found.push(...(inside === true ? [name] : inside || []));
        }
        return isWhole || found;
    };
    const found = all.size > 0 ? visit("") : [];
    return found === true ? [] : found;
}

function takenBack(name: string): string {
    return `!${escaped(name)}`;
}

/** A path as a pattern that matches it alone. */
function escaped(name: string): string {
    return name.replace(/[\\*?[\]]/g, "\\$&");
}

/** Tells whether the last part of a path is one of some names, in which * is any part. */
function nameIs(names: string[]): (name: string) => boolean {
    const pattern = new RegExp(`(^|/)(${names.map(spelled).join("|")})$`);
    return (name) => pattern.test(name);
}

/** Tells whether a path is matched by one of some rules, or below what is. */
function pathIs(rules: string[]): (name: string) => boolean {
    const pattern = new RegExp(
        `^(${rules.map((rule) => spelled(rule).replace("[^/]*[^/]*/", "(.*/)?")).join("|")})(/|$)`,
    );
    return (name) => pattern.test(name);
}

/** A rule as a regular expression. */
function spelled(rule: string): string {
    return rule.replace(/\\(.)|[.+^$(){}|*]/g, (found, literal?: string) =>
        found === "*" ? "[^/]*" : `\\${literal ?? found}`,
    );
}
