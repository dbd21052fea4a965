import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { type BuildContext, buildContext, contextFiles } from "../../components/image/buildContext";
import { buildImage } from "../../components/image/buildImage";
import { App } from "../support/app";
import { contextApp, projectsOf, sentFiles } from "../support/contextApp";
import { confined, stepsThatRan } from "../support/fixtureApp";

describe("the image of a release", function () {
    this.timeout(300_000);

    const tag = `decanter-image-test-${process.pid}`;
    const apps: App[] = [];
    const newApp = () => {
        const app = new App();
        apps.push(app);
        return app;
    };
    const build = (app: App) => buildImage(new DockerHost(), app.build(), ["--progress=plain", "-t", tag]);
    const run = async (...command: string[]) => {
        const result = await dockerCli(undefined, ["run", "--rm", ...confined, tag, ...command]);
        assert.equal(result.code, 0, result.output);
        return result.stdout;
    };
    after(async () => {
        for (const app of apps) app.remove();
        await dockerCli(undefined, ["rmi", "-f", tag]);
    });

    it("needs nothing but mix.exs and lib/", async () => {
        const app = newApp();
        for (const name of ["config", "rel", ".formatter.exs", "README.md"]) {
            fs.rmSync(path.join(app.folder, name), { recursive: true, force: true });
        }
        const { code, output } = await build(app);
        assert.equal(code, 0, output);
        assert.equal(await run("bin/hello", "eval", "IO.puts(Hello.Router.version())"), "0.1.0\n");
    });

    it("has what an app may have: a lock, priv, assets, overlays, path dependencies", async () => {
        const app = newApp();
        app.write("mix.lock", "%{\n}\n");
        app.write("priv/cellar.txt", "merlot\n");
        app.write("assets/app.css", "body {}\n");
        app.write(
            "libs/cellar/mix.exs",
            'defmodule Cellar.MixProject do\n  use Mix.Project\n  def project, do: [app: :cellar, version: "1.0.0"]\nend\n',
        );
        app.write("libs/cellar/lib/cellar.ex", "defmodule Cellar do\n  def wine, do: :merlot\nend\n");
        app.write("lib/hello/wine.ex", "defmodule Hello.Wine do\n  def pour, do: Cellar.wine()\nend\n");
        app.write(
            "mix.exs",
            fs
                .readFileSync(path.join(app.folder, "mix.exs"), "utf8")
                .replace("deps: []", 'deps: [{:cellar, path: "libs/cellar"}]'),
        );
        const { code, output } = await build(app);
        assert.equal(code, 0, output);
        assert.equal(await run("bin/hello", "eval", "IO.puts(Hello.Wine.pour())"), "merlot\n");
        assert.equal(await run("sh", "-c", "cat lib/hello-*/priv/cellar.txt"), "merlot\n");
        assert.equal(await run("bin/migrate"), "migrated to hello 0.1.0\n");
    });

    it("compiles no dependency again for a change in lib/, and nothing for one in config/runtime.exs", async () => {
        const app = newApp();
        app.release(`1.0.${process.pid}`);
        await build(app);
        app.write("lib/hello/wine.ex", "defmodule Hello.Wine, do: nil\n");
        assert.deepEqual(stepsThatRan((await build(app)).output), ["compile_code", "build_release"]);
        app.write("config/runtime.exs", "import Config\nconfig :hello, wine: :merlot\n");
        assert.deepEqual(stepsThatRan((await build(app)).output), []);
        assert.equal(await run("sh", "-c", "grep -c merlot releases/*/runtime.exs"), "1\n");
    });

    it("has the version that it is given, whatever mix.exs says, and compiles nothing for another one", async () => {
        const app = newApp();
        await build(app);
        const mix = path.join(app.folder, "mix.exs");
        const before = fs.readFileSync(mix, "utf8");
        // Versions that no other run has built: their layers would be cached.
        for (const version of [`7.8.${process.pid}`, `7.9.${process.pid}+abc1234`]) {
            const args = { ...app.build().args, VERSION: version };
            const built = await buildImage(new DockerHost(), { ...app.build(), args }, [
                "--progress=plain",
                "-t",
                tag,
            ]);
            assert.deepEqual([built.code, stepsThatRan(built.output)], [0, ["build_release"]], built.output);
            assert.equal(await run("bin/hello", "version"), `hello ${version}\n`);
            assert.equal(
                await run("bin/hello", "eval", 'IO.puts(System.get_env("RELEASE_VSN"))'),
                `${version}\n`,
            );
            assert.equal(await run("sh", "-c", "ls -d releases/[0-9]*"), `releases/${version}\n`);
        }
        assert.equal(fs.readFileSync(mix, "utf8"), before);
    });

    it("holds no cookie, and runs as a user without a name to become", async () => {
        assert.equal((await build(newApp())).code, 0);
        assert.equal(await run("sh", "-c", "find / -xdev -iname 'COOKIE' 2> /dev/null; id -u"), "65534\n");
    });

    it("is built of exactly the files that its hash counts", async () => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-context-"));
        const write = (file: string, text = file) => {
            fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
            fs.writeFileSync(path.join(folder, file), text);
        };
        // prettier-ignore
        for (const file of [
            "web/mix.exs", "web/lib/a.ex", "web/lib/deps/a.ex", "web/.git/config", "web/.env", "web/.env.prod", "web/apps/a/.env",
            "web/config/prod.secret.exs", "web/priv/tls/site.pem", "web/priv/static/assets/a.css", "web/priv/static/a.css",
            "web/docs/a.md", "web/docs/b/c.md", "web/_build/prod/a", "web/apps/a/_build/a", "web/LIB", "web/notes/a b.txt",
            "web/notes/keep/c.txt", "web/assets/package.json", "web/assets/node_modules/a/index.js", "web/x.log", "web/y.log", "shared/mix.exs",
            "shared/.env", "shared/lib/s.ex", "other/lib/o.ex", "secret.txt",
        ]) write(file);
        fs.symlinkSync("a.ex", path.join(folder, "web/lib/link.ex"));
        write("web/.dockerignore", "# ours\n/notes\n!notes/keep\n!docs/b\nlib/\\*.tmp\n*.log\n!y.l?g\n");
        for (const beside of [[], [path.join(folder, "shared")]]) {
            const context = buildContext(path.join(folder, "web"), beside);
            const sent = await sentOf(context);
            assert.deepEqual(contextFiles(context), sent);
            assert.ok(
                !sent.some((file) => /\.env|secret|\.pem|\.git|web\/_build|node_modules|other/.test(file)),
                `${sent.join()}`,
            );
            assert.ok(sent.some((file) => file.endsWith("docs/b/c.md")));
        }
        fs.rmSync(folder, { recursive: true });
    });

    for (const tracking of ["all", "little", "none"] as const) {
        it(`is built of the files that it needs, where git tracks ${tracking} of them`, async () => {
            const app = contextApp(tracking);
            assert.deepEqual(await sentOf(buildContext(app, [], projectsOf(app))), sentFiles(tracking));
            fs.rmSync(app, { recursive: true });
        });
    }
});

/** The files that Docker sends to a build, in order. */
async function sentOf({ folder, rules }: BuildContext): Promise<string[]> {
    const beside = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-sent-"));
    const [dockerfile, out] = [path.join(beside, "Dockerfile"), path.join(beside, "out")];
    fs.writeFileSync(dockerfile, "FROM scratch\nCOPY . /\n");
    fs.writeFileSync(`${dockerfile}.dockerignore`, rules);
    const built = await buildImage(new DockerHost(), { context: folder, dockerfile, args: {} }, ["-o", out]);
    assert.equal(built.code, 0, built.output);
    const sent = fs
        .readdirSync(out, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => path.relative(out, path.join(entry.parentPath, entry.name)));
    fs.rmSync(beside, { recursive: true });
    return sent.sort();
}
