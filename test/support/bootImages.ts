import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { buildImage } from "../../components/image/buildImage";
import { App } from "./app";
import { ECR } from "./bootHost";
import { baseImages, freePort } from "./machine";
import { settingsOf } from "./mockPulumi";

/** What the registry takes for a password; the hash is bcrypt's. */
const TOKEN = "ecr-canary-token-77";
const HASH = "$2b$05$decanterdecanterdecanehvSPWF/qkr5dQgPaET1QHtLXpzdQ1Gi";

/** Runs a command of Docker that has to succeed, and gives what it prints. */
export async function dockerDoes(...args: string[]): Promise<string> {
    const { code, stdout, output } = await dockerCli(undefined, args, 300);
    assert.equal(code, 0, output);
    return stdout.trim();
}

/** A registry that wants ECR's login, and images in it for hosts to boot. */
export class BootImages {
    readonly token = TOKEN;
    /** Address of the registry. */
    readonly address: string;
    private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-boot-images-"));
    private readonly images = settingsOf(baseImages());

    private constructor(
        private readonly name: string,
        port: number,
    ) {
        this.address = `127.0.0.1:${port}`;
    }

    static async start(name: string): Promise<BootImages> {
        const own = new BootImages(`${name}-registry`, await freePort());
        fs.writeFileSync(path.join(own.folder, "htpasswd"), `AWS:${HASH}\n`);
        const env = {
            REGISTRY_AUTH: "htpasswd",
            REGISTRY_AUTH_HTPASSWD_REALM: "ecr",
            REGISTRY_AUTH_HTPASSWD_PATH: "/auth/htpasswd",
            REGISTRY_STORAGE_DELETE_ENABLED: "true",
        };
        const options = Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
        options.push("-v", `${own.folder}:/auth:ro`, "-p", `${own.address}:5000`);
        await dockerDoes("run", "-d", "--name", own.name, ...options, own.base("registry"));
        for (
            let tries = 0;
            !(await own.asks("/v2/").then(
                (answer) => answer.ok,
                () => false,
            ));
            tries++
        ) {
            assert.ok(tries < 100, "the registry does not answer");
            await sleep(100);
        }
        await dockerDoes("--config", own.folder, "login", "-u", "AWS", "-p", TOKEN, own.address);
        return own;
    }

    /** The example with the misbehaviour of test/fixtures, and its reference in ECR. */
    async app(): Promise<string> {
        const app = new App();
        const built = await buildImage(new DockerHost(), app.build(), ["-q", "-t", this.nameOf("hello")]);
        app.remove();
        assert.equal(built.code, 0, built.output);
        return this.push("hello");
    }

    /** A release that boots only when the container `cellar` answers on port 5000, and then is test/support/upstream.exs. */
    async needy(cellar: string): Promise<string> {
        const script = `if [ "$NEEDS" = boot ]; then
            { exec 3<> /dev/tcp/${cellar}/5000; } 2> /dev/null || { echo "the cellar $DATABASE_URL does not answer"; exit 7; }
        elif [ "$NEEDS" = health ]; then
            until { exec 3<> /dev/tcp/${cellar}/5000; } 2> /dev/null; do sleep 0.2; done
        fi
        exec elixir /upstream.exs`;
        const files = { "upstream.exs": fs.readFileSync("test/support/upstream.exs", "utf8"), start: script };
        const lines = [`FROM ${this.base("builder")}`, "COPY upstream.exs start /", 'CMD ["bash", "/start"]'];
        return this.build("needy", files, lines);
    }

    /** An image that no Docker has pulled yet: one that was would do without the registry. */
    unpulled(): Promise<string> {
        return this.build("unpulled", {}, [`FROM ${this.nameOf("needy")}`, "LABEL pulled=never"]);
    }

    /** The TLS proxy. */
    async proxy(): Promise<string> {
        const args = { PROXY_IMAGE: this.base("router") };
        const build = { context: "docker/tls", dockerfile: "docker/tls/Dockerfile", args };
        const built = await buildImage(new DockerHost(), build, ["-q", "-t", this.nameOf("tls")]);
        assert.equal(built.code, 0, built.output);
        return this.push("tls");
    }

    async push(name: string): Promise<string> {
        await dockerDoes("--config", this.folder, "push", "-q", this.nameOf(name));
        const digests = await dockerDoes(
            "image",
            "inspect",
            "-f",
            '{{join .RepoDigests "\\n"}}',
            this.nameOf(name),
        );
        const digest = digests.split("\n").find((one) => one.startsWith(this.address));
        return `${ECR}/${name}@${digest?.split("@").at(1)}`;
    }

    /** Removes an image from the registry, as a lifecycle policy might. */
    async lose(reference: string): Promise<void> {
        const [, name, digest] = /\/([^@]+)@(.+)$/.exec(reference) ?? [];
        const answer = await this.asks(`/v2/${name}/manifests/${digest}`, { method: "DELETE" });
        assert.equal(answer.status, 202);
    }

    async stop(): Promise<void> {
        const names = ["hello", "needy", "unpulled", "tls"].map((name) => this.nameOf(name));
        await dockerCli(undefined, ["rm", "-f", "-v", this.name]);
        await dockerCli(undefined, ["rmi", "-f", ...names]);
        fs.rmSync(this.folder, { recursive: true });
    }

    base(name: string): string {
        return this.images[`decanter:${name}Image`] ?? "";
    }

    private async build(name: string, files: Record<string, string>, lines: string[]): Promise<string> {
        const context = fs.mkdtempSync(path.join(this.folder, "build-"));
        for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(context, file), text);
        fs.writeFileSync(path.join(context, "Dockerfile"), lines.join("\n"));
        await dockerDoes("build", "-q", "-t", this.nameOf(name), context);
        return this.push(name);
    }

    private nameOf(name: string): string {
        return `${this.address}/${name}:1`;
    }

    private asks(path: string, init: RequestInit = {}): Promise<Response> {
        const authorization = `Basic ${Buffer.from(`AWS:${TOKEN}`).toString("base64")}`;
        return fetch(`http://${this.address}${path}`, { ...init, headers: { authorization } });
    }
}
