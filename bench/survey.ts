import * as fs from "node:fs";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { type Survey, surveyed } from "./surveyed";

const USAGE = "usage: ./bench/survey [--markdown] FOLDER...";
/** Folders that hold the projects of others, or none that is deployed. */
const NOT_LOOKED_INTO = /^(\..*|_build|deps|node_modules|vendor|test|tests|fixtures|priv|examples?)$/;
const VERDICTS = {
    plain: "deploys as it is",
    settings: "needs settings",
    change: "needs a change in the app",
    none: "nothing to deploy",
};

function main(): number {
    const { values, positionals } = parseArgs({
        options: { markdown: { type: "boolean", default: false } },
        allowPositionals: true,
    });
    const missing = positionals.find((folder) => !fs.existsSync(folder));
    if (positionals.length === 0 || missing !== undefined) {
        console.error(missing === undefined ? USAGE : `bench/survey: there is no folder ${missing}`);
        return 2;
    }
    const surveys = positionals.flatMap(projectsIn).map(([name, folder]) => surveyed(name, folder));
    console.log(values.markdown ? table(surveys) : surveys.map(report).join("\n\n"));
    return 0;
}

/** The mix projects of a folder of projects: each by the name of its folder, and its own folder where it is not that one. */
function projectsIn(folder: string): [name: string, folder: string][] {
    if (isProject(folder)) return [[path.basename(path.resolve(folder)), folder]];
    return subfolders(folder).flatMap((name) => {
        const found = outermost(path.join(folder, name));
        if (found.length === 0) return [[name, path.join(folder, name)] satisfies [string, string]];
        return found.map((each): [string, string] => [path.relative(folder, each), each]);
    });
}

/** The mix projects of a repository that lie in no other. */
function outermost(folder: string, depth = 0): string[] {
    if (isProject(folder)) return [folder];
    if (depth > 3) return [];
    return subfolders(folder).flatMap((name) => outermost(path.join(folder, name), depth + 1));
}

function isProject(folder: string): boolean {
    return fs.existsSync(path.join(folder, "mix.exs"));
}

function subfolders(folder: string): string[] {
    return fs
        .readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !NOT_LOOKED_INTO.test(entry.name))
        .map(({ name }) => name)
        .sort();
}

/** What was found of a project, line by line. */
function report({ name, verdict, facts, needs, notes }: Survey): string {
    return [
        `${name}: ${VERDICTS[verdict]}`,
        ...facts.map(([what, value]) => `  ${what.padEnd(13)} ${value}`),
        ...needs.map(
            ({ why, remedy }) => `  needs         ${why}${remedy === undefined ? "" : `: ${remedy}`}`,
        ),
        ...notes.map((note) => `  note          ${note}`),
    ].join("\n");
}

/** One row a project, for a document. */
function table(surveys: Survey[]): string {
    const cell = (text: string) => text.replace(/\|/g, "\\|").replace(/\n/g, " ");
    const rows = surveys.map(({ name, verdict, facts, needs, notes }) => {
        const fact = new Map(facts);
        return [
            name,
            `${fact.get("release") ?? ""} ${fact.get("version") ?? ""}`,
            VERDICTS[verdict],
            [...needs.map(({ why, remedy }) => (remedy ? `${why} (\`${remedy}\`)` : why)), ...notes].join(
                "; ",
            ),
        ];
    });
    const header = ["app", "release", "verdict", "needs and notes"];
    return [header, header.map(() => "---"), ...rows]
        .map((row) => `| ${row.map(cell).join(" | ")} |`)
        .join("\n");
}

process.exit(main());
