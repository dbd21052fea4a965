import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";
import { earlyFiles } from "../../../../stacks/config/earlyFiles";
import { folderOf } from "../../../support/folder";

/** Name, files of a folder, and what of it Mix reads early as the app in `app/` sees it. */
const cases: [name: string, files: Record<string, string>, expected: string[]][] = [
    [
        "mix.exs, mix.lock and config/, less what a release reads when it starts",
        {
            "app/mix.exs": "",
            "app/mix.lock": "",
            "app/.formatter.exs": "",
            "app/config/config.exs": "",
            "app/config/runtime.exs": "",
            "app/config/more/x.exs": "",
            "app/lib/a.ex": "",
        },
        ["config/config.exs", "config/more/x.exs", "mix.exs", "mix.lock"],
    ],
    [
        "files that mix.exs names, from the app's folder or its own",
        {
            "app/mix.exs": `Code.require_file "lib/a/version.ex", __DIR__
              @v File.read!("VERSION") # "NOTES"
              @p Path.expand("../SHARED", __DIR__) and "gone" and "lib" and "" and "/etc/passwd"`,
            "app/lib/a/version.ex": "",
            "app/lib/b.ex": "",
            "app/VERSION": "",
            "app/NOTES": "",
            SHARED: "",
            OTHER: "",
        },
        ["../SHARED", "VERSION", "lib/a/version.ex", "mix.exs"],
    ],
    [
        "what a script names that it names",
        {
            "app/mix.exs": 'Code.eval_file("mix/deps.exs")',
            "app/mix/deps.exs": 'Code.eval_file("deps.exs", __DIR__); "package.json"; "versions.json"',
            "app/mix/versions.json": "",
            "app/package.json": "",
        },
        ["mix.exs", "mix/deps.exs", "mix/versions.json", "package.json"],
    ],
    [
        "nothing that is for a package, its documentation, or another environment",
        {
            "app/mix.exs": `def project, do: [docs: [extras: ["README.md"]], package: package(), version: "VERSION"]
              defp package do
                [files: ~w(lib LICENSE mix.exs CHANGELOG*)]
              end
              defp deps, do: [{:a, System.get_env("A", "DEPS")}]`,
            "app/config/dev.exs": '"cert.pem"',
            "app/config/runtime.exs": '"README.md"',
            "app/config/prod.exs": '"words.txt"',
            "app/config/words.txt": "",
            "app/cert.pem": "",
            "app/README.md": "",
            "app/LICENSE": "",
            "app/CHANGELOG.md": "",
            "app/VERSION": "",
            "app/DEPS": "",
        },
        ["DEPS", "VERSION", "config/dev.exs", "config/prod.exs", "config/words.txt", "mix.exs"],
    ],
    [
        "the mix.exs and the configuration of an umbrella's apps, and no more of them",
        {
            "app/mix.exs": 'def project, do: [apps_path: "apps"]',
            "app/config/config.exs":
                'for config <- "../apps/*/config/config.exs" |> Path.wildcard(), do: import_config(config)',
            "app/apps/bar/mix.exs": '[deps: [{:foo, path: "../foo"}], version: File.read!("VERSION")]',
            "app/apps/bar/VERSION": "",
            "app/apps/bar/config/config.exs": "",
            "app/apps/bar/lib/bar.ex": "",
            "app/apps/foo/mix.exs": "",
            "app/apps/foo/config/runtime.exs": "",
            "app/apps/notes/README.md": "",
        },
        [
            "apps/bar/VERSION",
            "apps/bar/config/config.exs",
            "apps/bar/mix.exs",
            "apps/foo/mix.exs",
            "config/config.exs",
            "mix.exs",
        ],
    ],
    [
        "path dependencies as a whole, the outermost of them",
        {
            "app/mix.exs": `[{:cork, path: "libs/cork"}, {:shared, path: Path.join(__DIR__, "../shared")}, {:gone, path: "gone"}]
              # {:no, path: "libs/no"}`,
            "app/libs/cork/mix.exs": '[{:in, path: "inner"}, {:base, path: "../../../base"}]',
            "app/libs/cork/inner/mix.exs": 'File.read!("VERSION")',
            "app/libs/cork/inner/VERSION": "",
            "app/libs/no/mix.exs": "",
            "shared/mix.exs": "",
            "base/mix.exs": "",
        },
        ["../base", "../shared", "libs/cork", "mix.exs"],
    ],
    [
        "path dependencies that Mix does not build itself, and no other folders",
        {
            "app/mix.exs": `[deps: [{:cork, path: "libs/cork", manager: :rebar3}, {:icons, "~> 1.0", path: "../icons", compile: false}],
              releases: [app: [path: "../out"]], escript: [path: "bin"]]`,
            "app/libs/cork/rebar.config": "",
            "app/bin/run": "",
            "icons/a.svg": "",
            "out/a": "",
        },
        ["../icons", "libs/cork", "mix.exs"],
    ],
    ["an app that has nothing", { "app/lib/a.ex": "" }, []],
];

describe("the files that Mix reads before it compiles", () => {
    for (const [name, files, expected] of cases) {
        it(`are ${name}`, () => {
            const folder = folderOf(files);
            try {
                assert.deepEqual(earlyFiles(path.join(folder, "app")), expected);
            } finally {
                fs.rmSync(folder, { recursive: true });
            }
        });
    }

    it("are told of an app by a relative path", () => {
        assert.deepEqual(earlyFiles("examples/hello"), earlyFiles(path.resolve("examples/hello")));
    });
});
