import * as fs from "node:fs";
import * as path from "node:path";
import { endOfValue, nesting } from "../stacks/config/elixirSyntax";
import { type Token, tokens } from "../stacks/config/elixirTokens";
import { ElixirValues } from "../stacks/config/elixirValues";

/** What an app's files say of it, beside what a deploy reads itself. */
export interface AppSource {
    /** What is built of assets, a line each. */
    assets: string[];
    /** Folders with packages of JavaScript of which nothing is built, each with its package manager. */
    unbuilt: string[];
    /** Libraries by which it reaches databases. */
    databases: string[];
    /** Function that migrates, such as MyApp.Release.migrate. */
    migrator?: string;
    /** Paths of routes that look like health checks. */
    healthPaths: string[];
    /** Port that config/ writes out; undefined where it reads PORT, or has none. */
    port?: number;
    /** File of the configuration that the release reads when it starts; undefined where there is none. */
    runtime?: string;
    /** Names of variables that it does not do without, some perhaps by condition. */
    variables: string[];
    /** Names of variables that the configuration at build time does not do without. */
    buildVariables: string[];
    /** Names of variables that only the configuration at build time reads, so that the release has what the build had. */
    compiledIn: string[];
    /** Whether a release of mix.exs has no Erlang of its own. */
    lacksErlang: boolean;
    /** Files that config/ imports and that are not there. */
    absent: string[];
    builderPackages: string[];
    /** Packages that the app's own Dockerfile installs beside the release. */
    runtimePackages: string[];
    /** What fetching the dependencies takes. */
    credentials: { why: string; remedy: string }[];
    notes: string[];
}

const LOCKS = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "bun",
    "bun.lockb": "bun",
};
const DATABASES = /^(postgrex|myxql|tds|ecto_sqlite3|exqlite|ecto_ch|mongodb_driver)$/;
/** Ends of paths that look like health checks, the likelier before the others. */
const HEALTH = [
    /(^|\/)_?health([_-]?check|z|y)?$/,
    /\/(ready|readyz|readiness)$/,
    /\/(alive|livez|liveness|heartbeat)$/,
    /^\/(up|ping|status)$/,
    /\/ping$/,
];
const VERB = /^(get|head|match|forward)$/;
/** What every image has, or what only the build of an own Dockerfile takes. */
const NO_RUNTIME_PACKAGE =
    /^(libstdc\+\+6|openssl|libncurses[56]|libncursesw[56]|libssl\S*|locales|ca-certificates|tini|bash|curl|wget|tzdata|build-essential|git|npm|nodejs|gnupg\S*|apt-\S*|dumb-init|procps|\S+-dev)$/;

/**
 * Reads an app's files.
 *
 * @param app folder of the mix project
 * @param umbrella folders of its apps, if it is an umbrella
 */
export function readAppSource(app: string, umbrella: string[]): AppSource {
    const projects = [app, ...umbrella];
    const mixCode = projects.flatMap((folder) => tokensOf(path.join(folder, "mix.exs")));
    const names = dependencyNames(mixCode);
    // Mix reads an older name where the newer one is not there.
    const runtime = ["config/runtime.exs", "config/releases.exs"].find((file) =>
        fs.existsSync(path.join(app, file)),
    );
    const atStart = runtime === undefined ? "" : readIfThere(path.join(app, runtime));
    const atBuild = ["config.exs", "prod.exs"].map((name) => path.join(app, "config", name));
    const buildCode = atBuild.flatMap(tokensOf);
    const sources = projects.flatMap((folder) => filesBelow(path.join(folder, "lib"), /\.ex$/));
    const databases = [...new Set(names.filter((name) => DATABASES.test(name)))];
    return {
        ...assetsOf(app, projects),
        databases,
        migrator: sources.map(migratorOf).find((found) => found !== undefined),
        healthPaths: [...new Set(sources.flatMap(healthPathsOf))].sort(
            (a, b) => rank(a) - rank(b) || a.length - b.length,
        ),
        port: portOf([...(runtime === undefined ? [] : [path.join(app, runtime)]), ...atBuild]),
        runtime,
        variables: demanded(tokens(atStart)),
        buildVariables: demanded(buildCode),
        compiledIn: compiledIn(buildCode, atStart),
        lacksErlang: mixCode.some(
            ({ kind, text }, at) =>
                kind === "key" && text === "include_erts" && mixCode[at + 1]?.text === "false",
        ),
        absent: atBuild.flatMap((file) => absentImports(app, file)),
        builderPackages: hasCargo(projects, names) ? ["cargo"] : [],
        runtimePackages: runtimePackages(readIfThere(path.join(app, "Dockerfile"))),
        credentials: credentials(mixCode),
        notes: [
            ...(fs.existsSync(path.join(app, "Dockerfile"))
                ? ["it has a Dockerfile of its own, which the setting dockerfile takes instead"]
                : []),
            ...(databases.some((name) => /sqlite|exqlite/.test(name))
                ? ["it has SQLite: what it writes is lost with its container"]
                : []),
            ...(mixCode.some(({ kind, text }) => kind === "key" && text === "config_providers")
                ? ["it reads more configuration by config_providers, which its image has to have"]
                : []),
            ...(names.includes("distillery")
                ? ["it has Distillery, whose settings mix release does not read"]
                : []),
        ],
    };
}

/** What becomes of the assets of some projects. */
function assetsOf(app: string, projects: string[]): Pick<AppSource, "assets" | "unbuilt"> {
    const made = projects.filter(hasAssetsAlias);
    const packages = [...new Set(projects.flatMap((project) => [project, ...foldersIn(project)]))].filter(
        isPackage,
    );
    const isMade = (folder: string) => made.includes(path.dirname(folder)) || made.includes(app);
    const named = (folder: string) => `${path.relative(app, folder) || "."} (${managerOf(folder)})`;
    return {
        assets: [
            ...made.map((project) => `mix assets.deploy in ${path.relative(app, project) || "."}`),
            ...packages.filter(isMade).map((folder) => `packages in ${named(folder)}`),
        ],
        unbuilt: packages.filter((folder) => !isMade(folder)).map(named),
    };
}

function hasAssetsAlias(project: string): boolean {
    const mix = new ElixirValues(readIfThere(path.join(project, "mix.exs")), () => undefined).call("project");
    const aliases = mix.kind === "list" ? mix.pairs.get("aliases") : undefined;
    return aliases?.kind === "list" && aliases.pairs.has("assets.deploy");
}

function foldersIn(project: string): string[] {
    return fs
        .readdirSync(project, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !/^(node_modules|deps|test|vendor|\..*)$/.test(entry.name))
        .map((entry) => path.join(project, entry.name));
}

function isPackage(folder: string): boolean {
    return fs.existsSync(path.join(folder, "package.json"));
}

/** The package manager of a folder, by its lock file. */
function managerOf(folder: string): string {
    const locks = Object.entries(LOCKS).filter(([lock]) => fs.existsSync(path.join(folder, lock)));
    return locks.map(([lock, manager]) => `${manager} by ${lock}`).join(" or ") || "npm without a lock";
}

function dependencyNames(code: Token[]): string[] {
    return code.flatMap(({ kind, text }, at) =>
        kind === "atom" && code[at - 1]?.text === "{" && code[at + 1]?.text === "," ? [text] : [],
    );
}

/**
 * Names of variables without which code fails: System.fetch_env!("X"), env!("X") with a type and no default, and
 * System.get_env("X") || raise.
 */
function demanded(code: Token[]): string[] {
    const found = code.flatMap((token, at) => {
        const name = code[at + 2];
        if (
            token.kind !== "name" ||
            code[at + 1]?.text !== "(" ||
            !/^[A-Z][A-Z0-9_]+$/.test(name?.text ?? "")
        )
            return [];
        const after = code.slice(at + 3, at + 6).map(({ text }) => text);
        const first = endOfValue(code, at + 2);
        const second = endOfValue(code, first + 1);
        const isForced = /env!$/.test(token.text) && [first, second].some((end) => code[end]?.text === ")");
        const isRaised =
            token.text === "get_env" && after[0] === ")" && after[1] === "||" && after[2] === "raise";
        return isForced || isRaised ? [name?.text ?? ""] : [];
    });
    return [...new Set(found)];
}

/** Names of variables that the configuration at build time reads, and that of the start does not. */
function compiledIn(code: Token[], runtime: string): string[] {
    const names = code.flatMap(({ kind, text }, at) => {
        const name = code[at + 2];
        const isRead = kind === "name" && text === "get_env" && code[at + 1]?.text === "(";
        return isRead && name?.kind === "string" ? [name.text] : [];
    });
    return [...new Set(names)].filter((name) => !runtime.includes(`"${name}"`));
}

function absentImports(app: string, file: string): string[] {
    const code = tokensOf(file);
    return code.flatMap(({ kind, text }, at) => {
        const name = code.slice(at + 1, at + 3).find((token) => token.kind === "string");
        if (kind !== "name" || text !== "import_config" || name === undefined || name.inside.length > 0)
            return [];
        const imported = path.join(path.dirname(file), name.text);
        return imported.includes("*") || fs.existsSync(imported) ? [] : [path.relative(app, imported)];
    });
}

/** The port that the configuration for production writes out. */
function portOf(files: string[]): number | undefined {
    const text = files
        .map(readIfThere)
        .join("\n")
        .replace(/^\s*#.*$/gm, "");
    if (/"PORT"/.test(text)) return undefined;
    const ports = [...text.matchAll(/\bhttp: *\[[^\]]*?\bport: *(\d{2,5})\b/g)].map(([, port]) =>
        Number(port),
    );
    return ports.find((port) => port !== 80 && port !== 443);
}

/** The function of a file that calls Ecto.Migrator for all, by its full name. */
function migratorOf(file: string): string | undefined {
    const text = readIfThere(file);
    if (
        !/Ecto\.Migrator/.test(text) ||
        !/^\s*def migrate\b(?!\()|^\s*def migrate\((\w+ *\\\\[^,)]*)?\)/m.test(text)
    )
        return undefined;
    const module = /^\s*defmodule ([\w.]+)/m.exec(text)?.[1];
    return module === undefined ? undefined : `${module}.migrate`;
}

/** The paths of a file's routes, and of plugs that look at the path themselves, that look like health checks. */
function healthPathsOf(file: string): string[] {
    const text = readIfThere(file);
    if (
        !/["/](_?health|alive|live|ready|ping|status|heartbeat|up)/.test(text) ||
        !/Router|Plug|Endpoint/.test(text)
    )
        return [];
    const code = tokens(text);
    const scopes: string[] = [];
    let next = "";
    const found: string[] = [];
    code.forEach((token, at) => {
        const string = code.slice(at + 1, at + 3).find(({ kind }) => kind === "string");
        if (token.kind === "name" && token.text === "scope") next = string?.text ?? "";
        const depth = token.kind === "name" ? nesting(token) : 0;
        if (depth > 0) {
            scopes.push(next);
            next = "";
        }
        if (depth < 0) scopes.pop();
        const isFirst = string !== undefined && (code[at + 1] === string || code[at + 1]?.text === "(");
        // Map.get is no route.
        const isRoute =
            token.kind === "name" && VERB.test(token.text) && isFirst && code[at - 1]?.text !== ".";
        const isPlug =
            token.kind === "key" &&
            /^(request_path|path|at)$/.test(token.text) &&
            code[at + 1] === string &&
            string?.text.startsWith("/");
        const isSegment =
            token.kind === "key" &&
            token.text === "path_info" &&
            code[at + 1]?.text === "[" &&
            code[at + 3]?.text === "]";
        if (string === undefined || string.inside.length > 0) return;
        const full = path.posix.join("/", ...(isRoute ? scopes : []), string.text).replace(/(.)\/$/, "$1");
        if ((isRoute || isPlug || isSegment) && rank(full) < HEALTH.length && !full.includes(":"))
            found.push(full);
    });
    return found;
}

function rank(route: string): number {
    const at = HEALTH.findIndex((pattern) => pattern.test(route));
    return at < 0 ? HEALTH.length : at;
}

function hasCargo(projects: string[], names: string[]): boolean {
    const precompiled = names.includes("rustler_precompiled");
    return (
        !precompiled &&
        projects.some((folder) => filesBelow(path.join(folder, "native"), /^Cargo\.toml$/).length > 0)
    );
}

/** The Debian packages of a Dockerfile's last stage that an app may call. */
function runtimePackages(dockerfile: string): string[] {
    const code = dockerfile.replace(/^\s*#.*\n/gm, "").replace(/\\\n/g, " ");
    const last = code.split(/^FROM /m).at(-1) ?? "";
    const installs = last.matchAll(/\bapt(?:-get)?\b[^&;|\n]*\binstall\b([^&;|\n]*)/g);
    const names = [...installs].flatMap(([, list = ""]) => list.split(/\s+/));
    return [...new Set(names)].filter(
        (name) => /^[a-z0-9][a-z0-9.+-]+$/.test(name) && !NO_RUNTIME_PACKAGE.test(name),
    );
}

function credentials(code: Token[]): AppSource["credentials"] {
    const isKey = (names: RegExp) => code.some(({ kind, text }) => kind === "key" && names.test(text));
    const isText = (pattern: RegExp) =>
        code.some(({ kind, text }) => kind === "string" && pattern.test(text));
    return [
        ...(isKey(/^organization$/)
            ? [
                  {
                      why: "it has private Hex packages",
                      remedy: "pulumi config set prepareDeps 'mix hex.organization auth ORGANIZATION --key $HEX_KEY'",
                  },
              ]
            : []),
        ...(isText(/^(git@|ssh:\/\/)/)
            ? [
                  {
                      why: "it has dependencies by ssh",
                      remedy: "pulumi config set --secret --path buildSecrets.GIT_SSH_KEY KEY",
                  },
              ]
            : []),
    ];
}

function tokensOf(file: string): Token[] {
    return tokens(readIfThere(file));
}

function filesBelow(folder: string, name: RegExp, except = /^$/): string[] {
    if (!fs.existsSync(folder)) return [];
    return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        if (entry.isDirectory())
            return except.test(entry.name) ? [] : filesBelow(path.join(folder, entry.name), name, except);
        return entry.isFile() && name.test(entry.name) ? [path.join(folder, entry.name)] : [];
    });
}

function readIfThere(file: string): string {
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
}
