import { execFileSync } from "node:child_process";
import * as path from "node:path";
import { folderOf } from "./folder";

const PUBLIC = "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n";
const PRIVATE = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n";
const READS_ENV = 'import Config\nconfig :a, key: System.get_env("KEY")\n';
const LITERAL = 'import Config\nconfig :a, secret_key_base: "hunter2", key: System.get_env("KEY")\n';

/** What git does for an app: it tracks all files, it tracks mix.exs alone, or there is none. */
export type Tracking = "all" | "little" | "none";

/** What an app may have, when it is sent to the builder, and what it holds. */
const FILES: [name: string, isSent: Tracking[], text?: string][] = [
    ...[
        ...["mix.exs", "lib/a.ex", "lib/press/deps/b.ex", "lib/doc/c.ex", "lib/test/d.ex", "lib/shop.ez"],
        ...["docs/guide.md", "guides/docs/e.md", "priv/x/_build/f", "priv/templates/x/test/g_test.exs"],
        ...["priv/templates/node_modules/i.js", "assets/package.json", "apps/a/mix.exs", "installer/mix.exs"],
        ...["installer/test/t_test.exs", "priv/[a] b/x*?.txt"],
    ].map((name): [string, Tracking[]] => [name, ["all", "little", "none"]]),
    ["priv/keys/license.public.pem", ["all", "little", "none"], PUBLIC],
    ["priv/keys/[own] chain.key", ["all", "little", "none"], `${PUBLIC}-----BEGIN CERTIFICATE-----`],
    ["config/prod.secret.exs", ["all", "little", "none"], READS_ENV],
    ["config/dev.secret.exs", ["all", "little", "none"], `# secret_key_base: "x"\n${READS_ENV}`],
    ...[
        ...[
            "priv/static/assets/app.css",
            "priv/static/cache_manifest.json",
            "apps/a/priv/static/assets/z.css",
        ],
    ].map((name): [string, Tracking[]] => [name, ["all", "none"]]),
    ["priv/keys/both.pem", ["all"], `${PUBLIC}${PRIVATE}`],
    ["priv/keys/[own] key.pem", ["all"], PRIVATE],
    ["priv/id_rsa", ["all"], PRIVATE],
    ["priv/keys/raw.key", ["all"], "\u0001\u0002"],
    ["config/old.secret.exs", ["all"], LITERAL],
    ...[
        ...[
            ".env",
            ".env.example",
            ".envrc",
            "priv/.env.prod",
            "erl_crash.dump",
            "lib/.DS_Store",
            "tmp/.keep",
        ],
        ...["deps/foo/mix.exs", "deps/foo/lib/foo.ex", "deps/foo/.env", "doc/index.html", "cover/a.html"],
        ...["shop-1.0.0.ez", ".elixir_ls/x", "_build/prod/x", "assets/node_modules/x/i.js"],
        ...["apps/a/deps/y.ex", "apps/a/erl_crash.dump", "apps/a/.envrc", "apps/a/_build/x"],
    ].map((name): [string, Tracking[]] => [name, ["all"]]),
    ...["test/a_test.exs", "apps/a/test/b_test.exs", "Dockerfile", "Pulumi.prod.yaml", ".decanter/x"].map(
        (name): [string, Tracking[]] => [name, []],
    ),
    ["vendor/x/.git/HEAD", []],
];

/** An app with all that one may have, in a folder that who makes it removes. */
export function contextApp(tracking: Tracking): string {
    const folder = folderOf(Object.fromEntries(FILES.map(([name, , text = name]) => [name, text])));
    if (tracking === "none") return folder;
    const git = (...args: string[]) => execFileSync("git", ["-C", folder, ...args], { stdio: "pipe" });
    git("init", "--quiet");
    git("add", "--force", ...(tracking === "all" ? ["."] : ["mix.exs"]));
    return folder;
}

/** The files of the app that are sent to the builder, in order. */
export function sentFiles(tracking: Tracking): string[] {
    return FILES.filter(([, isSent]) => isSent.includes(tracking))
        .map(([name]) => name)
        .sort();
}

/** The mix projects of the app besides itself. */
export function projectsOf(app: string): string[] {
    return [path.join(app, "apps/a")];
}
