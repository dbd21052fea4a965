import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

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
export function dockerCli(host: string | undefined, args: string[], seconds = 30): Promise<DockerResult> {
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
