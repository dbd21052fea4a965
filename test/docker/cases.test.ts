import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { dockerCli } from "../../components/docker/dockerCli";
import { FixtureApp, stepsThatRan, textsIn } from "../support/fixtureApp";

/** What the steps of a build say of what they have done and left out. */
function notesOf(output: string): string[] {
    return [...output.matchAll(/^#\d+ [\d.]+ decanter: (.*)$/gm)].map(([, note = ""]) => note.trimEnd());
}

describe("the image of an unusual app", function () {
    this.timeout(300_000);

    const apps: FixtureApp[] = [];
    const newApp = (name: string, release: string) => {
        const app = new FixtureApp(name, release);
        apps.push(app);
        return app;
    };
    before(() => {
        if (process.env.DECANTER_STAND_INS !== undefined)
            execFileSync("./bin/make-base-images", ["node"], { stdio: "pipe" });
    });
    after(() => Promise.all(apps.map((app) => app.remove())));

    const node = { NODE: "image", NODE_IMAGE: FixtureApp.nodeImage };

    describe("whose mix.exs and config/ read other files", () => {
        const given = {
            args: { BUILD_ENV: "export GIT_SHA='0123'\n" },
            secrets: { MAP_KEY: "canary-riesling" },
        };
        const labels = "# Reader of labels|canary-riesling|0123|";
        let app: FixtureApp;
        before(() => {
            app = newApp("reader", "evening");
        });

        it("has them at each step, with the variables of the build, and compiles dependencies once", async () => {
            assert.deepEqual(notesOf(await app.build({ ...given, stage: "builder" })), []);
            app.write("lib/reader/wine.ex", `defmodule Reader.Wine do\n  # ${Date.now()}\nend\n`);
            const output = await app.build(given);
            assert.deepEqual(
                [stepsThatRan(output), notesOf(output)],
                [["compile_code", "build_release"], []],
            );
            const version = "to_string(Application.spec(:reader, :vsn))";
            assert.equal(
                await app.eval(`IO.puts(Reader.read() <> "|" <> ${version})`),
                `${labels}natural|1.0.0-rc.1+build.5\n`,
            );
        });

        it("has no secret of the build that the code does not keep, and no variable in its history", async () => {
            const { stdout } = await dockerCli(undefined, ["history", "--no-trunc", app.image]);
            assert.doesNotMatch(stdout, /canary|GIT_SHA/);
            app.write("lib/reader.ex", 'defmodule Reader do\n  def read, do: "white"\nend\n');
            app.replace(
                "config/config.exs",
                'key: System.fetch_env!("MAP_KEY")',
                'key: is_binary(System.fetch_env!("MAP_KEY"))',
            );
            await app.build({ ...given, stage: "builder" });
            const texts = ["canary-riesling", "defmodule Cork do"];
            assert.deepEqual(textsIn(app.stage("builder"), texts), ["defmodule Cork do"]);
        });

        it("has the app alone in the layer of the app, and neither the tarball of the step :tar nor a cookie", async () => {
            const inLayer = async (layer: string) =>
                (
                    await dockerCli(undefined, [
                        "run",
                        "--rm",
                        app.stage("builder"),
                        "sh",
                        "-c",
                        `cd /layers/${layer}/app && ls . lib`,
                    ])
                ).stdout;
            assert.match(await inLayer("app"), /^bin\nlib\nreleases\n\nlib:\n/m);
            assert.match(await inLayer("app"), /lib:\nreader-1\.0\.0-rc\.1\+build\.5\n$/);
            assert.match(await inLayer("deps"), /lib:\ncork-1\.0\.0\n$/);
            const find = "find / -xdev \\( -iname '*cookie*' -o -name '*.tar.gz' \\) -not -path '/proc/*'";
            assert.equal(
                (await dockerCli(undefined, ["run", "--rm", app.image, "sh", "-c", find])).stdout,
                "",
            );
        });

        it("is built with the configuration that the code gives its dependencies", async () => {
            const config = "test/apps/reader/config/config.exs";
            const more = '\nif File.exists?("lib/" <> "reader.ex"), do: config(:cork, kind: "waxed")\n';
            app.write("config/config.exs", fs.readFileSync(config, "utf8") + more);
            app.write("lib/reader.ex", fs.readFileSync("test/apps/reader/lib/reader.ex", "utf8"));
            assert.match(notesOf(await app.build(given)).join(), /^with the code, Mix has/);
            assert.equal(await app.eval("IO.puts(Reader.read())"), `${labels}waxed\n`);
        });

        it("is built where mix.exs reads the code, git, and the assets by names that nobody can foresee", async () => {
            app.write("assets/vintage.txt", "1982\n");
            app.replace(
                "mix.exs",
                "  defp deps, do:",
                '  _ = File.read!(Enum.join(["lib", "reader.ex"], "/"))\n' +
                    '  _ = File.read!(Enum.join(["assets", "vintage.txt"], "/"))\n' +
                    '  {_, 0} = System.cmd("git", ["rev-parse", "HEAD"])\n\n  defp deps, do:',
            );
            execFileSync("git", ["init", "-q"], { cwd: app.folder });
            const author = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
            execFileSync("git", [...author, "commit", "-q", "--allow-empty", "-m", "one"], {
                cwd: app.folder,
            });
            const notes = notesOf(await app.build(given));
            assert.match(
                notes.join("\n"),
                /^Mix needs more files .*\nthe code cannot be compiled without assets\/ and rel\//,
            );
            assert.equal(await app.eval("IO.puts(Reader.read())"), `${labels}waxed\n`);
        });

        it("says what Mix says where there is no such release", async () => {
            const said = await app.fail({ ...given, args: { ...given.args, RELEASE: "morning" } });
            assert.match(said, /there is no release morning: mix\.exs lists evening/);
        });
    });

    it("takes nothing from the cache of another app of the same name on the same host", async () => {
        const own = newApp("reader", "evening");
        const other = newApp("reader", "evening");
        const given = {
            args: { BUILD_ENV: "export GIT_SHA='0123'\n" },
            secrets: { MAP_KEY: `a${Date.now()}` },
        };
        other.replace("libs/cork/lib/cork.ex", "natural", "plastic");
        // Of the other's name, version and configuration, and with files that look older.
        for (const file of ["lib/cork.ex", "mix.exs"])
            fs.utimesSync(path.join(other.folder, "libs/cork", file), 0, 0);
        fs.rmSync(path.join(other.folder, "libs/cork/installer"), { recursive: true });
        for (const [app, kind] of [
            [own, "natural"],
            [other, "plastic"],
            [own, "natural"],
        ] as const) {
            // No layer is cached.
            app.write("libs/cork/lib/vintage.ex", `# ${Date.now()}\n`);
            await app.build(given);
            assert.match(await app.eval("IO.puts(Reader.read())"), new RegExp(`\\|${kind}\n$`));
        }
    });

    it("has the assets of each app of an umbrella, by the package manager of its lock", async () => {
        const app = newApp("estate", "estate");
        const notes = notesOf(await app.build({ args: node }));
        const folders = ["red", "rose", "white"].map((name) => `apps/${name}_web`);
        assert.deepEqual(
            notes,
            folders.map((folder) => `assets: made by mix assets.deploy in ${folder}`),
        );
        assert.equal(
            await app.eval("for m <- [RedWeb, RoseWeb, WhiteWeb], do: IO.puts(m.label())"),
            "under foil of red\nunder foil of rose\nunder foil of white\n",
        );
    });

    it("says that nothing was made of a package.json, and makes it by a command, or nothing", async () => {
        const app = newApp("assets", "label");
        app.write(
            "package.json",
            '{ "scripts": { "deploy": "mkdir -p priv/static && echo Merlot > priv/static/label.txt" } }\n',
        );
        const mix = fs.readFileSync("test/apps/assets/mix.exs", "utf8");
        app.write("mix.exs", mix.replace(/aliases: .*/, "aliases: []"));
        assert.match(
            notesOf(await app.build({ args: node })).join(),
            /^assets: nothing was made of package\.json, as mix\.exs has no alias assets\.deploy: the setting assets names/,
        );
        await app.build({ args: { ...node, ASSETS: "npm run deploy" } });
        assert.equal(await app.eval("IO.write(Label.text())"), "Merlot\n");
        app.write("mix.exs", mix);
        const output = await app.build({ args: { ...node, ASSETS: "none" } });
        assert.deepEqual(notesOf(output), ["assets: none were made, as the setting says"]);
    });
});
