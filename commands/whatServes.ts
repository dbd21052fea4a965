import { DockerHost } from "../components/docker/dockerHost";
import { liveContainers } from "../components/dockerHost/refusedRelease";
import { command, say } from "./command";
import { Stack } from "./stack";

// STACK: says what serves it now, from the router itself; on AWS from the last deploy that succeeded.

command(async (name = "") => {
    const stack = new Stack(name);
    const { url = "", version = "" } = stack.outputs() as { url?: string; version?: string };
    const router = stack.router();
    if (router === undefined) {
        return say(
            `what serves now is not known, as the state of the stack ${name} cannot be read: pulumi stack export --stack ${name} says why`,
        );
    }
    if (stack.isOnAws()) {
        return say(
            version === ""
                ? `nothing serves yet: no deploy of the stack ${name} has succeeded`
                : `release ${version} serves on at ${url}, as far as the last deploy that succeeded knows`,
        );
    }
    const host = new DockerHost(stack.host);
    const live = router === null ? [] : await liveContainers(host, router);
    if (live === undefined)
        return say(`what serves now is not known, as the router does not answer: docker logs ${router}`);
    if (router === null || live.length === 0) {
        const when = version === "" ? "yet" : "now";
        return say(`nothing serves ${when}: no release of the stack ${name} has the traffic`);
    }
    const versions = await each(host, live, '{{index .Config.Labels "decanter.version"}}');
    const states = await each(
        host,
        live,
        "{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}",
    );
    const known = versions === "" ? "of an unknown version" : versions;
    const health = states === "" ? "its containers are gone: docker ps -a" : states;
    say(`release ${known} serves on at ${await addressOf(host, router, url)} (${health})`);
});

/** The URL of the outputs, unless the port has changed since the deploy that they are of. Behind an edge the router has none. */
async function addressOf(host: DockerHost, router: string, url: string): Promise<string> {
    const [published = ""] = (await host.run(["port", router, "8080"])).stdout.split("\n");
    const port = published.split(":").at(-1);
    return published === "" || url.startsWith("https://") || url.endsWith(`:${port}`)
        ? url
        : `http://${published}`;
}

/** What Docker knows of containers, each thing once. */
async function each(host: DockerHost, containers: string[], format: string): Promise<string> {
    const { stdout } = await host.run(["inspect", "--format", format, ...containers]);
    return [...new Set(stdout.split("\n").filter((line) => line !== ""))].sort().join(",");
}
