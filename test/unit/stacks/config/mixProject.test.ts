import { strict as assert } from "node:assert";
import * as path from "node:path";
import { type MixProject, parseMixProject, readMixProject } from "../../../../stacks/config/mixProject";

/** A mix.exs whose project is the keyword list given. */
const project = (list: string, rest = "") =>
    `defmodule A.MixProject do\n  use Mix.Project\n  @version "1.2.3"\n  def project do\n    [${list}]\n  end\n${rest}end\n`;

const a: Partial<MixProject> = { app: "a" };
const nothing: MixProject = {
    app: undefined,
    isUmbrella: false,
    releases: [],
    isWhole: true,
    defaultRelease: undefined,
    version: undefined,
    versions: {},
};
const cases: [name: string, source: string, expected: Partial<MixProject>][] = [
    [
        "a project that is computed",
        "def project, do: Keyword.merge(base(), app: :a, releases: [b: []])",
        { isWhole: false },
    ],
    [
        "a version that is written out",
        project('app: :my_app2, version: "1.2.3-rc.1", elixir: "~> 1.15", deps: []'),
        { app: "my_app2", version: "1.2.3-rc.1", releases: [] },
    ],
    ["a version in @version", project("app: :a, version: @version"), { ...a, version: "1.2.3" }],
    [
        "a project in one line",
        '@version "1.2.3"\ndef project, do: [app: :a, version: @version]',
        { ...a, version: "1.2.3" },
    ],
    ["a version that git tells", project('app: :a, version: System.cmd("git", ["describe"]) |> elem(0)'), a],
    ...[
        'File.read!("VERSION") |> String.trim()',
        'String.trim(File.read!("VERSION"))',
        '"VERSION" |> File.read!() |> String.trim',
        'String.trim_trailing(File.read!(Path.join(__DIR__, "VERSION")))',
        'String.trim(File.read!(Path.expand("VERSION", __DIR__)))',
        "version()",
        "version",
        "@from_file",
    ].map((spelled): (typeof cases)[number] => [
        `a version in a file, by ${spelled}`,
        project(
            `app: :a, version: ${spelled}`,
            `@from_file "VERSION"\n  |> File.read!()\n  |> String.trim()\n
             defp version() do
               # it has a line end
               version = File.read!("VERSION")
               @from_file
             end\n`,
        ),
        { ...a, version: "1.4.2" },
    ]),
    ["a version in a file that is not there", project('app: :a, version: File.read!("GONE")'), a],
    [
        "a version in pieces",
        project('app: :a, version: "#{@version}-" <> "rc" <> ".1"'),
        { ...a, version: "1.2.3-rc.1" },
    ],
    ["a version with a piece that is computed", project("app: :a, version: @version <> sha()"), a],
    ["a version by a condition", project('app: :a, version: if(ci?(), do: "1.0.0", else: "2.0.0")'), a],
    [
        "a version that calls itself",
        project("app: :a, version: one()", "defp one, do: two()\ndefp two, do: one()\n"),
        a,
    ],
    [
        "a version that is set twice, or by a function of several clauses",
        project(
            "app: :a, version: @v, releases: all()",
            '@v "1"\n@v "2"\ndefp all, do: [a: []]\ndefp all, do: [b: []]\n',
        ),
        { ...a, isWhole: false },
    ],
    [
        "releases in tuples",
        project("app: :a, releases: [{:cellar, cellar()}, {:bar, []}]"),
        { ...a, releases: ["cellar", "bar"], versions: { cellar: undefined } },
    ],
    [
        "releases in an attribute",
        project("app: :a, releases: @releases", "@releases [web: [], jobs: []]\n"),
        { ...a, releases: ["web", "jobs"] },
    ],
    [
        "releases of lists that are joined",
        project(
            "app: :a, releases: [web: []] ++ more() ++ @even_more",
            "defp more(), do: [jobs: []]\n@even_more [cron: []]\n",
        ),
        { ...a, releases: ["web", "jobs", "cron"] },
    ],
    [
        "releases of which some are computed",
        project("app: :a, releases: [web: []] ++ Enum.map(~w(a b)a, &{&1, []})"),
        { ...a, releases: ["web"], isWhole: false },
    ],
    [
        "releases with a name that is computed",
        project("app: :a, releases: [{name(), []}, web: []]"),
        { ...a, releases: ["web"], isWhole: false },
    ],
    [
        "releases by a condition",
        project("app: :a, releases: if(a?(), do: [web: []], else: [])"),
        { ...a, isWhole: false },
    ],
    [
        "releases by a condition in a function",
        project(
            "app: :a, releases: releases()",
            "defp releases do\n if Mix.env() == :prod do\n [web: []]\n else\n [jobs: []]\n end\nend\n",
        ),
        { ...a, isWhole: false },
    ],
    [
        "a project in a list that is joined",
        'def project do\n  [app: :a, version: "1.0.0"] ++ more()\nend\ndefp more, do: x()',
        { ...a, version: "1.0.0", isWhole: false },
    ],
    [
        "a project behind other expressions",
        'def project do\n  version = "1.0.0"\n  IO.puts("[no: 1]")\n\n  [\n    app: :a,\n    version: version\n  ]\nend',
        a,
    ],
    [
        "several releases, of which Mix takes one",
        project(
            "app: :a, default_release: :jobs, releases: [web: [], jobs: fn -> [a: 1, b: 2] end, cron: []]",
        ),
        {
            ...a,
            releases: ["web", "jobs", "cron"],
            defaultRelease: "jobs",
            versions: { jobs: undefined },
        },
    ],
    [
        "an umbrella",
        project('apps_path: "apps", version: @version, releases: [web: []]'),
        { isUmbrella: true, version: "1.2.3", releases: ["web"] },
    ],
    ["a list of releases that is a comment", project("app: :a,\n# releases: [b: []],\ndeps: []"), a],
    [
        "words in a heredoc and in a sigil",
        `@moduledoc """\n  def project, do: [app: :no, releases: [no: []]]\n"""\n@a ~S(def project, do: [app: :no])\n${project("app: :a")}`,
        a,
    ],
    [
        "one release, with lists inside",
        project(`app: :a,
         releases: [
           web: [
             include_executables_for: [:unix],
             applications: [runtime_tools: :permanent, logger: :permanent],
             steps: [:assemble, &tar(&1, level: 9)],
             cookie: "not: a key ] of the list"
           ]
         ],
         deps: deps()`),
        { ...a, releases: ["web"] },
    ],
    [
        "brackets and colons in a string",
        project('app: :a, releases: [web: [cookie: "] jobs: [", steps: []], api: [cookie: "]]"], last: []]'),
        { ...a, releases: ["web", "api", "last"] },
    ],
    [
        "two releases",
        project(
            "app: :a, releases: [web: [applications: [a: :permanent]], jobs: [config: {1, 2}]], aliases: [x: 1]",
        ),
        { ...a, releases: ["web", "jobs"] },
    ],
    ["no release in the list", project("app: :a, releases: [], deps: [b: 1]"), a],
    [
        "releases in a function",
        project(
            "app: :a, releases: releases()",
            "defp releases do\n  [\n    web: [a: 1],\n    jobs: []\n  ]\nend\n",
        ),
        { ...a, releases: ["web", "jobs"] },
    ],
    [
        "releases in a function with parentheses",
        project(
            "app: :a, releases: targets()",
            "def other, do: [no: []]\ndefp targets() do\n  [web: []]\nend\n",
        ),
        { ...a, releases: ["web"] },
    ],
    [
        "releases in a function in one line",
        project("app: :a, releases: releases()", "defp releases, do: [web: [a: 1]]\n"),
        { ...a, releases: ["web"] },
    ],
    [
        "comments",
        project(
            '# app: :no, version: "0.0.1", releases: [no: []]\napp: :a,\nreleases: [\n  # no: [],\n  web: [], # note: old\n]',
        ),
        { ...a, releases: ["web"] },
    ],
    [
        "an app and a version of something else inside",
        project(
            'deps: [{:b, app: :c, version: "9.9.9"}], app: :a, version: @version, releases: [web: [version: "8.8.8"]]',
        ),
        { app: "a", version: "1.2.3", releases: ["web"], versions: { web: "8.8.8" } },
    ],
    [
        "releases with versions of their own",
        project(
            `apps_path: "apps", version: "1.0.0", releases: releases()`,
            `defp releases do
               [
                 web: [applications: [web: :permanent], version: @version],
                 jobs: [version: {:from_app, :jobs}],
                 cron: [include_erts: true],
                 tools: [{key(), 1}],
                 admin: Keyword.put(base(), :quiet, true)
               ]
             end\n`,
        ),
        {
            isUmbrella: true,
            version: "1.0.0",
            releases: ["web", "jobs", "cron", "tools", "admin"],
            versions: { web: "1.2.3", jobs: undefined, tools: undefined, admin: undefined },
        },
    ],
];

describe("a mix.exs", () => {
    for (const [name, source, expected] of cases) {
        it(`with ${name}`, () => {
            const read = (file: string) => (path.normalize(file) === "VERSION" ? "1.4.2\n" : undefined);
            assert.deepEqual(parseMixProject(source, read), { ...nothing, ...expected });
        });
    }

    it("is read from its folder", () => {
        assert.deepEqual(readMixProject("examples/hello"), { ...nothing, app: "hello", version: "0.1.0" });
    });
});
