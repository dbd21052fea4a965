import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { type Survey, surveyed } from "../../bench/surveyed";
import { folderOf } from "../support/folder";
import { mockPulumi } from "../support/mockPulumi";

const mix = (list: string, application = "mod: {A, []}") =>
    `def project, do: [${list}]\ndef application, do: [${application}]`;
const shop = mix('app: :shop, version: "1.0.0"');
const health = 'use Phoenix.Router\nscope "/" do\n get "/health", A, :b\nend';
const plain = { "mix.exs": shop, "lib/router.ex": health };

/** The commands that set what an app needs; "change" where only a change of the app helps. */
const cases: [name: string, files: Record<string, string>, verdict: Survey["verdict"], needs: string[]][] = [
    ["an app that has everything", plain, "plain", []],
    ["a folder without a mix.exs", { "README.md": "" }, "none", []],
    ["a library", { "mix.exs": mix('app: :a, version: "1.0.0"', "extra_applications: []") }, "none", []],
    [
        "a package for others",
        { "mix.exs": mix('app: :a, version: "1.0.0", package: [licenses: ["MIT"]]') },
        "none",
        [],
    ],
    ["an umbrella without releases", { "mix.exs": mix('apps_path: "apps"', "") }, "change", ["change"]],
    [
        "several releases, of which the first is taken for the rest of the survey",
        {
            "mix.exs": mix('app: :shop, version: "1.0.0", releases: [web: [], jobs: []]'),
            "lib/shop/release.ex":
                "defmodule Shop.Release do\n  def migrate do\n    Ecto.Migrator.run()\n  end\nend",
            "lib/router.ex": health,
        },
        "settings",
        [
            "pulumi config set release web",
            `pulumi config set migrate "bin/web eval 'Shop.Release.migrate()'"`,
        ],
    ],
    [
        "a health check in a scope, the likeliest of several",
        {
            ...plain,
            "lib/router.ex":
                'use Phoenix.Router\nscope "/api", A do\n pipe_through :a\n get("/ping", A, :b)\n get "/healthz", A, :b\nend\nget "/users/:id/status", A, :b',
        },
        "settings",
        ["pulumi config set healthPath /api/healthz"],
    ],
    [
        "a plug that answers by itself",
        { ...plain, "lib/router.ex": 'def call(%Plug.Conn{request_path: "/up"}, _), do: :ok' },
        "settings",
        ["pulumi config set healthPath /up"],
    ],
    [
        "a health check at the root of its scope, and no route of that name elsewhere",
        {
            ...plain,
            "lib/event.ex": 'defmodule A.Plug do\n def b(c), do: c |> Map.get("status", 1)\nend',
            "lib/router.ex": 'use Phoenix.Router\nscope "/health" do\n get "/", A, :b\nend',
        },
        "plain",
        [],
    ],
    [
        "a plug that looks at the parts of the path",
        { ...plain, "lib/router.ex": 'def call(%Plug.Conn{path_info: ["status"]}, _), do: :ok' },
        "settings",
        ["pulumi config set healthPath /status"],
    ],
    [
        "a migration that takes options, and more variables than the first argument",
        {
            ...plain,
            "lib/shop/tasks.ex":
                "defmodule Shop.Tasks do\n  def migrate(opts \\\\ []) do\n    Ecto.Migrator.run(opts)\n  end\nend",
            "config/runtime.exs":
                'a = Util.fetch_env!("DB_HOST", all: "localhost")\nb = env!("SIZE", :integer, 10)',
        },
        "settings",
        [
            "pulumi config set --secret --path secrets.NAME VALUE",
            `pulumi config set migrate "bin/shop eval 'Shop.Tasks.migrate()'"`,
        ],
    ],
    [
        "a release without Erlang, and a secret that the build reads",
        {
            ...plain,
            "mix.exs": mix('app: :shop, version: "1.0.0", releases: [shop: [include_erts: false]]'),
            "config/prod.exs":
                'config :shop, key: System.get_env("SECRET_KEY_BASE"), b: System.get_env("MAYBE")',
        },
        "change",
        ["change", "change"],
    ],
    [
        "a package for others that is deployed too",
        {
            ...plain,
            "mix.exs": mix('app: :shop, version: "1.0.0", package: [licenses: ["MIT"]]'),
            "fly.toml": "",
        },
        "plain",
        [],
    ],
    [
        "no health check",
        { "mix.exs": shop, "lib/router.ex": 'use Phoenix.Router\nget "/", A, :b' },
        "settings",
        ["pulumi config set healthPath /"],
    ],
    [
        "variables that the release wants, but for those that it gets anyway",
        {
            ...plain,
            "config/runtime.exs": `import Config
              # System.fetch_env!("COMMENT")
              config :a, b: System.fetch_env!("MAIL_KEY"), c: System.get_env("MAYBE"), d: System.get_env("E", "F")
              url = System.get_env("DATABASE_URL") || raise "none"
              key = System.fetch_env!("SECRET_KEY_BASE") <> System.fetch_env!("PORT")`,
        },
        "settings",
        ["pulumi config set --secret --path secrets.NAME VALUE"],
    ],
    [
        "variables at build time, and a file that is not there",
        {
            ...plain,
            "config/config.exs": 'import_config "#{config_env()}.exs"\nkey = System.fetch_env!("MAP_KEY")',
            "config/prod.exs": 'import_config "prod.secret.exs"',
        },
        "change",
        ["change", "pulumi config set --path buildEnv.NAME VALUE"],
    ],
    [
        "a port of its own",
        { ...plain, "config/prod.exs": "config :a, A.Endpoint, http: [ip: {0, 0, 0, 0}, port: 8000]" },
        "settings",
        ["pulumi config set port 8000"],
    ],
    [
        "assets without an alias",
        { ...plain, "assets/package.json": "{}", "assets/yarn.lock": "" },
        "settings",
        ["pulumi config set assets COMMAND"],
    ],
    [
        "assets with one",
        {
            ...plain,
            "mix.exs": `${mix('app: :shop, version: "1.0.0", aliases: aliases()')}\ndefp aliases, do: ["assets.deploy": ["phx.digest"]]`,
            "assets/package.json": "{}",
        },
        "plain",
        [],
    ],
    [
        "a NIF in Rust, and programs that its Dockerfile installs",
        {
            ...plain,
            "native/nif/Cargo.toml": "",
            Dockerfile:
                "FROM a AS build\nRUN apt-get install -y nodejs rustc\nFROM b\n# apt-get install -y no\nRUN apt-get update && apt-get install -y \\\n  openssl imagemagick libncurses6 && rm -rf /tmp\n",
        },
        "settings",
        [
            "pulumi config set --path 'builderPackages[0]' NAME",
            "pulumi config set --path 'runtimePackages[0]' NAME",
        ],
    ],
    [
        "a version that no image has, whatever else the refusal says",
        { ...plain, ".tool-versions": "elixir 1.20-otp-29\nerlang 29\n" },
        "settings",
        ["pulumi config set builderImage registry.example/image:tag"],
    ],
    [
        "private dependencies",
        {
            ...plain,
            "mix.exs": `${shop}\ndefp deps, do: [{:a, "~> 1.0", organization: "acme"}, {:b, git: "git@example.com:b.git"}]`,
        },
        "settings",
        [
            "pulumi config set prepareDeps 'mix hex.organization auth ORGANIZATION --key $HEX_KEY'",
            "pulumi config set --secret --path buildSecrets.GIT_SSH_KEY KEY",
        ],
    ],
];

describe("the survey", () => {
    // Its settings are of a stack, and a test of a different file may have left one with a name that is refused.
    before(() => mockPulumi());

    const folders: string[] = [];
    const made = (files: Record<string, string>) => {
        const folder = folderOf(files);
        folders.push(folder);
        return folder;
    };
    after(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true })));

    for (const [name, files, verdict, needs] of cases) {
        it(`tells what ${name} needs`, () => {
            const survey = surveyed("shop", made(files));
            assert.deepEqual(
                [survey.verdict, survey.needs.map(({ remedy }) => remedy ?? "change")],
                [verdict, needs],
                JSON.stringify(survey, undefined, 2),
            );
        });
    }

    it("names what it has read", () => {
        const app = made({
            ...plain,
            "mix.exs": `${shop}\ndefp deps, do: [{:postgrex, ">= 0.0.0"}, {:cork, path: "cork"}]`,
            "rel/overlays/bin/migrate": "",
            "cork/mix.exs": "",
            ".tool-versions": "erlang 27.3.4\nelixir 1.18.3-otp-27\n",
        });
        const facts = new Map(surveyed("shop", app).facts);
        assert.equal(facts.get("release"), "shop");
        assert.equal(facts.get("version"), "1.0.0");
        assert.match(facts.get("builder") ?? "", /^1\.18\.3-erlang-27\.3\.4-debian-/);
        assert.equal(facts.get("database"), "postgrex");
        assert.equal(facts.get("migration"), "bin/migrate");
        assert.equal(facts.get("health"), "/health");
        assert.equal(facts.get("beside"), "cork");
        assert.match(facts.get("sent") ?? "", /^5 files, /);
    });

    it("finds the mix projects of a folder, and those in a folder of a repository", () => {
        const folder = made({
            "one/mix.exs": shop,
            "one/lib/router.ex": health,
            "two/backend/mix.exs": shop,
            "two/backend/deps/a/mix.exs": "",
            "two/assets/package.json": "{}",
            "three/README.md": "",
        });
        const run = spawnSync(path.resolve("bench/survey"), ["."], { cwd: folder, encoding: "utf8" });
        assert.equal(run.status, 0, run.stderr);
        const verdicts = run.stdout.split("\n").filter((line) => /^\w/.test(line));
        assert.deepEqual(verdicts, [
            "one: deploys as it is",
            "three: nothing to deploy",
            "two/backend: needs settings",
        ]);
        const table = spawnSync(path.resolve("bench/survey"), ["--markdown", path.join(folder, "one")], {
            encoding: "utf8",
        });
        assert.match(table.stdout, /^\| one \| shop 1\.0\.0 \| deploys as it is \|/m);
        const missing = spawnSync(path.resolve("bench/survey"), ["gone"], { cwd: folder, encoding: "utf8" });
        assert.equal(missing.status, 2);
        assert.match(missing.stderr, /^bench\/survey: there is no folder .*\/gone$/m);
    }).timeout(120_000);
});
