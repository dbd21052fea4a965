import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Writable } from "node:stream";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { dockerCli, dockerStream } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { containerLog } from "../../components/dockerHost/containerReport";
import { DockerService } from "../../components/dockerHost/dockerService";
import { Migration, type MigrationArgs } from "../../components/dockerHost/migration";
import { Router } from "../../components/dockerHost/router";
import { mustKeepAttestations } from "../../components/image/attestations";
import { bootCheckHook, verdict } from "../../components/image/bootCheck";
import { type Build, buildImage, explainBuild } from "../../components/image/buildImage";
import { ReleaseImage } from "../../components/image/releaseImage";
import { lastLines } from "../../components/release/logExcerpt";
import { valueOf } from "../../components/release/valueOf";
import { logged, mockPulumi, settled, withDocker } from "../support/mockPulumi";

/** The error hook of a resource, and the hooks that run before it is made, as the program declares them. */
function hooksOf(name: string): {
    transformations: pulumi.ResourceTransformation[];
    onError: pulumi.ErrorHook[];
    beforeCreate: pulumi.ResourceHook[];
} {
    const onError: pulumi.ErrorHook[] = [];
    const beforeCreate: pulumi.ResourceHook[] = [];
    const transformation: pulumi.ResourceTransformation = ({ type, name: given, opts }) => {
        if (given === name && type.startsWith("docker:")) {
            onError.push(...(opts.hooks?.onError ?? []));
            beforeCreate.push(...((opts.hooks?.beforeCreate ?? []) as pulumi.ResourceHook[]));
        }
        return undefined;
    };
    return { transformations: [transformation], onError, beforeCreate };
}

describe("Docker's command line", () => {
    it("gets its arguments and BuildKit, and gives all that it prints", async () => {
        await withDocker('echo "out $DOCKER_BUILDKIT"; echo err >&2', async (calls) => {
            assert.deepEqual(await dockerCli(undefined, ["ps", "-a"]), {
                code: 0,
                stdout: "out 1\n",
                output: "out 1\nerr\n",
            });
            await dockerCli("ssh://me@server", ["ps"]);
            assert.deepEqual(calls(), ["ps -a", "--host ssh://me@server ps"]);
        });
    });

    it("gives its exit code", async () => {
        await withDocker("echo out; echo no >&2; exit 3", async () => {
            assert.deepEqual(await dockerCli(undefined, ["ps"]), {
                code: 3,
                stdout: "out\n",
                output: "out\nno\n",
            });
        });
    });

    it("fails with 1 where a signal ends it", async () => {
        await withDocker("echo out; kill -9 $$", async () => {
            assert.deepEqual(await dockerCli(undefined, ["ps"]), {
                code: 1,
                stdout: "out\n",
                output: "out\n",
            });
        });
    });

    it("ends with 124 where the command goes on, or ends well, when it is asked to stop", async () => {
        await withDocker("trap 'exit 0' TERM; sleep 30 & wait", async () => {
            assert.equal((await dockerCli(undefined, ["ps"], 1)).code, 124);
        });
    });

    it("ends with 124 when its time is over, and gives what it printed until then", async () => {
        await withDocker("echo begun; exec sleep 30", async () => {
            assert.deepEqual(await dockerCli(undefined, ["ps"], 1), {
                code: 124,
                stdout: "begun\n",
                output: "begun\n",
            });
        });
    });

    it("says so where it is not installed", async () => {
        const empty = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-empty-"));
        const before = process.env.PATH;
        process.env.PATH = empty;
        try {
            await assert.rejects(dockerCli(undefined, ["ps"]), {
                message: "the command docker is not on the PATH: install Docker's command line",
            });
        } finally {
            process.env.PATH = before;
            fs.rmdirSync(empty);
        }
    });

    describe("that writes to a stream", () => {
        /** Runs a `docker` that is this script, and counts the bytes that arrive. */
        const stream = async (script: string, seconds = 30) => {
            let bytes = 0;
            const to = new Writable({
                write: (part: Buffer, _encoding, done) => {
                    bytes += part.length;
                    done();
                },
            });
            return withDocker(script, async (calls) => {
                const result = await dockerStream("ssh://me@server", ["cp"], to, seconds);
                assert.deepEqual(calls(), ["--host ssh://me@server cp"]);
                return { ...result, bytes };
            });
        };

        it("hands on output of any size, and gives what else it says", async () => {
            const size = 100 * 1024 * 1024;
            assert.deepEqual(await stream(`head -c ${size} /dev/zero; echo note >&2`), {
                code: 0,
                stdout: "",
                output: "note\n",
                bytes: size,
            });
        });

        for (const [what, script, code] of [
            ["gives its exit code", "echo out; echo no >&2; exit 3", 3],
            ["fails with 1 where a signal ends it", "echo out; echo no >&2; kill -9 $$", 1],
            ["ends with 124 when its time is over", "echo out; echo no >&2; exec sleep 30", 124],
        ] as const) {
            it(what, async () => {
                assert.deepEqual(await stream(script, code === 124 ? 1 : 30), {
                    code,
                    stdout: "",
                    output: "no\n",
                    bytes: 4,
                });
            });
        }
    });
});

describe("the last lines", () => {
    it("are 30, without what follows the last of them", () => {
        const lines = Array.from({ length: 40 }, (_, index) => `line ${index + 1}`);
        const shown = lines.slice(10).map((line) => `  | ${line}`);
        assert.equal(lastLines(`${lines.join("\n")}\n\n`, []), shown.join("\n"));
        assert.equal(lastLines("one", []), "  | one");
    });

    const masked: [name: string, text: string, secrets: string[], expected: string][] = [
        ["every time", "abcd, abcd", ["abcd"], "  | [secret], [secret]"],
        ["the longer one first", "abcdefgh", ["abcd", "abcdefgh"], "  | [secret]"],
        ["over several lines", "a\nkey1\nkey2\nb", ["key1\nkey2"], "  | a\n  | [secret]\n  | b"],
        ["as text, not as a pattern", "a.c$& abcd", ["a.c$&"], "  | [secret] abcd"],
        ["but not what is shorter than 4 characters", "a dev abc", ["", "a", "abc"], "  | a dev abc"],
    ];
    for (const [name, text, secrets, expected] of masked) {
        it(`hide a secret ${name}`, () => {
            const given = [...secrets];
            assert.equal(lastLines(text, secrets), expected);
            assert.deepEqual(secrets, given);
        });
    }

    it("of a container come from its log, output and errors alike", async () => {
        await withDocker("echo hunter2; echo err >&2", async (calls) => {
            assert.equal(
                await containerLog(new DockerHost("ssh://a@b"), "web-1", ["hunter2"]),
                "  | [secret]\n  | err",
            );
            assert.deepEqual(calls(), ["--host ssh://a@b logs --tail 300 web-1"]);
        });
    });
});

describe("a build", () => {
    const none = undefined as unknown as pulumi.Resource;
    const build: Build = {
        context: "app",
        dockerfile: "docker/Dockerfile",
        args: { RELEASE: "web", RUNNER_IMAGE: "debian:1" },
    };
    const command = "-f docker/Dockerfile --build-arg RELEASE=web --build-arg RUNNER_IMAGE=debian:1";
    const failed = { newInputs: { build } } as unknown as pulumi.ErrorHookArgs;

    it("is one of Docker's command line, with what Docker prints", async () => {
        await withDocker("echo missing end >&2; exit 5", async (calls) => {
            const result = await buildImage(
                new DockerHost("ssh://a@b"),
                { ...build, platform: "linux/arm64" },
                ["--quiet"],
            );
            assert.deepEqual(result, { code: 5, stdout: "", output: "missing end\n" });
            await buildImage(new DockerHost(), build, []);
            assert.deepEqual(calls(), [
                `--host ssh://a@b build --platform linux/arm64 ${command} --quiet app`,
                `build ${command} app`,
            ]);
        });
    });

    it("that failed is tried once more for its last lines, and then no more", async () => {
        await withDocker("echo missing end; exit 5", async (calls) => {
            let again: boolean | undefined;
            const errors = await logged(
                "error",
                async () => (again = await explainBuild(new DockerHost(), failed, none)),
            );
            assert.equal(again, false);
            assert.deepEqual(errors, ["the build failed:\n  | missing end"]);
            assert.deepEqual(calls(), [`build ${command} --progress=plain app`]);
        });
    });

    it("that failed, and succeeds this time, needs no words", async () => {
        await withDocker("echo fine", async (calls) => {
            assert.deepEqual(await logged("error", () => explainBuild(new DockerHost(), failed, none)), []);
            assert.equal(calls().length, 1);
        });
    });
});

describe("the build of a ReleaseImage", () => {
    it("that failed is explained by its log, and its secrets are gone from the disk", async () => {
        await mockPulumi();
        const { transformations, onError, beforeCreate } = hooksOf("web");
        const args = { app: "examples/hello", release: "web", version: "1.0.0", repository: "c" };
        const images = { builderImage: "a", runnerImage: "b", buildSecrets: { HEX_KEY: "hunter2" } };
        new ReleaseImage("web", { ...args, ...images }, { transformations });
        await settled();
        assert.deepEqual([onError.length, beforeCreate.length], [1, 1]);
        const failed = {} as pulumi.ErrorHookArgs;
        await beforeCreate[0]?.callback({} as pulumi.ResourceHookArgs);
        const folder = ".decanter/build/test-web";
        assert.match(fs.readFileSync(`${folder}/secret`, "utf8"), /hunter2/);
        fs.writeFileSync(`${folder}/log`, "the key hunter2 is wrong\n");
        let again: boolean | undefined;
        const errors = await logged("error", async () => (again = await onError[0]?.callback(failed)));
        assert.equal(again, false);
        assert.deepEqual(errors, ["the build failed:\n  | the key [secret] is wrong"]);
        assert.ok(!fs.existsSync(`${folder}/secret`));
        fs.rmSync(folder, { recursive: true });
        assert.deepEqual(await logged("error", () => Promise.resolve(onError[0]?.callback(failed))), []);
    });
});

describe("the builder of a ReleaseImage", () => {
    it("that follows from versions, and does not exist, is refused before the build", async () => {
        await mockPulumi();
        const { transformations, beforeCreate } = hooksOf("web");
        const args = { app: "examples/hello", release: "web", version: "1.0.0", repository: "c" };
        const debian = "debian-trixie-20260623-slim";
        const images = {
            builderImage: `docker.io/hexpm/elixir:1.18.2-erlang-27.1-${debian}`,
            runnerImage: "docker.io/debian:trixie-20260623-slim",
            builderVersions: "elixir 1.18.2 (a) and erlang 27.1 (b)",
        };
        const provider = new docker.Provider("docker", { host: "ssh://me@server" });
        new ReleaseImage("web", { ...args, ...images }, { transformations, provider });
        await settled();
        const asked: string[] = [];
        const before = globalThis.fetch;
        globalThis.fetch = (url) => {
            asked.push(url as string);
            const name = `1.18.2-erlang-27.1.2-${debian}`;
            return Promise.resolve(new Response(JSON.stringify({ next: null, results: [{ name }] })));
        };
        try {
            await withDocker('echo "no such manifest: $4"; exit 1', async (calls) => {
                await assert.rejects(
                    Promise.resolve(beforeCreate[0]?.callback({} as pulumi.ResourceHookArgs)),
                    /1\.18\.2-erlang-27\.1-\S+ does not exist, .*\n {2}pulumi config set builderImage \S+:1\.18\.2-erlang-27\.1\.2-debian-trixie-20260623-slim$/,
                );
                assert.match(calls().join("\n"), /^--host ssh:\/\/me@server image inspect/);
            });
        } finally {
            globalThis.fetch = before;
        }
        assert.equal(
            asked[0],
            "https://hub.docker.com/v2/repositories/hexpm/elixir/tags?name=1.18.2-erlang-27.1-debian-trixie-&page_size=100&page=1",
        );
        assert.ok(!fs.existsSync(".decanter/build/test-web/secret"));
    });
});

describe("the attestations of an image", () => {
    const storing = (status: string) => `echo '${status}'`;

    it("are kept by the containerd image store", async () => {
        const status = "overlayfs [[driver-type io.containerd.snapshotter.v1]]";
        await withDocker(storing(status), async (calls) => {
            await mustKeepAttestations(new DockerHost("ssh://a@b"));
            assert.deepEqual(calls(), ["--host ssh://a@b info --format {{.Driver}} {{.DriverStatus}}"]);
        });
    });

    it("are refused where the Docker host would drop them, or is not there", async () => {
        await withDocker(storing("overlay2 [[Backing Filesystem extfs]]"), () =>
            assert.rejects(
                mustKeepAttestations(new DockerHost()),
                /sbom and provenance need the containerd image store on the Docker host, and it has overlay2: set "features"/,
            ),
        );
        await withDocker("echo no route >&2; exit 1", () =>
            assert.rejects(
                mustKeepAttestations(new DockerHost()),
                /the Docker host does not tell how it stores images: no route$/,
            ),
        );
    });
});

describe("the boot check", () => {
    const image = "web@sha256:1";
    const given = { image, env: { REGION: "Douro Sul" }, secretNames: ["TOKEN", "RELEASE_COOKIE"] };
    /** A `docker` with an image for a platform, whose release says something and ends with a code. */
    const having = (platform: string, said = "echo decanter: begun", code = 0) => `
        case "$*" in
            *"image inspect"*) echo ${platform} ;;
            *version*) echo linux/amd64 ;;
            *run*) ${said}; exit ${code} ;;
        esac`;
    const check =
        (starts: boolean, more = {}) =>
        async () =>
            bootCheckHook("web", { ...given, isBootable: starts, host: new DockerHost(), ...more }).callback(
                {} as pulumi.ResourceHookArgs,
            );

    it("starts the release once, with its plain environment, dummies for secrets, and nothing that it could use", async () => {
        await withDocker(having("linux/amd64"), async (calls) => {
            const hook = bootCheckHook("web", {
                ...given,
                isBootable: true,
                host: new DockerHost("ssh://a@b"),
            });
            const twice = [1, 2].map(async () => hook.callback({} as pulumi.ResourceHookArgs));
            await Promise.all(twice);
            const [run = "", ...others] = calls().filter((call) => call.includes(" run "));
            assert.deepEqual(others, []);
            assert.match(
                run,
                /^--host ssh:\/\/a@b run --rm --name decanter-boot-check-\S+ --network none .*--read-only --tmpfs \/tmp --cap-drop ALL .* web@sha256:1 sh -c /,
            );
            for (const variable of ["REGION=Douro Sul", "TOKEN=dummy", "RELEASE_COOKIE=dummy"])
                assert.ok(run.includes(` --env ${variable} `), run);
        });
        await withDocker(having("linux/amd64"), async (calls) => {
            await check(true, { readOnly: false })();
            assert.ok(!calls().some((call) => call.includes("--read-only")));
        });
    });

    const refused = "the release does not start on its image, so it is not deployed: ";
    it("refuses what the loader refuses, and what a start script refuses", async () => {
        const said = [
            [
                "echo decanter: begun; echo decanter: load_failed :crypto Failed to load NIF: libcrypto.so.3: cannot open shared object file",
                ":crypto cannot be loaded: Failed to load NIF: libcrypto.so.3: cannot open shared object file. Is runnerImage of the builder's Debian?",
            ],
            ["echo boom >&2", "its start script failed (exit code 3). Its last lines:\n  | boom"],
        ];
        for (const [script = "", problem = ""] of said) {
            await withDocker(having("linux/amd64", script, 3), () =>
                assert.rejects(check(true)(), ({ message }: Error) => message.startsWith(refused + problem)),
            );
        }
    });

    it("fails where the image is for a different CPU, whoever has built it", async () => {
        for (const starts of [true, false]) {
            await withDocker(having("linux/arm64"), async (calls) => {
                await assert.rejects(
                    check(starts),
                    /web@sha256:1 is for linux\/arm64, and the Docker host is linux\/amd64: build for it \(pulumi config set platform linux\/amd64\)/,
                );
                assert.ok(!calls().some((call) => call.startsWith("run")));
            });
        }
    });

    it("leaves an image that it does not start, or that is not there, to its containers", async () => {
        await withDocker(having("linux/amd64", "echo boom", 3), async (calls) => {
            await check(false)();
            assert.ok(calls().includes("pull -q web@sha256:1"));
        });
        await withDocker("exit 1", () => check(false)());
    });

    const begun = "decanter: begun\n";
    for (const [what, code, output, refuses, notes] of [
        ["a release that loads", 0, `${begun}decanter: done\n`, undefined, undefined],
        [
            "an on_load of the app's own",
            0,
            `${begun}decanter: failed Geo on_load_failure\n`,
            undefined,
            /^not loaded without .*Geo \(on_load_failure\)/,
        ],
        [
            "a crash while it loads",
            139,
            begun,
            undefined,
            /^the release ended with exit code 139 while its modules were loaded, which is not refused/,
        ],
        ["one that hangs", 124, begun, undefined, /^the release did not end within 300 s/],
        [
            "a library that is missing",
            0,
            `${begun}decanter: load_failed Gpu Failed: 'libcuda.so.1: cannot open shared object file: No'\n`,
            /^Gpu cannot be loaded: .* The image has no libcuda\.so\.1: pulumi config set --path 'runtimePackages\[0\]' PACKAGE/,
            undefined,
        ],
        [
            "a NIF that is not in the release",
            0,
            `${begun}decanter: load_failed Geo Failed to load NIF library: '/app/lib/geo/priv/geo.so: cannot open shared object file: No'\n`,
            /The release has no \/app\/lib\/geo\/priv\/geo\.so: is it compiled by/,
            undefined,
        ],
        [
            "a libc that is older",
            0,
            `${begun}decanter: load_failed Gpu /lib/libc.so.6: version \`GLIBC_2.99' not found\n`,
            /Is runnerImage of the builder's Debian\?/,
            undefined,
        ],
        [
            "a NIF for a different Erlang",
            0,
            `${begun}decanter: bad_lib Gpu Library version (2.99) not compatible\n`,
            /^Gpu cannot be loaded: .*It was made for a different Erlang/,
            undefined,
        ],
        [
            "a VM that does not start",
            127,
            "/app/erts/bin/beam.smp: error while loading shared libraries: libtinfo.so.6: cannot open shared object file\n",
            /^\/app\/erts\/bin\/beam\.smp: .*Is runnerImage of the builder's Debian\?/,
            undefined,
        ],
        [
            "dash without a variable",
            2,
            "/app/releases/1/env.sh: 3: REGION: parameter not set\n",
            /^its start script failed \(exit code 2\)\. It wants REGION: pulumi config set --path env\.REGION/,
            undefined,
        ],
        [
            "bash without a variable",
            127,
            "/app/releases/1/env.sh: line 3: REGION: say where\n",
            /It wants REGION: /,
            undefined,
        ],
        [
            "a command that is missing",
            127,
            "/app/releases/1/env.sh: line 3: jq: command not found\n",
            /^its start script failed \(exit code 127\)\. Its last lines:\n/,
            undefined,
        ],
    ] as const) {
        it(`tells ${what}`, () => {
            const { refused: is, noted } = verdict({ code, output, stdout: "" });
            if (refuses === undefined) assert.equal(is, undefined);
            else assert.match(is ?? "", refuses);
            if (notes === undefined) assert.equal(noted, undefined);
            else assert.match(noted ?? "", notes);
        });
    }
});

describe("a migration that runs", () => {
    async function hookOf(given: Partial<MigrationArgs> = {}, host?: string): Promise<() => Promise<void>> {
        await mockPulumi();
        const args = {
            image: "web@sha256:1",
            command: "bin/migrate",
            seconds: 30,
            envs: [],
            networkName: "net",
            secrets: pulumi.secret(["hunter2"]),
            ...given,
        };
        const provider = new docker.Provider("docker", { host });
        const { migrateHook: migrated } = new Migration("web-migration", args, { provider });
        await settled();
        return async () => migrated.callback({} as pulumi.ResourceHookArgs);
    }

    const failed =
        'the migration "bin/migrate" failed, so nothing of the new release is started, and the next pulumi up migrates again: ' +
        "container web-migration";
    /** A `docker` whose container does something when it is started, and is then in a state. */
    const migrating = (start: string, state = { Status: "exited", ExitCode: 7, OOMKilled: false }) => `
        case "$*" in
            *start*) ${start} ;;
            *inspect*) echo '${JSON.stringify([{ Name: "/web-migration", RestartCount: 0, State: state }])}' ;;
        esac`;
    const speaking = "echo 'url has hunter2'; echo boom >&2;";

    it("runs once for all replicas", async () => {
        const migrate = await hookOf({}, "ssh://a@b");
        await withDocker("exit 0", async (calls) => {
            await Promise.all([migrate(), migrate()]);
            await migrate();
            assert.deepEqual(calls(), ["--host ssh://a@b start --attach web-migration-id"]);
        });
    });

    it("fails every replica with its exit code and its last lines, secrets hidden", async () => {
        const migrate = await hookOf();
        const message = `${failed} stopped with exit code 7. Its last lines:\n  | url has [secret]\n  | boom`;
        await withDocker(migrating(`${speaking} exit 7`), async (calls) => {
            await assert.rejects(migrate(), { message });
            await assert.rejects(migrate(), { message });
            assert.deepEqual(calls(), [
                "start --attach web-migration-id",
                "container inspect web-migration-id",
            ]);
        });
    });

    it("fails with Docker's words where its container cannot be started", async () => {
        const migrate = await hookOf();
        const state = { Status: "created", ExitCode: 127, OOMKilled: false };
        await withDocker(migrating("echo no such file; exit 1", state), async () => {
            await assert.rejects(migrate(), /web-migration could not be started \(no such file\)\. Its last/);
        });
    });

    it("is stopped when its time is over", async () => {
        const migrate = await hookOf({ seconds: 1 }, "ssh://a@b");
        await withDocker(migrating(`${speaking} exec sleep 30`), async (calls) => {
            const problem = "took longer than 1 s (migrateSeconds)";
            const message = `${failed} ${problem}. Its last lines:\n  | url has [secret]\n  | boom`;
            await assert.rejects(migrate(), { message });
            assert.deepEqual(calls(), [
                "--host ssh://a@b start --attach web-migration-id",
                "--host ssh://a@b stop web-migration-id",
                "--host ssh://a@b container inspect web-migration-id",
            ]);
        });
    });
});

describe("a swap", () => {
    async function swapOf() {
        await mockPulumi();
        const hooks = hooksOf("web-swap");
        const health = { port: 4001, path: "/up", bootSeconds: 5, bakeSeconds: 0 };
        const router = new Router("web-router", { image: "a", publicPort: 80, health });
        const args = {
            image: "web@sha256:1",
            version: "1.0.0",
            router,
            env: {},
            health,
            replicas: 2,
        };
        new DockerService(
            "web",
            {
                ...args,
                secrets: pulumi.secret<Record<string, string>>({ A: "hunter2" }),
            },
            {
                transformations: hooks.transformations,
                provider: new docker.Provider("docker", { host: "ssh://a@b" }),
            },
        );
        await settled();
        return hooks;
    }

    it("waits at the health gate for every replica, and the gate hides the secrets", async () => {
        const { beforeCreate } = await swapOf();
        assert.equal(beforeCreate.length, 1);
        const run = async () => beforeCreate[0]?.callback({} as pulumi.ResourceHookArgs);
        const state = (Status: string) =>
            JSON.stringify([
                {
                    Name: "/web-1",
                    RestartCount: 0,
                    State: { Status, ExitCode: 1, Health: { Status: "healthy" } },
                },
            ]);
        await withDocker(`echo '${state("running")}'`, async (calls) => {
            await run();
            const inspect = "--host ssh://a@b container inspect";
            assert.deepEqual(calls(), [
                `${inspect} --format {{.State.Status}} {{.Name}} web-1-1a2b3c4 web-2-1a2b3c4`,
                `${inspect} web-1-1a2b3c4 web-2-1a2b3c4`,
            ]);
        });
        const script = `
            case "$*" in
                *logs*) echo hunter2 ;;
                *"exec web-router-id bash -c"*) echo web-0 ;;
                *version*) echo 1.0.0 ;;
                *) echo '${state("exited")}' ;;
            esac`;
        await withDocker(script, () =>
            assert.rejects(
                run,
                /: container web-1 stopped with exit code 1\. Its last lines:\n {2}\| \[secret\]\nweb-1-1a2b3c4, web-2-1a2b3c4 stopped, kept for docker logs; release 1\.0\.0 has the traffic \(web-0\)$/,
            ),
        );
    });

    it("that failed is explained by its log, and not tried again", async () => {
        const { onError } = await swapOf();
        assert.equal(onError.length, 1);
        const failed = { newInputs: { name: "web-swap-7" } } as unknown as pulumi.ErrorHookArgs;
        const states = ["running", "exited"].map((Status, index) => ({
            Name: `/web-${index + 1}`,
            RestartCount: 0,
            State: { Status, ExitCode: 7 },
        }));
        const script = `
            case "$*" in
                *"logs --tail 300 web-swap-7") echo 'no server is up' ;;
                *logs*) echo hunter2 ;;
                *"exec web-router-id bash -c"*) $LOST echo web-1-1a2b3c4 ;;
                *version*) echo 1.0.0 ;;
                *inspect*) $LOST echo '${JSON.stringify(states)}' ;;
            esac`;
        const said =
            "the new release did not get the traffic, or lost it. The swap said:\n  | no server is up";
        for (const [lost, stopped] of [
            [
                "",
                "\ncontainer web-2 stopped with exit code 7. Its last lines:\n  | [secret]" +
                    "\nweb-2-1a2b3c4 stopped, kept for docker logs; release 1.0.0 has the traffic (web-1-1a2b3c4)",
            ],
            // The host itself may be out of reach.
            [
                "exit 1;",
                "\nthe router does not answer, so it is not known which release has the traffic, and nothing has been " +
                    "stopped: once it is known, docker stop web-1-1a2b3c4 web-2-1a2b3c4",
            ],
        ] as const) {
            await withDocker(script.replaceAll("$LOST", lost), async () => {
                let again: unknown;
                const errors = await logged(
                    "error",
                    async () => (again = await onError[0]?.callback(failed)),
                );
                assert.equal(again, false);
                assert.deepEqual(errors, [said + stopped]);
            });
        }
    });
});

describe("the value of an output, for hooks", () => {
    it("is what is inside, even if it is secret", async () => {
        await mockPulumi();
        assert.deepEqual(await valueOf(pulumi.secret(["hunter2"])), ["hunter2"]);
    });
});
