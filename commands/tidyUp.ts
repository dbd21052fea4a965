import * as fs from "node:fs";
import * as path from "node:path";
import { DockerHost } from "../components/docker/dockerHost";
import { liveContainers, stopForGood } from "../components/dockerHost/refusedRelease";
import { command, say } from "./command";
import { mayBeDeployed } from "./lock";
import { Stack } from "./stack";

// STACK [--unknown]: sees to it that a deploy that is over leaves nothing that works on, and no secret. With --unknown it
// removes the containers of the stack that its state does not know: what was under way when Pulumi was killed.

/** The longest that a release may take to stop: the limit of drainSeconds. */
const STOP_SECONDS = 3600;

command(async (name = "", flag) => {
    const stack = new Stack(name);
    if (flag === "--unknown") return removeUnknown(stack, new DockerHost(stack.host));
    if (mayBeDeployed(name)) return;
    forgetSecrets(name);
    if (!stack.isOnAws()) await stopRefused(stack, new DockerHost(stack.host));
});

/** Removes the build secrets that a killed deploy has left. */
function forgetSecrets(name: string): void {
    const [folder, prefix] = [".decanter/build", `${path.basename(name)}-`];
    if (!fs.existsSync(folder)) return;
    for (const build of fs.readdirSync(folder)) {
        // Another stack's name may begin with this one's.
        const isOwn = build.startsWith(prefix) && !build.slice(prefix.length).includes("-");
        if (isOwn) fs.rmSync(path.join(folder, build, "secret"), { force: true });
    }
}

/** Stops what runs of the stack's releases without having the traffic. What is stopped is kept for docker logs. */
async function stopRefused(stack: Stack, host: DockerHost): Promise<void> {
    const router = stack.router();
    if (!router) return;
    const network = await networkOf(host, router);
    if (network === undefined) return;
    const filters = ["--filter", `label=decanter.router=${network}`, "--format", "{{.ID}} {{.Names}}"];
    const running: string[] = [];
    for (const [id = "", name = ""] of await rows(host, "ps", ...filters)) {
        const mode = await networkOf(host, id);
        // A swap that is at work comes to its end, as it moves the traffic.
        if (mode?.startsWith("container:"))
            await host.run(
                ["exec", id, "sh", "-c", "until test -e /tmp/swapped; do sleep 0.2; done"],
                STOP_SECONDS,
            );
        else if (mode !== undefined) running.push(name);
    }
    if (running.length === 0) return;
    const live = await liveContainers(host, router);
    if (live === undefined)
        return say(
            `the router does not say which release has the traffic, so all of these run on: ${running.join(" ")}`,
        );
    const refused = running.filter((name) => !live.includes(name));
    if (refused.length === 0) return;
    say(`stopping what a deploy has left running without traffic: ${refused.join(" ")}`);
    const problem = await stopForGood(host, refused, STOP_SECONDS);
    if (problem !== undefined) say(`they could not be stopped (${problem})`);
}

async function removeUnknown(stack: Stack, host: DockerHost): Promise<void> {
    const resources = stack.resources();
    // Without the state nothing is known, which is no reason to remove everything.
    if (stack.isOnAws() || resources === undefined) return;
    const known = JSON.stringify(resources);
    const label = `label=decanter.stack=decanter/${stack.name}`;
    for (const [id = ""] of await rows(host, "ps", "-aq", "--no-trunc", "--filter", label)) {
        const format = '{{index .Config.Labels "decanter.router"}}';
        const [[router = "none"] = []] = await rows(host, "inspect", "--format", format, id);
        // Another checkout may have a stack of the same name on this host: its containers have another router.
        if (known.includes(id) || !known.includes(`"${router}"`)) continue;
        await host.run(["rm", "-f", id]);
        say(`removing a container that the interrupted deploy has left: ${id}`);
    }
}

async function networkOf(host: DockerHost, container: string): Promise<string | undefined> {
    const { code, stdout } = await host.run([
        "inspect",
        "--format",
        "{{.HostConfig.NetworkMode}}",
        container,
    ]);
    return code === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}

/** What Docker prints, by words, a line each. */
async function rows(host: DockerHost, ...args: string[]): Promise<string[][]> {
    const { stdout } = await host.run(args);
    return stdout
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.split(" "));
}
