import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { buildImage, docker } from "../../components/docker";
import { App } from "../support/app";

describe("the image of a release", function () {
    this.timeout(300_000);

    const tag = `decanter-image-test-${process.pid}`;
    const apps: App[] = [];
    const newApp = () => {
        const app = new App();
        apps.push(app);
        return app;
    };
    const build = (app: App, runner?: string) =>
        buildImage(undefined, app.build(runner), ["--progress=plain", "-t", tag]);
    const run = async (...command: string[]) => {
        const env = ["RELEASE_COOKIE=c", "SECRET_KEY_BASE=s", "RELEASE_TMP=/tmp"].flatMap((variable) => [
            "-e",
            variable,
        ]);
        const result = await docker(undefined, [
            "run",
            "--rm",
            "--read-only",
            "--tmpfs",
            "/tmp",
            ...env,
            tag,
            ...command,
        ]);
        assert.equal(result.code, 0, result.output);
        return result.stdout;
    };
    /** The steps of a build that were not in the cache, by what they run. */
    const ran = (output: string) => {
        const steps = [...output.matchAll(/^#(\d+) \[builder [^\]]*\] RUN (.*)$/gm)];
        return steps
            .filter(([, step]) => !output.includes(`\n#${step} CACHED`))
            .map(([, , command]) => command ?? "");
    };

    after(async () => {
        for (const app of apps) app.remove();
        await docker(undefined, ["rmi", "-f", tag, `${tag}-runner`]);
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
        assert.deepEqual(
            ran((await build(app)).output).map((command) => /mix \w+/.exec(command)?.[0]),
            ["mix compile", "mix help", "mix release"],
        );
        app.write("config/runtime.exs", "import Config\n");
        assert.deepEqual(
            ran((await build(app)).output).map((command) => /mix \w+/.exec(command)?.[0]),
            ["mix release"],
        );
    });

    it("holds no cookie, and runs as a user without a name to become", async () => {
        assert.equal((await build(newApp())).code, 0);
        assert.equal(await run("sh", "-c", "find / -xdev -iname 'COOKIE' 2> /dev/null; id -u"), "65534\n");
    });

    it("fails to build where the runner lacks a library, and names the module that wants it", async () => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-runner-"));
        fs.writeFileSync(
            path.join(folder, "Dockerfile"),
            `FROM ${newApp().build().args.RUNNER_IMAGE}\nRUN find / -xdev -name 'libcrypto.so*' -delete\n`,
        );
        const broken = await docker(undefined, ["build", "-q", "-t", `${tag}-runner`, folder], 300);
        assert.equal(broken.code, 0, broken.output);
        const { code, output } = await build(newApp(), `${tag}-runner`);
        fs.rmSync(folder, { recursive: true });
        assert.notEqual(code, 0);
        assert.match(output, /libcrypto\.so\.3: cannot open shared object file/);
        assert.match(output, /The release does not start on this runner image: is it the builder's Debian\?/);
    });
});
