import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";
import * as pulumi from "@pulumi/pulumi";
import { DockerHost } from "../../../components/docker/dockerHost";
import { archiveHook, type ArchiveHookArgs } from "../../../components/archive/archiveHook";
import { restoreEnvironment } from "../../support/environment";
import { type FakeS3, withFakeS3 } from "../../support/fakeS3";
import { freePort } from "../../support/machine";
import { mockPulumi, withDocker } from "../../support/mockPulumi";

const digest = "0a".repeat(32);
const registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const image = `${registry}/hello@sha256:${digest}`;
const place = { region: "eu-central-1", bucket: "hello-archive", folder: "1.2.3-0123456789ab" };
const file = "hello-1.2.3-linux-arm64.tar.gz";
const files = ["", ".sha256", ".provenance.json"].map((end) => file + end);

/** What the image says of itself. */
const described = (labels: object | null = null) =>
    JSON.stringify([{ Os: "linux", Architecture: "arm64", Config: { Labels: labels } }]);

/** A `docker` that has the image, and gives a text for the tar of its release; steps may be replaced. */
const docker = (steps: Record<string, string> = {}) => {
    const all = {
        "image inspect": `echo '${described()}'`,
        create: "echo a-container",
        cp: "echo the release",
        rm: ":",
        ...steps,
    };
    const cases = Object.entries(all).map(([step, does]) => `*"${step} "*) ${does} ;;`);
    return `case "$*" in ${cases.join("\n")} *) echo "docker $* is not expected" >&2; exit 9 ;; esac`;
};

describe("archiving a release", () => {
    let folder: string;
    const hook = (given: Partial<ArchiveHookArgs> = {}) => {
        const args = {
            app: "../shop",
            release: "hello",
            version: "1.2.3",
            image: pulumi.output(image),
            builderImage: "docker.io/hexpm/elixir:1.20.2",
            runnerImage: "docker.io/debian:trixie-slim",
            folder,
            host: new DockerHost(),
            ...given,
        };
        const { callback } = archiveHook("hello", args);
        return async () => callback({} as pulumi.ResourceHookArgs);
    };
    const written = (name: string) => fs.readFileSync(path.join(folder, name));
    const messageOf = async (run: Promise<void>) => {
        const error = await run.then(
            () => undefined,
            (reason: Error) => reason,
        );
        const begin =
            "the release hello 1.2.3 could not be archived, so it is not deployed, and the next pulumi up tries again: ";
        assert.equal(error?.message.slice(0, begin.length), begin);
        return error?.message.slice(begin.length) ?? "";
    };

    before(() => mockPulumi());
    beforeEach(() => {
        folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "decanter-archive-")), "stack");
    });
    afterEach(() => fs.rmSync(path.dirname(folder), { recursive: true }));

    describe("to files", () => {
        it("takes it out of the image, without starting it, and leaves no container", async () => {
            await withDocker(docker(), async (calls) => {
                await hook({ host: new DockerHost("ssh://a@b") })();
                assert.deepEqual(
                    calls(),
                    [
                        `image inspect ${image}`,
                        `create --platform linux/arm64 ${image}`,
                        "cp a-container:/app/. -",
                        "rm a-container",
                    ].map((call) => `--host ssh://a@b ${call}`),
                );
            });
            assert.deepEqual(fs.readdirSync(folder).sort(), [...files].sort());
            assert.equal(gunzipSync(written(file)).toString(), "the release\n");
        });

        it("writes the checksum as sha256sum reads it, and the same bytes each time", async () => {
            await withDocker(docker(), hook());
            const sum = createHash("sha256").update(written(file)).digest("hex");
            assert.equal(written(`${file}.sha256`).toString(), `${sum}  ${file}\n`);
            const first = files.map(written);
            await withDocker(docker(), hook());
            assert.deepEqual(files.map(written), first);
        });

        it("tells in the provenance what the release was made of", async () => {
            const labels = {
                "org.opencontainers.image.revision": "0123456789abcdef0123456789abcdef01234567",
                "org.opencontainers.image.source": "https://git.example/acme/shop.git",
            };
            const steps = { "image inspect": `echo '${described(labels)}'` };
            await withDocker(docker(steps), hook());
            const statement = JSON.parse(written(`${file}.provenance.json`).toString());
            const [sum] = written(`${file}.sha256`).toString().split(" ");
            assert.deepEqual(statement.subject, [{ name: file, digest: { sha256: sum } }]);
            const { externalParameters, resolvedDependencies } = statement.predicate.buildDefinition;
            assert.deepEqual(externalParameters, {
                app: "../shop",
                release: "hello",
                version: "1.2.3",
                platform: "linux/arm64",
            });
            assert.deepEqual(resolvedDependencies.slice(0, 2), [
                {
                    name: "source",
                    uri: "git+https://git.example/acme/shop.git",
                    digest: { gitCommit: labels["org.opencontainers.image.revision"] },
                },
                {
                    name: "image",
                    uri: `pkg:docker/${registry}/hello@sha256:${digest}`,
                    digest: { sha256: digest },
                },
            ]);
        });

        it("is done once for all replicas", async () => {
            const archive = hook();
            await withDocker(docker(), async (calls) => {
                await Promise.all([archive(), archive()]);
                await archive();
                assert.equal(calls().length, 4);
            });
        });

        it("fails each replica where Docker has no container, or no release, and writes nothing", async () => {
            for (const [steps, message, removes] of [
                [
                    { create: "echo 'no space left' >&2; exit 1" },
                    "Docker makes no container of the image: no space left",
                    [],
                ],
                [
                    { cp: "echo half; echo 'no such folder' >&2; exit 1" },
                    "Docker does not copy /app out of the image (exit code 1):\n  | no such folder",
                    ["rm a-container"],
                ],
            ] as const) {
                await withDocker(docker(steps), async (calls) => {
                    const archive = hook();
                    assert.equal(await messageOf(archive()), message);
                    assert.equal(await messageOf(archive()), message);
                    assert.deepEqual(
                        calls().filter((call) => call.startsWith("rm")),
                        removes,
                    );
                });
                assert.ok(!fs.existsSync(folder));
            }
        });

        it("fails where the files cannot be written", async () => {
            fs.writeFileSync(folder, "");
            await withDocker(docker(), async () => assert.match(await messageOf(hook()()), /EEXIST/));
        });

        it("fails where Docker's command line is missing", async () => {
            const { PATH } = process.env;
            process.env.PATH = folder;
            try {
                assert.match(await messageOf(hook()()), /docker is not on the PATH/);
            } finally {
                process.env.PATH = PATH;
            }
        });
    });

    describe("whose image the Docker host does not have", () => {
        const login = pulumi.secret({ username: "AWS", password: "ecr-password" });

        it("pulls it, with the registry's login for this once", async () => {
            const seen = path.dirname(folder);
            const steps = {
                "image inspect": `test -e pulled || exit 1; echo '${described()}'`,
                pull: `touch pulled; cp -r "$2" '${seen}/config'`,
            };
            await withDocker(docker(steps), async (calls) => {
                await hook({ login })();
                const [, config = ""] = /^--config (\S+) pull -q (\S+)$/.exec(calls()[1] ?? "") ?? [];
                assert.equal(calls()[1], `--config ${config} pull -q ${image}`);
                assert.ok(!fs.existsSync(config), "the login is gone");
            });
            assert.deepEqual(JSON.parse(fs.readFileSync(`${seen}/config/config.json`, "utf8")), {
                auths: { [registry]: { auth: Buffer.from("AWS:ecr-password").toString("base64") } },
            });
            for (const name of ["config", "config/config.json"])
                assert.equal(fs.statSync(path.join(seen, name)).mode & 0o077, 0, name);
            assert.ok(fs.existsSync(path.join(folder, file)));
        });

        it("says so where it cannot be pulled, without the password", async () => {
            const pull = "echo 'denied: ecr-password has expired' >&2; exit 1";
            for (const [given, said] of [
                [{ login }, "denied: [secret] has expired"],
                [{}, "denied: ecr-password has expired"],
            ] as const) {
                await withDocker(docker({ "image inspect": "exit 1", pull }), async () =>
                    assert.equal(
                        await messageOf(hook(given)()),
                        `the image ${image} is not on the Docker host, and cannot be pulled; deploy from where it was ` +
                            `built, or build it again:\n  | ${said}`,
                    ),
                );
            }
        });
    });

    describe("to a bucket", () => {
        const keys = files.map((name) => `hello-archive/1.2.3-0123456789ab/${name}`);
        const list = "GET hello-archive?prefix=1.2.3-0123456789ab/";
        const at = "s3://hello-archive/1.2.3-0123456789ab";

        it("puts the files there, the provenance last", async () => {
            await withFakeS3(async (s3) => {
                await withDocker(docker(), hook({ place }));
                assert.deepEqual(s3.asked, [list, ...keys.map((key) => `PUT ${key}`)]);
                assert.deepEqual([...s3.objects.values()], files.map(written));
            });
        });

        it("does nothing where they are all there, as nothing may change there", async () => {
            await withFakeS3(async (s3) => {
                await withDocker(docker(), hook({ place }));
                const before = new Map(s3.objects);
                s3.asked.length = 0;
                await withDocker("exit 9", hook({ place }));
                assert.deepEqual(s3.asked, [list]);
                assert.deepEqual(s3.objects, before);
            });
        });

        it("goes on where the one before was interrupted, so that they fit each other", async () => {
            await withFakeS3(async (s3) => {
                const [first = "", second = ""] = keys;
                s3.objects.set(first, Buffer.from("compressed by another machine"));
                s3.objects.set(second, Buffer.from("its checksum"));
                await withDocker(docker(), hook({ place }));
                assert.deepEqual([...s3.objects.values()], files.map(written));
            });
        });

        for (const [what, status, code, message, remedy] of [
            [
                "may not",
                403,
                "AccessDenied",
                "User: arn:aws:sts::1:assumed-role/ci is not authorized",
                ": allow it to the role that deploys, on hello-archive and what is in it (docs/deploy-role)",
            ],
            [
                "finds no bucket",
                404,
                "NoSuchBucket",
                "The specified bucket does not exist",
                ": pulumi refresh tells Pulumi that it is gone, and the next pulumi up makes it again",
            ],
            ["is told something else", 409, "OperationAborted", "A conflicting operation is in progress", ""],
        ] as const) {
            for (const [method, action] of [
                ["GET", "s3:ListBucket"],
                ["PUT", "s3:PutObject"],
            ] as const) {
                it(`fails where it ${what} at ${action}, with AWS's words`, async () => {
                    const refuse: FakeS3["refuse"] = (request) =>
                        request.startsWith(method) ? { status, code, message } : undefined;
                    await withFakeS3(async (s3) => {
                        s3.refuse = refuse;
                        await withDocker(docker(), async () =>
                            assert.equal(
                                await messageOf(hook({ place })()),
                                `${action} for ${at} failed (${code}: ${message})${remedy}`,
                            ),
                        );
                        assert.equal(s3.objects.size, 0);
                    });
                });
            }
        }

        it("fails where what arrives is not what was sent, and the next try is whole", async () => {
            await withFakeS3(async (s3) => {
                s3.garbles = true;
                await withDocker(docker(), async () =>
                    assert.match(await messageOf(hook({ place })()), /^s3:PutObject for .* \(BadDigest: /),
                );
                assert.equal(s3.objects.size, 0);
                s3.garbles = false;
                await withDocker(docker(), hook({ place }));
                assert.deepEqual([...s3.objects.keys()], keys);
            });
        });

        it("tries again where AWS is busy", async () => {
            await withFakeS3(async (s3) => {
                let busy = 0;
                s3.refuse = (request) =>
                    request === `PUT ${keys[0]}` && ++busy < 3
                        ? { status: 503, code: "SlowDown", message: "Please reduce your request rate." }
                        : undefined;
                await withDocker(docker(), hook({ place }));
                assert.equal(busy, 3);
                assert.deepEqual([...s3.objects.keys()], keys);
            });
        });

        it("fails where nothing answers", async () => {
            const env = { ...process.env };
            Object.assign(process.env, {
                AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${await freePort()}`,
                AWS_ACCESS_KEY_ID: "fake",
                AWS_SECRET_ACCESS_KEY: "fake",
            });
            try {
                assert.match(
                    await messageOf(hook({ place })()),
                    /^s3:ListBucket for s3:\S+ failed \(.*ECONNREFUSED.*\)$/,
                );
            } finally {
                restoreEnvironment(env);
            }
        });
    });
});
