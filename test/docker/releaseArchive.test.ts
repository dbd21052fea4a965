import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
    CreateBucketCommand,
    GetObjectCommand,
    HeadObjectCommand,
    ListObjectsV2Command,
    S3Client,
} from "@aws-sdk/client-s3";
import * as pulumi from "@pulumi/pulumi";
import { archiveHook, type ArchiveHookArgs } from "../../components/archive/archiveHook";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { buildImage } from "../../components/image/buildImage";
import { ECR } from "../support/bootHost";
import { BootImages, dockerDoes } from "../support/bootImages";
import { restoreEnvironment } from "../support/environment";
import { mockPulumi } from "../support/mockPulumi";
import { Moto } from "../support/moto";

describe("the archive of a release", function () {
    this.timeout(600_000);

    const root = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-archive-"));
    const archive = path.join(root, "first");
    let images: BootImages;
    /** The example, by digest, in a registry that wants a login. */
    let image: string;
    /** The tarball, and with it the others. */
    let file: string;
    let files: string[];

    const hook = (folder: string, given: Partial<ArchiveHookArgs> = {}) => {
        const args = {
            app: "examples/hello",
            release: "hello",
            version: "0.1.0",
            image,
            builderImage: images.base("builder"),
            runnerImage: images.base("runner"),
            folder,
            host: new DockerHost(),
            ...given,
        };
        const { callback } = archiveHook("hello", args);
        return async () => callback({} as pulumi.ResourceHookArgs);
    };
    const containers = async () =>
        (await dockerDoes("ps", "-aq", "--filter", `ancestor=${image}`)).split("\n").filter(Boolean);
    const bytesOf = (folder: string) => files.map((name) => fs.readFileSync(path.join(folder, name)));
    const sh = (folder: string, script: string) =>
        execFileSync("sh", ["-c", script], { cwd: folder, encoding: "utf8" });

    before(async () => {
        await mockPulumi();
        images = await BootImages.start(`decanter-archive-test-${process.pid}`);
        const cpu = await dockerDoes("version", "--format", "{{.Server.Arch}}");
        file = `hello-0.1.0-linux-${cpu}.tar.gz`;
        files = ["", ".provenance.json", ".sha256"].map((end) => file + end);
        image = (await images.app()).replace(ECR, images.address);
        await hook(archive)();
    });
    after(async () => {
        await images.stop();
        fs.rmSync(root, { recursive: true });
    });

    it("has the tarball, a checksum that fits it, and the provenance of both", () => {
        assert.deepEqual(fs.readdirSync(archive).sort(), files);
        assert.equal(sh(archive, `sha256sum -c ${file}.sha256`), `${file}: OK\n`);
        const statement = JSON.parse(fs.readFileSync(path.join(archive, `${file}.provenance.json`), "utf8"));
        const [sha256] = sh(archive, `sha256sum ${file}`).split(" ");
        assert.deepEqual(statement.subject, [{ name: file, digest: { sha256 } }]);
        const { resolvedDependencies } = statement.predicate.buildDefinition;
        const [{ digest }] = resolvedDependencies.filter(({ name }: { name: string }) => name === "image");
        assert.equal(`sha256:${digest.sha256}`, image.split("@").at(1));
    });

    it("has what the tarball of mix release has, of root, and no cookie", () => {
        const listed = sh(archive, `tar -tzvf ${file}`).trimEnd().split("\n");
        const names = listed.map((line) => line.split(/\s+/).at(5)?.replace(/^\.\//, "") ?? "");
        const top = [...new Set(names.map((name) => name.replace(/\/.*/, "")))].filter(Boolean);
        assert.deepEqual(
            top.map((name) => name.replace(/-[\d.]+$/, "")),
            ["bin", "erts", "lib", "releases"],
        );
        assert.ok(names.includes("bin/hello") && names.includes("releases/runtime.exs"));
        assert.deepEqual(
            names.filter((name) => name.includes("COOKIE")),
            [],
        );
        assert.deepEqual([...new Set(listed.map((line) => line.split(/\s+/).at(1)))], ["root/root"]);
    });

    it("has the same bytes when the same image is archived again, and no container is left", async () => {
        const again = path.join(root, "again");
        await hook(again)();
        assert.deepEqual(bytesOf(again), bytesOf(archive));
        assert.deepEqual(await containers(), []);
    });

    it("starts where it is unpacked, with the libraries of the image's Debian", async () => {
        const folder = path.join(root, "unpacked");
        fs.mkdirSync(folder);
        sh(archive, `tar -xzf ${file} -C ${folder}`);
        const env = ["RELEASE_COOKIE=c", "SECRET_KEY_BASE=s", "PORT=4000", "PHX_SERVER=true", "LANG=C.UTF-8"];
        const options = ["-v", `${folder}:/srv/hello:ro`, ...env.flatMap((variable) => ["-e", variable])];
        const container = await dockerDoes(
            "run",
            "-d",
            ...options,
            ...["-e", "RELEASE_TMP=/tmp", images.base("runner"), "/srv/hello/bin/hello", "start"],
        );
        try {
            const ask = `exec 3<> /dev/tcp/127.0.0.1/4000; printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; head -n 1 <&3`;
            let answer = "";
            for (let tries = 0; !answer.includes("200") && tries < 150; tries++) {
                await sleep(200);
                answer = (await dockerCli(undefined, ["exec", container, "bash", "-c", ask])).stdout;
            }
            assert.match(
                answer,
                /^HTTP\/1\.\d 200/,
                (await dockerCli(undefined, ["logs", container])).output,
            );
            const erlang = ["exec", container, "/srv/hello/bin/hello", "rpc", "IO.puts(:code.root_dir())"];
            assert.equal(await dockerDoes(...erlang), "/srv/hello");
        } finally {
            await dockerCli(undefined, ["rm", "-f", container]);
        }
    });

    it("names the platform of an image for another CPU", async () => {
        const cpu = file.includes("arm64") ? "amd64" : "arm64";
        const tag = `decanter-archive-test-${process.pid}:${cpu}`;
        const folder = path.join(root, cpu);
        fs.mkdirSync(path.join(folder, "app/bin"), { recursive: true });
        fs.writeFileSync(path.join(folder, "app/bin/hello"), randomUUID());
        const dockerfile = path.join(folder, "Dockerfile");
        fs.writeFileSync(dockerfile, 'FROM scratch\nCOPY app /app\nCMD ["/app/bin/hello"]\n');
        const build = { context: folder, dockerfile, platform: `linux/${cpu}`, args: {} };
        const built = await buildImage(new DockerHost(), build, ["-q", "-t", tag]);
        assert.equal(built.code, 0, built.output);
        try {
            await hook(folder, { image: tag })();
            assert.equal(
                sh(folder, `tar -xzOf hello-0.1.0-linux-${cpu}.tar.gz ./bin/hello`),
                fs.readFileSync(path.join(folder, "app/bin/hello"), "utf8"),
            );
        } finally {
            await dockerCli(undefined, ["rmi", tag]);
        }
    });

    it("is refused for an image without a release", async () => {
        await assert.rejects(
            hook(path.join(root, "none"), { image: images.base("registry") })(),
            /the release hello 0\.1\.0 could not be archived.*Docker does not copy \/app.*\/app/s,
        );
        assert.ok(!fs.existsSync(path.join(root, "none")));
    });

    it("pulls the image where the Docker host has lost it, with the registry's login alone", async () => {
        // Whatever else names it, such as another test's build, stays.
        await dockerCli(undefined, ["rmi", "-f", `${images.address}/hello:1`, image]);
        const folder = path.join(root, "pulled");
        await assert.rejects(hook(folder)(), /is not on the Docker host, and cannot be pulled.*auth/s);
        const login = pulumi.secret({ username: "AWS", password: images.token });
        await hook(folder, { login })();
        assert.deepEqual(bytesOf(folder), bytesOf(archive));
    });

    describe("in a bucket, with moto for AWS", () => {
        const environment = { ...process.env };
        const region = "eu-central-1";
        const place = { region, bucket: "hello-archive", folder: "0.1.0-0123456789ab" };
        const Bucket = place.bucket;
        let moto: Moto | undefined;
        let client: S3Client;

        const stored = async () => (await client.send(new ListObjectsV2Command({ Bucket }))).Contents ?? [];

        before(async function () {
            try {
                moto = await Moto.start();
            } catch (error) {
                process.stderr.write(
                    `  skipped: moto cannot be had from PyPI (${(error as Error).message})\n`,
                );
                this.skip();
            }
            Object.assign(process.env, moto.env);
            client = new S3Client({ region });
            await client.send(
                new CreateBucketCommand({
                    Bucket,
                    CreateBucketConfiguration: { LocationConstraint: region },
                }),
            );
        });
        after(async () => {
            client?.destroy();
            restoreEnvironment(environment);
            await moto?.stop();
        });

        it("has the same files, each with its checksum", async () => {
            await hook(archive, { place })();
            const keys = files.map((name) => `${place.folder}/${name}`);
            assert.deepEqual(
                (await stored()).map(({ Key }) => Key),
                keys,
            );
            for (const [index, Key] of keys.entries()) {
                const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
                const bytes = await Body?.transformToByteArray();
                assert.deepEqual(Buffer.from(bytes ?? []), bytesOf(archive)[index]);
                const { ChecksumSHA256 } = await client.send(
                    new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }),
                );
                const [sum = ""] = sh(archive, `sha256sum ${files[index]}`).split(" ");
                assert.equal(ChecksumSHA256, Buffer.from(sum, "hex").toString("base64"));
            }
        });

        it("stays as it is when the same release is deployed again", async () => {
            const before = await stored();
            await hook(archive, { place })();
            assert.deepEqual(await stored(), before);
        });

        it("is refused, with AWS's words, where there is no bucket", async () => {
            await assert.rejects(
                hook(archive, { place: { ...place, bucket: "gone" } })(),
                /s3:ListBucket for s3:\/\/gone\/\S+ failed \(NoSuchBucket: .*\): pulumi refresh tells/,
            );
        });
    });
});
