import { strict as assert } from "node:assert";
import { type MixProject, parseMixProject, readMixProject } from "../../stacks/mixProject";

/** A mix.exs whose project is the keyword list given. */
const project = (list: string, rest = "") =>
    `defmodule A.MixProject do\n  use Mix.Project\n  @version "1.2.3"\n  def project do\n    [${list}]\n  end\n${rest}end\n`;

const a = { app: "a", version: undefined, releases: [] };
const cases: [name: string, source: string, expected: MixProject][] = [
    ["nothing", "", { app: undefined, version: undefined, releases: [] }],
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
    ["a version that is computed", project('app: :a, version: File.read!("VERSION")'), a],
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
        { app: "a", version: "1.2.3", releases: ["web"] },
    ],
];

describe("a mix.exs", () => {
    for (const [name, source, expected] of cases) {
        it(`with ${name}`, () => assert.deepEqual(parseMixProject(source), expected));
    }

    it("is read from its folder", () => {
        assert.deepEqual(readMixProject("examples/hello"), { app: "hello", version: "0.1.0", releases: [] });
    });
});
