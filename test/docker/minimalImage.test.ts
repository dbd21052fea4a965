import { strict as assert } from "node:assert";
import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { buildImage } from "../../components/image/buildImage";
import { lastLines } from "../../components/release/logExcerpt";
import { releaseEnv } from "../../components/release/releaseEnv";
import { App } from "../support/app";

/** A file of an image, as tar lists it. */
interface File {
    name: string;
    mode: string;
    owner: string;
    /** Where a link leads. */
    target?: string;
}

/** What busybox does in the image. */
const TOOLS = (
    "[ awk base64 basename cat chmod cmp cp cut date dd df dirname du env expr false find free grep gunzip gzip head " +
    "hexdump hostname id kill less ln ls md5sum mkdir mktemp mv nc nproc nslookup od pidof ping printf ps pwd readlink " +
    "realpath rm rmdir sed seq sha256sum sleep sort stat strings stty tail tar tee test timeout top touch tr true tty " +
    "uname uniq uptime vi wc wget which whoami xargs xxd zcat"
).split(" ");

/**
 * Every file of the image but busybox's links, by its reason; a folder is there for what is in it. So there is no package
 * manager and no compiler, no cookie, and nothing of the build.
 */
const EXPECTED: Record<string, (string | RegExp)[]> = {
    "scripts of the release, and those that mix release adds": [/^\/app\/bin\/(hello|hello\.bat|migrate)$/],
    "Erlang's VM, with the programs that mix release copies": [
        /^\/app\/erts-[\d.]+\/bin\/\w+(\.smp|\.src)?$/,
    ],
    "modules of the release": [/^\/app\/lib\/\w+-[\d.]+\/ebin\/[\w.-]+\.(app|appup|beam)$/],
    "headers that mix release copies": [
        /^\/app\/lib\/(kernel|stdlib|public_key)-[\d.]+\/include\/[\w-]+\.hrl$/,
    ],
    "the NIFs of Erlang": [/^\/app\/lib\/(crypto|asn1)-[\d.]+\/priv\/lib\/\w+\.so$/],
    "how the release boots": [
        "/app/releases/start_erl.data",
        "/app/releases/runtime.exs",
        /^\/app\/releases\/0\.1\.0\/(elixir|iex|env\.bat|env\.sh|hello\.rel|runtime\.exs|sys\.config)$/,
        /^\/app\/releases\/0\.1\.0\/((remote\.)?vm\.args|start(_clean)?\.(boot|script))$/,
        /^\/app\/releases\/0\.1\.0\/consolidated\/[\w.]+\.beam$/,
    ],
    "the shell of the release's scripts, and its tools": ["/usr/bin/bash", "/usr/bin/busybox", "/usr/bin/sh"],
    "the init": ["/usr/bin/tini"],
    "what programs and NIFs are linked against, and its loader": [
        /^\/usr\/lib\/\w+-linux-gnu\/lib(c|cap|crypto|gcc_s|m|resolv|stdc\+\+|systemd|tinfo|z|zstd)\.so\.\d+$/,
        /^\/usr\/lib(64)?\/ld-linux-[\w-]+\.so\.\d+$/,
        "/etc/ld.so.cache",
    ],
    "OpenSSL's configuration and older algorithms": [
        "/etc/ssl/openssl.cnf",
        "/usr/lib/ssl/openssl.cnf",
        /^\/usr\/lib\/\w+-linux-gnu\/ossl-modules\/legacy\.so$/,
    ],
    certificates: ["/etc/ssl/certs/ca-certificates.crt", "/usr/lib/ssl/cert.pem"],
    "names of hosts and users": ["/etc/nsswitch.conf", "/etc/passwd", "/etc/group"],
    "time zones": ["/etc/localtime", /^\/usr\/share\/zoneinfo\/[\w./+-]+$/],
    "UTF-8": [/^\/usr\/lib\/locale\/C\.utf8\/LC_[A-Z]+(\/SYS_LC_MESSAGES)?$/],
    terminals: ["/usr/share/terminfo/x/xterm-256color", /^\/usr\/share\/terminfo\/\w\/[\w.-]+$/],
    "what scanners read": [
        "/etc/os-release",
        "/usr/lib/os-release",
        "/var/lib/dpkg/status.d/libc6",
        /^\/var\/lib\/dpkg\/status\.d\/[a-z0-9.+-]+$/,
    ],
    "links from before /usr was merged": ["/bin", "/lib", "/lib64", "/sbin"],
    "folders to fill when it runs": ["/tmp/", "/usr/sbin/"],
    "what Docker mounts over": [
        /^\/(\.dockerenv|dev\/(console|pts\/|shm\/)|etc\/(hostname|hosts|mtab|resolv\.conf)|proc\/|sys\/)$/,
    ],
};

/** An env.sh: an address out of a file, a name in lower case, a field of JSON, a time. */
const ENV_SH = `#!/bin/sh
address=$(grep localhost /etc/hosts | cut -f 1 | head -n 1)
system=$(uname -s | tr '[:upper:]' '[:lower:]')
wine=$(echo '{"Wine": "merlot"}' | sed -E 's/.*"Wine": "([^"]*)".*/\\1/' | awk '{ print toupper($1) }')
export CELLAR="$address $system-$(id -u) $wine $(date -u -d @0 +%Y)"
`;

/** A layer without files, as WORKDIR adds one to an image whose folder exists. */
const EMPTY_LAYER = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

describe("the minimal image of a release", function () {
    this.timeout(300_000);

    const tag = `decanter-minimal-test-${process.pid}`;
    const again = `${tag}-again`;
    const debian = `${tag}-debian`;
    const plain = `${tag}-plain`;
    const changed = `${tag}-changed`;
    const builder = `${tag}-builder`;
    const runner = `${tag}-runner`;

    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-minimal-"));
    const containers: string[] = [];
    const apps: App[] = [];
    /** The example with certificates to read and an env.sh. */
    const newApp = () => {
        const app = new App();
        apps.push(app);
        app.write(
            "mix.exs",
            fs.readFileSync("examples/hello/mix.exs", "utf8").replace(":crypto]", ":crypto, :public_key]"),
        );
        app.write("rel/env.sh.eex", ENV_SH);
        return app;
    };
    const app = newApp();
    /** Files of the image, and the folder that they lie in. */
    let files: File[];
    const root = path.join(folder, "root");
    /** A container that runs the release. */
    let container: string;

    /** What a command of Docker's prints. */
    const ok = async (...args: string[]) => {
        const { code, output } = await dockerCli(undefined, args, 120);
        assert.equal(code, 0, output);
        return output.trim();
    };
    const build = async (name: string, context: string, ...options: string[]) => {
        const settings = { ...app.build(), context };
        const { code, output } = await buildImage(new DockerHost(), settings, [...options, "-t", name]);
        assert.equal(code, 0, lastLines(output, []));
    };
    const env = {
        ...releaseEnv({ port: 4000, domain: "hello.example" }),
        RELEASE_COOKIE: "cookie",
        SECRET_KEY_BASE: "secret",
    };
    const confined = [
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
    ];
    const run = (options: string[], ...command: string[]) =>
        ok("run", "--rm", ...confined, ...options, tag, ...command);
    const evaluate = (code: string, ...options: string[]) => run(options, "bin/hello", "eval", code);
    const exec = (...command: string[]) => ok("exec", container, ...command);
    /** Starts a container, and waits for its release to answer. */
    const start = async (image: string) => {
        const id = await ok("run", "-d", ...confined, image);
        containers.push(id);
        for (let attempt = 0; ; attempt++) {
            const { code, output } = await dockerCli(undefined, [
                "exec",
                id,
                "bin/hello",
                "rpc",
                "IO.puts(:up)",
            ]);
            if (code === 0) return id;
            assert.ok(attempt < 30, `${output}\n${await ok("logs", id)}`);
            await sleep(500);
        }
    };
    const inspect = async (image: string) => JSON.parse(await ok("image", "inspect", image))[0];
    const settingsOf = async (image: string) => {
        const { User, StopSignal, WorkingDir, Entrypoint, Cmd, Env } = (await inspect(image)).Config;
        return { User, StopSignal, WorkingDir, Entrypoint, Cmd, Env };
    };
    const layersOf = async (image: string): Promise<string[]> =>
        (await inspect(image)).RootFS.Layers.filter((layer: string) => layer !== EMPTY_LAYER);
    /** An image's configuration without the times at which its steps were done. */
    const configurationOf = async (image: string) => {
        const file = path.join(folder, "image.tar");
        await ok("save", "-o", file, image);
        const read = (name: string) => execFileSync("tar", ["-xOf", file, name], { encoding: "utf8" });
        const [{ Config: name }] = JSON.parse(read("manifest.json"));
        return JSON.parse(read(name), (key, value) => (key === "created" ? undefined : value));
    };

    before(async () => {
        await build(tag, app.folder);
        const id = await ok("create", tag);
        containers.push(id);
        const tar = path.join(folder, "root.tar");
        await ok("export", "-o", tar, id);
        fs.mkdirSync(root);
        execFileSync("tar", ["-xf", tar, "-C", root]);
        const list = execFileSync("tar", ["--numeric-owner", "-tvf", tar], { encoding: "utf8" });
        files = list
            .trim()
            .split("\n")
            .map((line) => {
                const [, mode = "", owner = "", name = "", target] =
                    /^(\S+) +(\S+) +\d+ \S+ \S+ (.*?)(?: (?:->|link to) (.*))?$/.exec(line) ?? [];
                return { name: `/${name}`, mode, owner, target };
            });
        container = await start(tag);
    });
    after(async () => {
        if (containers.length > 0) await dockerCli(undefined, ["rm", "-f", ...containers]);
        await dockerCli(undefined, ["rmi", "-f", tag, again, debian, plain, changed, builder, runner]);
        for (const app of apps) app.remove();
        fs.rmSync(folder, { recursive: true });
    });

    describe("its files", () => {
        it("are those with a reason, and all of these are there", () => {
            const tools = files.filter(({ target }) => target === "busybox").map(({ name }) => name);
            assert.deepEqual(
                tools.sort(),
                TOOLS.map((name) => `/usr/bin/${name}`),
            );
            const holdsFiles = (folder: string) =>
                files.some(({ name }) => name !== folder && name.startsWith(folder));
            const others = files
                .map(({ name }) => name)
                .filter((name) => !tools.includes(name) && !(name.endsWith("/") && holdsFiles(name)));
            const is = (name: string, expected: string | RegExp) =>
                typeof expected === "string" ? name === expected : expected.test(name);
            const all = Object.values(EXPECTED).flat();
            assert.deepEqual(
                {
                    unexpected: others.filter((name) => !all.some((expected) => is(name, expected))),
                    missing: all.filter((expected) => !others.some((name) => is(name, expected))),
                },
                { unexpected: [], missing: [] },
            );
        });

        it("belong to root, and nobody else may write them or become root by them", () => {
            const withMode = (mode: RegExp) =>
                files.filter((file) => mode.test(file.mode)).map(({ name }) => name);
            assert.deepEqual(
                {
                    owners: [...new Set(files.map(({ owner }) => owner))],
                    setuidOrSetgid: withMode(/s/i),
                    writable: withMode(/^[^l].{7}w/),
                },
                { owners: ["0/0"], setuidOrSetgid: [], writable: ["/tmp/"] },
            );
        });

        it("find all their libraries in the image, and no library is left over", async () => {
            const binaries = files
                .filter(({ name, mode }) => mode.startsWith("-") && isBinary(path.join(root, name)))
                .map(({ name }) => name);
            const isLibrary = (name: string) => /\.so(\.\d+)+$/.test(name);
            const loader = binaries.find((name) => name.includes("/ld-linux-")) ?? "";
            const script =
                'loader=$1; shift; for file; do echo "file $file"; "$loader" --list "$file" 2>&1; done';
            const output = await run([], "sh", "-c", script, "sh", loader, ...binaries);
            const needs = output.split(/^file /m).slice(1);
            assert.equal(needs.length, binaries.length, output);
            assert.deepEqual(
                needs.filter((text) => /not found|error while loading/.test(text)),
                [],
            );
            const needed = needs
                .filter((text) => !isLibrary(text.split("\n")[0] ?? ""))
                .flatMap((text) => [...text.matchAll(/^\t(?:\S+ => )?(\/\S+) \(/gm)])
                .map(([, name = ""]) => name.replace(/^\/lib/, "/usr/lib"));
            assert.deepEqual([...new Set(needed)].sort(), binaries.filter(isLibrary).sort());
        });

        it("are few for the example: 36 MB with Erlang and Elixir", async () => {
            await build(plain, "examples/hello");
            // What an engine says of an image counts, with containerd's image store, the compressed layers too.
            const sizes = ["find", "/", "-xdev", "-type", "f", "-exec", "stat", "-c", "%s", "{}", "+"];
            const bytes = (await ok("run", "--rm", plain, ...sizes)).split("\n").map(Number);
            const size = bytes.reduce((total, each) => total + each);
            assert.ok(size > 20_000_000 && size <= 36_000_000, `${size} bytes`);
        });

        it("have links for nothing that busybox does not do", async () => {
            const does = (await exec("busybox", "--list")).split("\n");
            assert.deepEqual(
                TOOLS.filter((tool) => !does.includes(tool)),
                [],
            );
        });

        it("tell scanners the packages that they come from", () => {
            const folder = path.join(root, "var/lib/dpkg/status.d");
            for (const name of fs.readdirSync(folder)) {
                const text = fs.readFileSync(path.join(folder, name), "utf8");
                assert.match(text, /^Status: install ok installed$/m, name);
                assert.equal(/^Package: (.*)$/m.exec(text)?.[1], name);
            }
        });
    });

    describe("its configuration", () => {
        it("runs the release as nobody, and holds no secret", async () => {
            assert.deepEqual(await settingsOf(tag), {
                User: "65534:65534",
                StopSignal: "SIGTERM",
                WorkingDir: "/app",
                Entrypoint: ["/usr/bin/tini", "-s", "--"],
                Cmd: ["/bin/sh", "-c", 'exec "bin/$RELEASE" start'],
                Env: [
                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "RELEASE=hello",
                    "LANG=C.UTF-8",
                    "HOME=/tmp",
                ],
            });
        });

        it("has an init that reaps orphans, and the VM as its child", async () => {
            assert.equal(await exec("readlink", "/proc/1/exe"), "/usr/bin/tini");
            const vm = await exec("bin/hello", "pid");
            assert.match(await exec("cat", `/proc/${vm}/stat`), /^\d+ \(beam\.smp\) \w 1 /);
            const orphan = await exec("sh", "-c", "sleep 1000 > /dev/null 2>&1 & echo $!");
            assert.match(await exec("cat", `/proc/${orphan}/stat`), /^\d+ \(sleep\) \w 1 /);
            await exec("kill", orphan);
            // A zombie would stay there.
            await exec("timeout", "30", "sh", "-c", `while [ -e /proc/${orphan} ]; do sleep 0.1; done`);
        });
    });

    describe("what works in it", () => {
        it("the release's commands: rpc, eval, pid", async () => {
            assert.equal(await exec("bin/hello", "rpc", "IO.puts(Hello.Router.version())"), "0.1.0");
            assert.equal(await evaluate("IO.puts(Hello.Router.version())"), "0.1.0");
            assert.equal(
                await exec("bin/hello", "pid"),
                await exec("bin/hello", "rpc", "IO.puts(System.pid())"),
            );
        });

        it("an answer to a health check by wget", async () => {
            assert.equal(await exec("wget", "-qO-", "http://127.0.0.1:4000/health"), "health 200");
        });

        it("a clean end, by stop and by SIGTERM", async () => {
            const ends = [
                (id: string) => ["exec", id, "bin/hello", "stop"],
                (id: string) => ["kill", "--signal=TERM", id],
            ];
            for (const end of ends) {
                const id = await start(tag);
                await ok(...end(id));
                assert.equal(await ok("wait", id), "0");
                assert.match(await ok("logs", id), /drained: every socket is closed/);
            }
        });

        it("a remote console whose line can be edited", async () => {
            const command = `docker exec -it -e TERM=xterm-256color ${container} bin/hello remote`;
            const remote = spawn("script", ["-qec", command, "/dev/null"]);
            let said = "";
            remote.stdout.on("data", (data: Buffer) => (said += data.toString()));
            const says = async (pattern: RegExp) => {
                for (let attempt = 0; !pattern.test(said) && attempt < 100; attempt++) await sleep(100);
                assert.match(said, pattern);
            };
            await says(/iex\(hello@\w+\)1> /);
            // Two steps to the left, over the quote and the bracket.
            remote.stdin.write('String.upcase("müscade")\x1b[D\x1b[Dt\r');
            await says(/"MÜSCADET"/);
            // Ctrl+\ leaves it.
            remote.stdin.write("\x1c");
            assert.deepEqual(await once(remote, "exit"), [0, null]);
        });

        it("an env.sh with the usual tools", async () => {
            assert.equal(
                await evaluate('IO.puts(System.get_env("CELLAR"))'),
                "127.0.0.1 linux-65534 MERLOT 1970",
            );
        });

        it("file names in UTF-8", async () => {
            const code = `
                File.write!("/tmp/müscadet", "süß")
                IO.puts(:file.native_name_encoding())
                for name <- Path.wildcard("/tmp/m*"), do: IO.puts([name, " ", File.read!(name)])`;
            assert.equal(await evaluate(code), "utf8\n/tmp/müscadet süß");
            assert.doesNotMatch(await ok("logs", container), /latin1/);
        });

        it("time zones", async () => {
            const code =
                "for month <- [1, 7], do: IO.inspect(:calendar.universal_time_to_local_time({{2024, month, 1}, {12, 0, 0}}))";
            assert.equal(await evaluate(code), "{{2024, 1, 1}, {12, 0, 0}}\n{{2024, 7, 1}, {12, 0, 0}}");
            assert.equal(
                await evaluate(code, "--env=TZ=Europe/Berlin"),
                "{{2024, 1, 1}, {13, 0, 0}}\n{{2024, 7, 1}, {14, 0, 0}}",
            );
        });

        it("certificates", async () => {
            assert.ok(Number(await evaluate("IO.puts(length(:public_key.cacerts_get()))")) > 100);
        });

        it("algorithms that OpenSSL keeps apart as old", async () => {
            assert.equal(
                await evaluate('IO.puts(Base.encode16(:crypto.hash(:md4, "merlot")))'),
                "B9678D50418951F3E795C4D14360EAFA",
            );
        });

        it("names of hosts, by the network's DNS and by /etc/hosts", async () => {
            await ok("network", "create", tag);
            try {
                await ok("network", "connect", "--alias=cellar", tag, container);
                const [{ NetworkSettings: settings }] = JSON.parse(await ok("inspect", container));
                const code = `
                    IO.inspect(:inet_db.res_option(:lookup))
                    for name <- [~c"cellar", ~c"vineyard"] do
                      {:ok, {:hostent, _, _, :inet, 4, [address]}} = :inet.gethostbyname(name)
                      IO.puts(:inet.ntoa(address))
                    end`;
                assert.equal(
                    await evaluate(code, `--network=${tag}`, "--add-host=vineyard:192.0.2.7"),
                    `[:native]\n${settings.Networks[tag].IPAddress}\n192.0.2.7`,
                );
            } finally {
                await dockerCli(undefined, ["network", "disconnect", tag, container]);
                await ok("network", "rm", tag);
            }
        });
    });

    describe("what an error tells", () => {
        it("file and line, although modules are stripped", async () => {
            const { output } = await dockerCli(undefined, [
                "exec",
                container,
                "bin/hello",
                "eval",
                "Hello.Server.init(:merlot)",
            ]);
            const source = fs.readFileSync("test/fixtures/server.ex", "utf8").split("\n");
            const line = source.findIndex((text) => text.includes("opts[:port]")) + 1;
            assert.match(output, new RegExp(`lib/hello/server\\.ex:${line}: Hello\\.Server\\.init/1`));
        });

        it("in a crash dump that can be read to its end", async () => {
            const script = `bin/hello eval ':erlang.halt(~c"merlot")'; head -n 3 /tmp/dump; tail -n 1 /tmp/dump`;
            const dump = await run(
                ["--env=ERL_CRASH_DUMP=/tmp/dump", "--env=ERL_CRASH_DUMP_BYTES=-1"],
                "sh",
                "-c",
                script,
            );
            assert.match(dump, /^=erl_crash_dump:[\d.]+\n.*\nSlogan: merlot\n=end$/m);
        });
    });

    describe("its layers", () => {
        it("come out the same when it is built again from nothing", async () => {
            // Other images to start from, as --no-cache beside another build may end the daemon:
            // https://github.com/moby/moby/issues/42414
            const { BUILDER_IMAGE, RUNNER_IMAGE } = app.build().args;
            const context = path.join(folder, "new");
            fs.mkdirSync(context);
            const anew = async (name: string, image?: string) => {
                const lines = `FROM ${image}\nRUN echo ${randomUUID()} > /new\n`;
                fs.writeFileSync(path.join(context, "Dockerfile"), lines);
                await ok("build", "-q", "-t", name, context);
            };
            await anew(builder, BUILDER_IMAGE);
            await anew(runner, RUNNER_IMAGE);
            const images = [`BUILDER_IMAGE=${builder}`, `RUNNER_IMAGE=${runner}`];
            await build(again, app.folder, ...images.map((image) => `--build-arg=${image}`));
            assert.deepEqual(await layersOf(again), await layersOf(tag));
            assert.deepEqual(await configurationOf(again), await configurationOf(tag));
        });

        it("are for the release those on all of Debian, where it runs the same way", async () => {
            await build(debian, app.folder, "--build-arg", "BASE=debian");
            const [, ...release] = await layersOf(tag);
            assert.ok(release.length > 2);
            assert.deepEqual((await layersOf(debian)).slice(-release.length), release);
            assert.deepEqual(await settingsOf(debian), await settingsOf(tag));
            await start(debian);
        });

        it("change for the app alone with lib/, and for the last alone with config/runtime.exs", async () => {
            const app = newApp();
            let before = await layersOf(tag);
            for (const [file, text, last] of [
                ["lib/hello/wine.ex", "defmodule Hello.Wine, do: nil\n", -2],
                ["config/runtime.exs", "import Config\n", -1],
            ] as const) {
                app.write(file, text);
                await build(changed, app.folder);
                const layers = await layersOf(changed);
                const others = layers.flatMap((layer, index) => (layer === before[index] ? [] : [index]));
                assert.deepEqual(others, [layers.length + last], file);
                before = layers;
            }
        });
    });
});

/** Whether a file begins as ELF does. */
function isBinary(file: string): boolean {
    const begin = Buffer.alloc(4);
    const descriptor = fs.openSync(file, "r");
    fs.readSync(descriptor, begin);
    fs.closeSync(descriptor);
    return begin.equals(Buffer.from("\x7fELF"));
}
