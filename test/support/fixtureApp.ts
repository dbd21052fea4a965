import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { buildImage } from "../../components/image/buildImage";
import { buildSecret } from "../../components/image/buildVariables";
import { lastLines } from "../../components/release/logExcerpt";
import { earlyFiles } from "../../stacks/config/earlyFiles";
import { ourDockerfile } from "./dockerfile";
import { baseImageArgs } from "./machine";

/** How a container of a release runs here: with less than Decanter gives it. */
export const confined = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"].concat(
    ["RELEASE_COOKIE=c", "RELEASE_TMP=/tmp"].flatMap((variable) => ["-e", variable]),
);

interface Given {
    /** Build args of docker/Dockerfile. */
    args?: Record<string, string>;
    /** Variables of its build secret. */
    secrets?: Record<string, string>;
    /** The stage to build, where it is not the last one. */
    stage?: string;
}

/** An app of test/apps in a folder of its own, for tests to change, and the images that docker/Dockerfile makes of it. */
export class FixtureApp {
    static readonly nodeImage =
        process.env.DECANTER_STAND_INS === undefined ? "node:24-trixie-slim" : "decanter/node:trixie";
    readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-fixture-"));
    readonly image: string;
    private readonly images = new Set<string>();
    private readonly mark = `\n# ${this.folder}\n`;

    /** @param release what it is called, where nothing else is said */
    constructor(
        name: string,
        private release: string,
    ) {
        fs.cpSync(path.join("test/apps", name), this.folder, { recursive: true });
        this.image = `${path.basename(this.folder).toLowerCase()}-${process.pid}`;
    }

    /** Builds the image, and returns what the build says. */
    async build(given: Given = {}): Promise<string> {
        const { code, output } = await this.try(given);
        assert.equal(code, 0, lastLines(output, []));
        return output;
    }

    /** Builds what cannot be built, and returns what the build says. */
    async fail(given: Given = {}): Promise<string> {
        const { code, output } = await this.try(given);
        assert.notEqual(code, 0, "it was built");
        return lastLines(output, []);
    }

    /** The image of a stage that was built. */
    stage(name: string): string {
        return `${this.image}-${name}`;
    }

    /** What the release prints when it evaluates this, in a container of its own. */
    async eval(code: string): Promise<string> {
        const command = [`bin/${this.release}`, "eval", code];
        const result = await dockerCli(undefined, ["run", "--rm", ...confined, this.image, ...command], 120);
        assert.equal(result.code, 0, result.output);
        return result.stdout;
    }

    /** What the release prints when it evaluates this while it runs. */
    async rpc(code: string): Promise<string> {
        const name = this.image;
        await dockerCli(undefined, ["run", "-d", "--name", name, ...confined, this.image]);
        try {
            for (;;) {
                const result = await dockerCli(undefined, ["exec", name, `bin/${this.release}`, "rpc", code]);
                if (result.code === 0) return result.stdout;
                await sleep(200);
            }
        } finally {
            await dockerCli(undefined, ["rm", "-f", name]);
        }
    }

    write(file: string, text: string): void {
        fs.mkdirSync(path.dirname(path.join(this.folder, file)), { recursive: true });
        fs.writeFileSync(path.join(this.folder, file), text);
    }

    replace(file: string, from: string, to: string): void {
        replaceIn(path.join(this.folder, file), from, to);
    }

    async remove(): Promise<void> {
        fs.rmSync(this.folder, { recursive: true });
        if (this.images.size > 0) await dockerCli(undefined, ["rmi", "-f", ...this.images]);
    }

    private async try({ args = {}, secrets = {}, stage }: Given) {
        const image = stage === undefined ? this.image : this.stage(stage);
        this.release = args.RELEASE ?? this.release;
        this.images.add(image);
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-secret-"));
        const secret = path.join(folder, "build");
        const app = path.join(this.folder, args.APP ?? ".");
        // A step of an earlier run that is in Docker's cache would say nothing.
        const mix = path.join(app, "mix.exs");
        if (!fs.readFileSync(mix, "utf8").endsWith(this.mark)) fs.appendFileSync(mix, this.mark);
        fs.writeFileSync(secret, buildSecret(app, secrets));
        try {
            const build = {
                context: this.folder,
                dockerfile: ourDockerfile(),
                args: {
                    ...baseImageArgs(this.folder),
                    RELEASE: this.release,
                    EARLY: earlyFiles(app).join("\n"),
                    ...args,
                },
            };
            const target = stage === undefined ? [] : ["--target", stage];
            const options = [
                "--progress=plain",
                "-t",
                image,
                "--secret",
                `id=build,src=${secret}`,
                ...target,
            ];
            return await buildImage(new DockerHost(), build, options);
        } finally {
            fs.rmSync(folder, { recursive: true });
        }
    }
}

export function replaceIn(file: string, from: string, to: string): void {
    const text = fs.readFileSync(file, "utf8");
    assert.ok(text.includes(from), `${file} does not say ${from}`);
    fs.writeFileSync(file, text.replaceAll(from, to));
}

/** The steps of a build's builder that were not in the cache, by their function in docker/build/steps.sh. */
export function stepsThatRan(output: string): string[] {
    return [...output.matchAll(/^#(\d+) \[builder [^\]]*\] RUN (.*)$/gm)]
        .filter(([, step]) => !output.includes(`\n#${step} CACHED`))
        .map(([, , command]) => command?.split(" ").at(-1) ?? "");
}

/**
 * Those of the texts, of one line each, that lie in the image: in any layer, also where a later one removes it, or in its
 * history.
 */
export function textsIn(image: string, texts: string[]): string[] {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-layers-"));
    fs.mkdirSync(path.join(folder, "image"));
    fs.writeFileSync(path.join(folder, "texts"), texts.join("\n"));
    // Some engines save their layers compressed.
    const script =
        'docker save "$1" | tar -xC "$2/image" && find "$2/image" -type f -exec gzip -cdf {} + | grep -aoFf "$2/texts" | sort -u';
    try {
        const found = execFileSync("sh", ["-c", script, "sh", image, folder], { encoding: "utf8" });
        return texts.filter((text) => found.split("\n").includes(text));
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
}
