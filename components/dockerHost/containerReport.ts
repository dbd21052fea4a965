import * as os from "node:os";
import type { DockerHost } from "../docker/dockerHost";
import { LOG_LINES, lastLines, missingVariable } from "../release/logExcerpt";

/** The part of `docker inspect` that tells how a container is. */
export interface ContainerState {
    Name: string;
    Image: string;
    RestartCount: number;
    State: {
        Status: string;
        ExitCode: number;
        OOMKilled: boolean;
        StartedAt: string;
        Health?: { Status: string; Log?: { Output: string }[] | null };
    };
}

/** Looks at containers, by name or id. Throws when one is not there. */
export async function inspect(host: DockerHost, containers: string[]): Promise<ContainerState[]> {
    const { code, stdout, output } = await host.run(["container", "inspect", ...containers]);
    if (code !== 0)
        throw new Error(`the containers of the new release cannot be looked at: ${output.trim()}`);
    return JSON.parse(stdout) as ContainerState[];
}

/**
 * How a container has stopped; undefined for one that has not. Docker starts it again, at first faster than anybody looks.
 *
 * @param restarts how often it had been started again before
 */
export async function stopped(
    host: DockerHost,
    container: ContainerState,
    restarts = 0,
): Promise<string | undefined> {
    const { Status, OOMKilled, ExitCode } = container.State;
    if (["restarting", "exited", "dead"].includes(Status)) return howItEnded(OOMKilled, ExitCode);
    return container.RestartCount > restarts ? lastEnd(host, container) : undefined;
}

/** How a container ended before it was started again: Docker's events know. */
async function lastEnd(host: DockerHost, { Name, State }: ContainerState): Promise<string> {
    const filters = [`container=${Name.slice(1)}`, "event=die", "event=oom"];
    const args = [
        "events",
        "--since",
        "1h",
        // "0s" would be the full second before now, and miss an end within this one.
        "--until",
        State.StartedAt,
        ...filters.flatMap((filter) => ["--filter", filter]),
    ];
    const format = '{{.Action}} {{index .Actor.Attributes "exitCode"}}';
    const { stdout } = await host.run([...args, "--format", format]);
    const code = /.*^die (\d+)/ms.exec(stdout)?.[1];
    return code === undefined
        ? "stopped, and Docker started it again"
        : howItEnded(/^oom/m.test(stdout), Number(code));
}

function howItEnded(forMemory: boolean, code: number): string {
    if (forMemory) return "was killed because it used more memory than its limit (memoryMb)";
    const [signal] = Object.entries(os.constants.signals).find(([, number]) => number === code - 128) ?? [];
    return signal === undefined
        ? `stopped with exit code ${code}`
        : `was ended by ${signal} (exit code ${code})`;
}

/** What the last health check of a container got for an answer. */
export function lastCheck({ State }: ContainerState): string {
    return State.Health?.Log?.at(-1)?.Output.trim() ?? "no check has ended";
}

/** The last lines of a container's log, with every secret value replaced. */
export async function containerLog(host: DockerHost, container: string, secrets: string[]): Promise<string> {
    const { output } = await host.run(["logs", "--tail", `${LOG_LINES * 10}`, container]);
    return lastLines(output, secrets);
}

/**
 * What is wrong with a container, for the person who has to mend it: the problem, what to do where the log tells it, and
 * the log's last lines with secret values replaced.
 *
 * @param said what it has said, where that is known without its log
 */
export async function report(
    host: DockerHost,
    container: ContainerState,
    problem: string,
    secrets: string[],
    said?: string,
): Promise<string> {
    const name = container.Name.slice(1);
    const log = said === undefined ? await containerLog(host, name, secrets) : lastLines(said, secrets);
    return `container ${name} ${problem}.${await remedy(host, container, log)} Its last lines:\n${log}`;
}

async function remedy(host: DockerHost, { Image }: ContainerState, log: string): Promise<string> {
    const missing = missingVariable(log);
    if (missing !== "") return missing;
    if (/exec format error/i.test(log)) {
        const format = "{{.Os}}/{{.Architecture}}";
        const { stdout } = await host.run(["image", "inspect", "--format", format, Image]);
        return ` The image is for another CPU, ${stdout.trim()}: set platform to what the Docker host is.`;
    }
    return "";
}
