import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as pulumi from "@pulumi/pulumi";

/** Lines of a container's log that an error shows. */
const LOG_LINES = 30;

export interface DockerResult {
    /** Exit code; 124 where the time limit ended the command. */
    code: number;
    /** Its standard output. */
    stdout: string;
    /** All that it printed. */
    output: string;
}

/**
 * Runs Docker's command line, for hooks alone: what a resource can do is a resource.
 *
 * @param host Docker host, such as `ssh://user@host`; undefined is the machine's own
 * @param args arguments of `docker`
 * @param seconds time limit
 */
export function docker(host: string | undefined, args: string[], seconds = 30): Promise<DockerResult> {
    return new Promise((resolve, reject) => {
        const options = { ...optionsOf(seconds), maxBuffer: 64 * 1024 * 1024 };
        execFile("docker", on(host, args), options, (error, stdout, stderr) => {
            if (error === null) return resolve({ code: 0, stdout, output: stdout + stderr });
            if (error.code === "ENOENT") return reject(notInstalled());
            const code = error.killed ? 124 : typeof error.code === "number" ? error.code : 1;
            resolve({ code, stdout, output: stdout + stderr });
        });
    });
}

/**
 * Runs Docker's command line, and writes its standard output, of any size, to a stream.
 *
 * @returns what `docker` does, without the standard output
 */
export async function dockerStream(
    host: string | undefined,
    args: string[],
    to: Writable,
    seconds: number,
): Promise<DockerResult> {
    const child = spawn("docker", on(host, args), {
        ...optionsOf(seconds),
        stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stderr.on("data", (part: Buffer) => (output += part.toString()));
    const closed = once(child, "close").catch(() => {
        throw notInstalled();
    });
    const [[code]] = (await Promise.all([closed, pipeline(child.stdout, to)])) as [[number | null], void];
    return { code: child.killed ? 124 : (code ?? 1), stdout: "", output };
}

function on(host: string | undefined, args: string[]): string[] {
    return host ? ["--host", host, ...args] : args;
}

function optionsOf(seconds: number) {
    return {
        timeout: seconds * 1000,
        // A client that is asked to stop passes that on, and may then end well: that would look like success.
        killSignal: "SIGKILL" as const,
        env: { ...process.env, DOCKER_BUILDKIT: "1" },
    };
}

function notInstalled(): Error {
    return new Error("the command docker is not on the PATH: install Docker's command line");
}

/** The value of an output, for hooks: when they run, the resources that they follow are there. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
    return new Promise((resolve) => {
        output.apply((value) => resolve(value));
    });
}

/** The last lines of a text, with every secret value replaced. */
export function lastLines(text: string, secrets: string[]): string {
    const masked = secrets
        .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
        .filter((secret) => secret.length >= 4)
        .sort((a, b) => b.length - a.length)
        .reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);
    const lines = masked.trimEnd().split("\n").slice(-LOG_LINES);
    return lines.map((line) => `  | ${line}`).join("\n");
}

/** The last lines of a container's log, with every secret value replaced. */
export async function containerLog(
    host: string | undefined,
    container: string,
    secrets: string[],
): Promise<string> {
    const { output } = await docker(host, ["logs", "--tail", `${LOG_LINES * 10}`, container]);
    return lastLines(output, secrets);
}

/** For `docker.Image`, the platform of the Docker host: without a word the provider takes this machine's. */
export const hostPlatform = "";

/** What `docker.Image` builds. */
export interface Build {
    context: string;
    dockerfile: string;
    platform?: string;
    args: Record<string, string>;
}

/**
 * Builds with Docker's command line what `docker.Image` builds with its API.
 *
 * @param options further options of `docker build`
 */
export function buildImage(host: string | undefined, build: Build, options: string[]): Promise<DockerResult> {
    const platform = build.platform ? ["--platform", build.platform] : [];
    const args = Object.entries(build.args).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
    return docker(
        host,
        ["build", ...platform, "-f", build.dockerfile, ...args, ...options, build.context],
        3600,
    );
}

/** Builds once more what failed to build, which the cache makes short, and logs the last lines of what it says. */
export async function explainBuild(
    failed: pulumi.ErrorHookArgs,
    host: string | undefined,
    resource: pulumi.Resource,
): Promise<boolean> {
    const { code, output } = await buildImage(host, failed.newInputs?.build as Build, ["--progress=plain"]);
    if (code !== 0) {
        await pulumi.log.error(`the build failed:\n${lastLines(output, [])}`, resource);
    }
    return false;
}

/** Logs an error where a container could not be made because its image is gone. */
export async function explainMissing(
    image: pulumi.Input<string>,
    host: string | undefined,
    resource: pulumi.Resource,
): Promise<boolean> {
    const reference = await valueOf(pulumi.output(image));
    const { code } = await docker(host, ["image", "inspect", reference]);
    if (code !== 0) {
        await pulumi.log.error(
            `the image ${reference} is neither on the Docker host nor in its registry: ` +
                "deploy a different release, or build this one again",
            resource,
        );
    }
    return false;
}
