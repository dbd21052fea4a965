import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { DockerHost } from "../docker/dockerHost";

export interface RefusedReleaseArgs {
    /** Names of the release's containers. */
    containers: string[];
    /** Id of the router's container. */
    router: string;
    /** How long each container may take to stop, in seconds. */
    stopSeconds: number;
    /** Docker host. */
    host: DockerHost;
}

/**
 * Stops the containers of a release that a deploy has refused, except those that have the traffic: a replica may belong to
 * the release that serves, and a release that has lost its health while it serves is still what visitors have.
 *
 * @returns what has been stopped, and what serves, for an error message
 */
export async function stopRefused(args: RefusedReleaseArgs): Promise<string> {
    const { containers, router, stopSeconds, host } = args;
    const live = await liveContainers(host, router);
    if (live === undefined) {
        return (
            "the router does not answer, so it is not known which release has the traffic, and nothing has been stopped: " +
            `once it is known, docker stop ${containers.join(" ")}`
        );
    }
    const refused = containers.filter((name) => !live.includes(name));
    const stopped = refused.length === 0 ? "" : `${await stop(host, refused, stopSeconds)}; `;
    if (live.length === 0) return `${stopped}no release has the traffic`;
    const format = '{{index .Config.Labels "decanter.version"}}';
    const { stdout } = await host.run(["container", "inspect", "--format", format, ...live]);
    const versions = [...new Set(stdout.trim().split("\n"))];
    return `${stopped}release ${versions.join(", ")} has the traffic (${live.join(", ")})`;
}

/** Stops a release for which its gate has thrown, and throws the gate's error with what has become of the release. */
export async function refuse(args: RefusedReleaseArgs, error: Error): Promise<never> {
    throw new Error(`${error.message}\n${await stopRefused(args)}`, { cause: error });
}

/**
 * Hooks for the containers of a release, which are made at once: where one of them cannot be made, those that are there
 * stop, and those that are under way stop when they are there.
 *
 * @param explain runs last where a container could not be made
 */
export function allOrNone(
    name: string,
    stopSeconds: number,
    host: DockerHost,
    explain: () => Promise<boolean>,
): { madeHook: pulumi.ResourceHook; failedHook: pulumi.ErrorHook } {
    const there: string[] = [];
    let isIncomplete = false;
    const madeHook = new pulumi.ResourceHook(`${name}-made`, async ({ id }) => {
        there.push(id);
        if (isIncomplete) await stopForGood(host, [id], stopSeconds);
    });
    const failedHook = new pulumi.ErrorHook(`${name}-missing`, async ({ newInputs }) => {
        isIncomplete = true;
        // One that failed late may run.
        for (const container of [...there, String(newInputs?.name)])
            await stopForGood(host, [container], stopSeconds);
        return explain();
    });
    return { madeHook, failedHook };
}

/**
 * Stops containers with their grace, and takes their restart policy: the Docker daemon would start them with its next start.
 * They are kept for `docker logs`.
 *
 * @returns what Docker says where they could not be stopped
 */
export async function stopForGood(
    host: DockerHost,
    containers: string[],
    stopSeconds: number,
): Promise<string | undefined> {
    // First, so that a container that crashes is not started again in between.
    const updated = await host.run(["update", "--restart", "no", ...containers]);
    // One after the other, each with its own grace.
    const seconds = containers.length * stopSeconds + 30;
    const stopped = await host.run(["stop", ...containers], seconds);
    return [updated, stopped].find(({ code }) => code !== 0)?.output.trim();
}

/** Stops containers for good, and gives what has become of them. */
async function stop(host: DockerHost, containers: string[], stopSeconds: number): Promise<string> {
    const problem = await stopForGood(host, containers, stopSeconds);
    const what =
        problem === undefined ? "stopped, kept for docker logs" : `could not be stopped (${problem})`;
    return `${containers.join(", ")} ${what}`;
}

/** Starts the containers that an earlier deploy has refused. They get back their restart policy. */
export async function startAgain(host: DockerHost, containers: string[], restart: string): Promise<void> {
    const format = "{{.State.Status}} {{.Name}}";
    const { stdout } = await host.run(["container", "inspect", "--format", format, ...containers]);
    const stopped = [...stdout.matchAll(/^(?:exited|created) \/(.*)$/gm)].map(([, name = ""]) => name);
    if (stopped.length === 0) return;
    for (const command of [["update", "--restart", restart], ["start"]]) {
        const { code, output } = await host.run([...command, ...stopped]);
        if (code !== 0) {
            throw new Error(`the containers of the new release could not be started again: ${output.trim()}`);
        }
    }
}

/** Names of the containers that have the traffic; undefined where the router does not say. */
export async function liveContainers(host: DockerHost, router: string): Promise<string[] | undefined> {
    // A router that runs has the image of its own day, which may not have this program.
    const program = fs.readFileSync(path.join(__dirname, "..", "..", "docker", "router", "live"), "utf8");
    const { code, stdout } = await host.run(["exec", router, "bash", "-c", program]);
    return code === 0 ? stdout.split("\n").filter((name) => name !== "") : undefined;
}
