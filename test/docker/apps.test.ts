import { strict as assert } from "node:assert";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerCli } from "../../components/docker/dockerCli";
import { FixtureApp, replaceIn, stepsThatRan, textsIn } from "../support/fixtureApp";
import { freePort } from "../support/machine";
import { SshServer } from "../support/sshServer";

describe("the image of an app", function () {
    this.timeout(300_000);

    const apps: FixtureApp[] = [];
    const newApp = (name: string, release: string) => {
        const app = new FixtureApp(name, release);
        apps.push(app);
        return app;
    };
    after(() => Promise.all(apps.map((app) => app.remove())));

    describe("that is an umbrella with several releases", () => {
        let app: FixtureApp;
        before(() => {
            app = newApp("umbrella", "winery");
        });

        it("fetches and compiles no dependency again for a change in lib/", async () => {
            await app.build({ stage: "builder" });
            const glasses = `${Date.now()} glasses`;
            app.replace("apps/bar/lib/bar.ex", "a glass", glasses);
            assert.deepEqual(stepsThatRan(await app.build()), ["compile_code", "build_release"]);
            assert.equal(await app.eval("IO.puts(Bar.pour())"), `${glasses} of merlot\n`);
        });

        it("has the release that was asked for", async () => {
            await app.build({ args: { RELEASE: "storage" } });
            const loaded = "IO.inspect(Enum.map([Cellar, Bar], &Code.ensure_loaded?/1))";
            assert.equal(await app.eval(loaded), "[true, false]\n");
        });

        it("is refused for a release without Erlang", async () => {
            assert.match(
                await app.fail({ args: { RELEASE: "bare" } }),
                /The release bare has no Erlang of its own \(include_erts: false in mix\.exs\)/,
            );
        });
    });

    it("has the path dependencies beside it as they are, also where they look older than the last build", async () => {
        const app = newApp("beside", "web");
        const file = "grapes/lib/grapes.ex";
        const args = { APP: "web" };
        // Of one length, and of no earlier run.
        const [grapes, others] = [`a${Date.now()}`, `b${Date.now()}`];
        app.replace(file, "merlot", grapes);
        await app.build({ args, stage: "builder" });
        app.replace(file, grapes, others);
        fs.utimesSync(path.join(app.folder, file), 0, 0);
        await app.build({ args });
        assert.equal(await app.eval("IO.puts(Web.pour())"), `a glass of ${others}\n`);
    });

    describe("with files in rel/ and packages for its image", () => {
        let app: FixtureApp;
        before(async () => {
            app = newApp("rel", "tasting");
            await app.build({ args: { RUNTIME_PACKAGES: "imagemagick" } });
        });

        it("has the release's own environment and flags of the VM", async () => {
            assert.equal(
                await app.rpc("IO.inspect({Tasting.wine(), :erlang.system_info(:dist_buf_busy_limit)})"),
                `{"merlot of tasting", ${4321 * 1024}}\n`,
            );
        });

        it("runs the packages' programs", async () => {
            const output = await app.eval(
                '{_, 0} = System.cmd("convert", ~w(-size 750x75 xc:red /tmp/label.jpg)); ' +
                    '{text, 0} = System.cmd("identify", ["/tmp/label.jpg"]); IO.puts(text)',
            );
            assert.match(output, /^\/tmp\/label\.jpg JPEG 750x75 /);
        });
    });

    describe("with assets", () => {
        it("has what assets.deploy makes without Node.js", async () => {
            const app = newApp("assets", "label");
            await app.build();
            assert.equal(await app.eval("IO.write(Label.text())"), "MERLOT\n");
        });

        it("has what assets.deploy makes with packages of npm, and of a dependency", async () => {
            if (process.env.DECANTER_STAND_INS !== undefined)
                execFileSync("./bin/make-base-images", ["node"], { stdio: "pipe" });
            const app = newApp("npm", "label");
            const node = { NODE_IMAGE: FixtureApp.nodeImage, NODE: "image" };
            // One of them comes with a dependency of the app, as Phoenix's does.
            const author = "-c user.name=test -c user.email=test@example.com";
            const repository = `git init -q cork && git -C cork add . && git -C cork ${author} commit -qm cork`;
            await app.build({ args: { ...node, PREPARE_DEPS: repository } });
            assert.equal(await app.eval("IO.write(Label.text())"), "2 days under cork\n");
        });

        // Their commands are there for the app's own scripts too, although nodeImage has npm alone.
        const sum =
            "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==";
        for (const [manager, lock, text] of [
            [
                "pnpm",
                "pnpm-lock.yaml",
                "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      ms: {specifier: 2.1.3, version: 2.1.3}\n" +
                    `packages:\n  ms@2.1.3: {resolution: {integrity: ${sum}}}\nsnapshots:\n  ms@2.1.3: {}\n`,
            ],
            [
                "bun",
                "bun.lock",
                JSON.stringify({
                    ...{ lockfileVersion: 1, workspaces: { "": { dependencies: { ms: "2.1.3" } } } },
                    packages: { ms: ["ms@2.1.3", "", {}, sum] },
                }),
            ],
            [
                "yarn",
                "yarn.lock",
                '# yarn lockfile v1\n\nms@2.1.3:\n  version "2.1.3"\n' +
                    `  resolved "https://registry.yarnpkg.com/ms/-/ms-2.1.3.tgz"\n  integrity ${sum}\n`,
            ],
        ] as const) {
            it(`has what a command makes that runs ${manager}, whose lock the app has`, async () => {
                const app = newApp("assets", "label");
                const deploy =
                    "mkdir -p ../priv/static && node -p \"require('ms')(172800000, { long: true })\" > ../priv/static/label.txt";
                const dependencies = { ms: "2.1.3" };
                app.write(
                    "assets/package.json",
                    JSON.stringify({ private: true, scripts: { deploy }, dependencies }),
                );
                app.write(`assets/${lock}`, text);
                const node = { NODE_IMAGE: FixtureApp.nodeImage, NODE: "image" };
                await app.build({ args: { ...node, ASSETS: `cd assets && ${manager} run deploy` } });
                assert.equal(await app.eval("IO.write(Label.text())"), "2 days\n");
            });
        }
    });

    describe("with a NIF", () => {
        it("has one in Rust, by the builder's packages", async () => {
            const app = newApp("rust_nif", "bottle");
            await app.build({ args: { BUILDER_PACKAGES: "rustc" } });
            assert.equal(await app.eval("IO.inspect(Bottle.millilitres(2))"), "1500\n");
        });

        for (const BASE of ["minimal", "debian"]) {
            it(`is refused without a library of its NIF, and has it by its package (${BASE})`, async () => {
                const app = newApp("c_nif", "press");
                assert.match(
                    await app.fail({ args: { BASE } }),
                    /lib\/press-1\.0\.0\/priv\/nif\.so loads libgomp\.so\.1, which the image does not have: it is in libgomp1\./,
                );
                await app.build({ args: { BASE, RUNTIME_PACKAGES: "libgomp1" } });
                assert.equal(await app.eval("IO.inspect(Press.litres(21))"), "42\n");
            });
        }
    });

    describe("with git dependencies behind a key, and packages behind another", () => {
        const hexKey = "a0d2f9c47e5b4c1e8f36";
        const args = {
            // The first is what `mix hex.organization auth` does, the second is what proves that it could.
            PREPARE_DEPS: 'echo "$HEX_KEY" > ~/.hex/hex.config && sha256sum < ~/.hex/hex.config > prepared',
        };
        // A builder with ssh need not install it each time.
        const withSsh = { ...args, BUILDER_PACKAGES: "openssh-client" };
        let app: FixtureApp;
        let server: GitServer;
        let secrets: Record<string, string>;

        /** Which of the dependencies, and the app, a build has compiled. */
        const compiled = (output: string) =>
            [...output.matchAll(/Generated (\w+) app/g)].map(([, name]) => name).sort();

        before(async function () {
            const reason = await GitServer.whyNot();
            if (reason !== undefined) {
                process.stderr.write(`  skipped: ${reason}\n`);
                this.skip();
            }
            server = await GitServer.start();
            secrets = { ...server.secrets, HEX_KEY: hexKey };
            app = newApp("git/app", "bar");
            app.replace("mix.exs", "REPOSITORIES", server.url);
            app.write("mix.lock", server.lock());
        });
        after(() => server?.stop());

        it("is refused without the git host's own key", async () => {
            assert.match(
                await app.fail({ args: withSsh, secrets: { GIT_SSH_KEY: server.secrets.GIT_SSH_KEY } }),
                /GIT_SSH_KEY needs GIT_KNOWN_HOSTS: what ssh-keyscan says of the host/,
            );
        });

        it("has them", async () => {
            await app.build({ args, secrets });
            assert.equal(await app.eval("IO.puts(Bar.pour())"), "merlot and water\n");
        });

        it("has the keys in no layer and no history", async () => {
            await app.build({ args, secrets, stage: "builder" });
            const builder = app.stage("builder");
            const sum = createHash("sha256").update(`${hexKey}\n`).digest("hex");
            assert.equal(
                (await dockerCli(undefined, ["run", "--rm", builder, "cat", "prepared"])).stdout,
                `${sum}  -\n`,
            );
            const keys = [hexKey, server.secrets.GIT_SSH_KEY.split("\n")[2] ?? ""];
            // What is no secret is found.
            assert.deepEqual(textsIn(builder, [...keys, "defmodule Grapes do"]), ["defmodule Grapes do"]);
            assert.deepEqual(textsIn(app.image, [...keys, "RELEASE=bar"]), ["RELEASE=bar"]);
        });

        it("compiles what mix.lock has moved, and what depends on that", async () => {
            // Another app's build takes nothing from this one's cache.
            const other = newApp("beside", "web");
            other.write("shared/lib/vintage.ex", `# ${Date.now()}\n`);
            await other.build({ args: { APP: "web" }, stage: "builder" });
            server.change("grapes", "lib/grapes.ex", "merlot", "malbec");
            app.write("mix.lock", server.lock());
            const output = await app.build({ args: withSsh, secrets });
            assert.deepEqual(compiled(output), ["bar", "grapes", "wine"]);
            assert.equal(await app.eval("IO.puts(Bar.pour())"), "malbec and water\n");
        });

        it("compiles all of them for another configuration, and another builder", async () => {
            const all = ["bar", "grapes", "water", "wine"];
            const given = { args: withSsh, secrets, stage: "builder" };
            app.write("config/config.exs", `import Config\n\nconfig :water, at: ${Date.now()}\n`);
            assert.deepEqual(compiled(await app.build(given)), all);
            given.args = { ...args, BUILDER_PACKAGES: "openssh-client bc" };
            assert.deepEqual(compiled(await app.build(given)), all);
        });
    });
});

/** An ssh server that the builds' containers reach, with the repositories of test/apps/git. */
class GitServer {
    readonly url: string;
    readonly secrets: { GIT_SSH_KEY: string; GIT_KNOWN_HOSTS: string };
    private server?: ChildProcess;
    /** Each repository's newest commit. */
    private readonly commits: Record<string, string> = {};

    private constructor(
        private readonly folder: string,
        private readonly address: string,
        private readonly port: number,
    ) {
        for (const key of ["host", "user"])
            execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", this.file(key)]);
        fs.writeFileSync(
            this.file("sshd_config"),
            `Port ${port}\nListenAddress ${address}\nHostKey ${this.file("host")}\nPidFile none\n` +
                `AuthorizedKeysFile ${this.file("user.pub")}\nStrictModes no\nPermitRootLogin prohibit-password\n`,
        );
        this.url = `ssh://${os.userInfo().username}@${address}:${port}${folder}`;
        this.secrets = {
            GIT_SSH_KEY: fs.readFileSync(this.file("user"), "utf8"),
            GIT_KNOWN_HOSTS: `[${address}]:${port} ${fs.readFileSync(this.file("host.pub"), "utf8")}`,
        };
        for (const name of ["grapes", "water", "wine"]) {
            fs.cpSync(path.join("test/apps/git", name), this.file(name), { recursive: true });
            this.git(name, "init", "-q");
            this.commit(name);
        }
        this.change("wine", "mix.exs", "REPOSITORIES", this.url);
    }

    /** Why there can be none on this machine; undefined where it can. */
    static async whyNot(): Promise<string | undefined> {
        const probe = net.createServer().listen(0, await GitServer.bridge());
        try {
            await once(probe, "listening");
            probe.close();
        } catch {
            return "Docker's bridge is not on this machine: its containers would not reach an ssh server here";
        }
        return SshServer.whyNot();
    }

    static async start(): Promise<GitServer> {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-git-"));
        const server = new GitServer(folder, await GitServer.bridge(), await freePort());
        // Its own privilege separation wants this folder; a service manager would make it.
        fs.mkdirSync("/run/sshd", { recursive: true });
        server.server = spawn("/usr/sbin/sshd", ["-D", "-f", server.file("sshd_config")], {
            stdio: "ignore",
        });
        while (!(await server.answers())) await sleep(50);
        return server;
    }

    /** The mix.lock of an app that wants every repository's newest commit. */
    lock(): string {
        const lines = Object.entries(this.commits).map(
            ([name, commit]) => `  "${name}": {:git, "${this.url}/${name}", "${commit}", []},\n`,
        );
        return `%{\n${lines.join("")}}\n`;
    }

    /** Changes a file of a repository, and commits that. */
    change(name: string, file: string, from: string, to: string): void {
        replaceIn(path.join(this.file(name), file), from, to);
        this.commit(name);
    }

    async stop(): Promise<void> {
        const ended = once(this.server as ChildProcess, "exit");
        this.server?.kill();
        await ended;
        fs.rmSync(this.folder, { recursive: true });
    }

    private static async bridge(): Promise<string> {
        const format = "{{with index .IPAM.Config 0}}{{.Gateway}} {{.Subnet}}{{end}}";
        const { stdout } = await dockerCli(undefined, ["network", "inspect", "bridge", "-f", format]);
        const [gateway = "", subnet = ""] = stdout.split(" ");
        // An engine may leave out what it chose itself: the first address.
        return gateway || subnet.trim().replace(/\d+\/\d+$/, "1");
    }

    private file(name: string): string {
        return path.join(this.folder, name);
    }

    private git(name: string, ...command: string[]): string {
        const author = [
            "-c",
            "user.name=test",
            "-c",
            "user.email=test@example.com",
            "-c",
            "commit.gpgsign=false",
        ];
        return execFileSync("git", ["-C", this.file(name), ...author, ...command], {
            encoding: "utf8",
        }).trim();
    }

    private commit(name: string): void {
        this.git(name, "add", ".");
        this.git(name, "commit", "-q", "-m", "a change");
        this.commits[name] = this.git(name, "rev-parse", "HEAD");
    }

    private answers(): Promise<boolean> {
        return new Promise((resolve) => {
            const socket = net.connect(this.port, this.address);
            socket.once("data", () => resolve(true)).once("error", () => resolve(false));
            socket.once("data", () => socket.destroy());
        });
    }
}
