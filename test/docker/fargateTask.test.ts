import { strict as assert } from "node:assert";
import * as http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { clusterEnv, consoleCommand, containerDefinitions } from "../../components/fargate/taskContainer";
import { buildImage } from "../../components/image/buildImage";
import { releaseEnv } from "../../components/release/releaseEnv";
import { App } from "../support/app";

/** The part of a container definition that says how the container is run. */
interface Definition {
    command?: string[];
    environment: { name: string; value: string }[];
    healthCheck: { command: string[]; interval: number; timeout: number; retries: number };
    linuxParameters: {
        capabilities?: { drop: string[] };
        tmpfs: { containerPath: string; size: number; mountOptions: string[] }[];
    };
    readonlyRootFilesystem: boolean;
    secrets: { name: string }[];
    user: string;
}

/** Runs what ECS is handed as ECS would: the container definition, with the metadata endpoint of its task. */
describe("a task on Fargate, run by Docker", function () {
    this.timeout(300_000);

    const image = `decanter-task-test-${process.pid}`;
    const network = image;
    const containers: string[] = [];
    const app = new App();
    let gateway = "";
    let endpoint: http.Server;

    const run = async (...args: string[]) => {
        const { code, output, stdout } = await dockerCli(undefined, args, 120);
        assert.equal(code, 0, output);
        return stdout.trim();
    };
    /** The definition of a task's container. */
    const define = (nodeName: string | undefined): Definition => {
        const [definition] = JSON.parse(
            containerDefinitions({
                name: "hello",
                image,
                env: {
                    ...releaseEnv({ port: 4000, domain: "www.example.com" }),
                    ...(nodeName && (clusterEnv("nodes.internal") as Record<string, string>)),
                },
                secretArns: { RELEASE_COOKIE: "arn:cookie", SECRET_KEY_BASE: "arn:key" },
                health: { port: 4000, path: "/health" },
                drainSeconds: 30,
                limits: { cpus: "0.5", memoryMb: 512 },
                console: true,
                nodeName,
                logGroup: "/decanter/test/hello",
                region: "eu-central-1",
            }),
        ) as [Definition];
        return definition;
    };
    /** Starts a task, and gives the id of its container. */
    const start = async (nodeName?: string) => {
        const definition = define(nodeName);
        const { healthCheck, linuxParameters } = definition;
        const [, ...check] = healthCheck.command;
        const id = await run(
            "run",
            "--detach",
            "--network",
            network,
            "--init",
            "--user",
            definition.user,
            ...(definition.readonlyRootFilesystem ? ["--read-only"] : []),
            ...linuxParameters.tmpfs.flatMap(({ containerPath, size, mountOptions }) => [
                "--tmpfs",
                `${containerPath}:${mountOptions.join(",")},size=${size}m`,
            ]),
            ...[
                ...definition.environment.map(({ name, value }) => `${name}=${value}`),
                ...definition.secrets.map(({ name }) => `${name}=secret-of-the-cluster`),
                `ECS_CONTAINER_METADATA_URI_V4=http://${gateway}/v4/0123-4567`,
            ].flatMap((variable) => ["--env", variable]),
            "--health-cmd",
            check.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" "),
            "--health-interval",
            "1s",
            image,
            ...(definition.command ?? []),
        );
        containers.push(id);
        for (const deadline = Date.now() + 60_000; ; await sleep(200)) {
            const state = await run("inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", id);
            if (state === "running healthy") return id;
            assert.ok(state.startsWith("running") && Date.now() < deadline, `${state}: ${await logs(id)}`);
        }
    };
    const logs = async (id: string) => (await dockerCli(undefined, ["logs", id])).output;
    const addressOf = (id: string) =>
        run("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id);
    /** Asks a running node, by the same way in as a remote console. */
    const ask = async (id: string, elixir: string) => {
        const command = consoleCommand("hello")
            .replace(/^\/bin\/sh -c '(.*)'$/, "$1")
            .replace(/ remote$/, ` rpc '${elixir}'`);
        // A console comes as root, anywhere, with the environment of the task alone.
        return run("exec", "--user", "0", "--workdir", "/", id, "/bin/sh", "-c", command);
    };

    before(async () => {
        const built = await buildImage(new DockerHost(), app.build(), ["-t", image]);
        assert.equal(built.code, 0, built.output);
        await run("network", "create", network);
        gateway = await run("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", network);
        endpoint = http.createServer((request, response) => {
            const Networks = [{ NetworkMode: "awsvpc", IPv4Addresses: [request.socket.remoteAddress] }];
            const known = request.url === "/v4/0123-4567";
            response.writeHead(known ? 200 : 404);
            response.end(known ? JSON.stringify({ DockerName: "hello", Networks }) : "not found");
        });
        await new Promise<void>((resolve, reject) => {
            endpoint.once("error", reject);
            endpoint.listen(80, gateway, resolve);
        });
    });
    after(async () => {
        if (containers.length > 0) await dockerCli(undefined, ["rm", "-f", ...containers]);
        endpoint.close();
        await dockerCli(undefined, ["network", "rm", network]);
        await dockerCli(undefined, ["rmi", "-f", image]);
        app.remove();
    });

    it("serves as a user without rights, on a file system that is read-only", async () => {
        const id = await start();
        assert.equal(
            await run("exec", id, "sh", "-c", "id -u; touch /app/x 2> /dev/null || echo read-only"),
            "65534\nread-only",
        );
        assert.match(await ask(id, "IO.puts(node())"), /^hello@/);
    });

    it("is a node with the address of its task, and lets a remote console in beside it", async () => {
        const id = await start("hello");
        assert.equal(await ask(id, "IO.puts(node())"), `hello@${await addressOf(id)}`);
        assert.equal(
            await ask(id, "IO.inspect(:application.get_env(:kernel, :inet_dist_listen_min))"),
            "{:ok, 9100}",
        );
    });

    it("finds other nodes: those of every release together, or those of its own apart", async () => {
        const connected = async (one: string, other: string) => {
            const address = await addressOf(other);
            // As DNSCluster does: its own first part of the name, at an address that DNS has told.
            const elixir = `[base, _] = String.split(to_string(node()), "@"); IO.inspect(Node.connect(:"#{base}@${address}"))`;
            return ask(one, elixir);
        };
        const [first, second] = [await start("hello"), await start("hello")];
        assert.equal(await connected(first, second), "true");
        const [earlier, later, same] = [
            await start("hello-0a1b2c3d4e5f"),
            await start("hello-5f4e3d2c1b0a"),
            await start("hello-5f4e3d2c1b0a"),
        ];
        assert.equal(await connected(earlier, later), "false");
        assert.equal(await connected(later, same), "true");
    });

    it("says so where the metadata endpoint tells no address", async () => {
        const script = define("hello").command ?? [];
        const uri = `ECS_CONTAINER_METADATA_URI_V4=http://${gateway}/v4/gone`;
        const { code, output } = await dockerCli(undefined, [
            "run",
            "--rm",
            "--network",
            network,
            "--env",
            uri,
            image,
            ...script,
        ]);
        assert.equal(code, 1);
        assert.match(output, /the metadata endpoint tells no address: HTTP\/1\.[01] 404/);
    });
});
