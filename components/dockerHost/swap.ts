import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { containerDefaults, type Labels, toLabels } from "../docker/containerDefaults";
import { DockerHost } from "../docker/dockerHost";
import { wholeHealth } from "../release/healthCheck";
import { readyAfter } from "../release/readyAfter";
import { valueOf } from "../release/valueOf";
import { inspect, report, stopped, containerLog } from "./containerReport";
import { IDLE_SECONDS } from "./idleSeconds";
import { stopRefused } from "./refusedRelease";
import type { ReleaseFacts, Router } from "./router";

/** How long the router itself may take to find a release healthy that says so already. */
const CHECK_SECONDS = 15;

/** What replaces a router by the present one. Its name differs from stack to stack. */
const REPLACE_ROUTER =
    "./bin/pulumi up --replace '**Container::*router' replaces it, and closes its port for about a second";

export interface SwapArgs extends ReleaseFacts {
    router: Router;
    /** Names of the containers that get the traffic. */
    containers: pulumi.Input<string>[];
    /** Version of the release, for the log. */
    version: string;
    /** How long requests that have begun may take on the old release, in seconds. */
    drainSeconds: number;
    /** Runs before the traffic moves; when it throws, the traffic stays. */
    gateHook: pulumi.ResourceHook;
    /** Runs when the traffic has moved. */
    afterSwapHook?: pulumi.ResourceHook;
    /** Values that no error shows. */
    secrets: pulumi.Output<string[]>;
    labels?: Labels;
}

/**
 * Moves the router's traffic to other containers, and drains those that had it: a container that runs once per deploy
 * in the router's network namespace (`docker/router/swap`). Where the containers fail once they have the traffic, it goes
 * back.
 *
 * It is done when its health check says so. A container that runs once counts as made even if it fails; one that has to
 * become healthy does not, so the next `pulumi up` swaps again.
 */
export class Swap extends pulumi.ComponentResource {
    /** Names of the containers that have the traffic; it resolves only when they have it. */
    public readonly containers: pulumi.Output<string[]>;

    constructor(name: string, args: SwapArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:Swap", name, {}, opts);

        const host = DockerHost.of(this);
        // It checks, bakes, waits for an answer from the public port, and drains; with a new configuration it waits before
        // that until nobody has a connection to the router's former process.
        const health = wholeHealth(args.health);
        const waitTimeout =
            2 * CHECK_SECONDS + health.bakeSeconds + 2 * args.drainSeconds + IDLE_SECONDS + 10;
        const explainHook = new pulumi.ErrorHook(`${name}-log`, async (failed) => {
            const swap = String(failed.newInputs?.name);
            // Where the provider has given up, the swap may still be at work, and the traffic on its way.
            const done = ["exec", swap, "sh", "-c", "until test -e /tmp/swapped; do sleep 0.2; done"];
            await host.run(done, waitTimeout);
            const log = await containerLog(host, swap, []);
            const said = `the new release did not get the traffic, or lost it. The swap said:\n${log}`;
            // The host itself may be out of reach.
            const text = [said, ...(await reports(host, args).catch(() => [])), await refuse(host, args)];
            await pulumi.log.error(text.join("\n"), this);
            return false;
        });
        const noteHook = new pulumi.ResourceHook(`${name}-notes`, async (made) => {
            const log = await containerLog(host, String(made.newOutputs?.name), []);
            const notes = [...log.matchAll(/ note: (.*)$/gm)].map(([, note]) => note);
            if (notes.length > 0) await pulumi.log.warn(notes.join("\n"), this);
        });
        const container = new docker.Container(
            name,
            {
                ...containerDefaults,
                image: args.router.imageId,
                entrypoints: ["/usr/local/bin/swap"],
                command: args.containers,
                envs: [
                    `VERSION=${args.version}`,
                    `PORT=${health.port}`,
                    `HEALTH_PATH=${health.path}`,
                    `HEALTH_HOST=${health.host}`,
                    `BEHIND_PROXY=${args.behindProxy ?? false}`,
                    ...(args.hstsSeconds ? [`HSTS=${args.hstsSeconds}`] : []),
                    ...(args.router.edge === undefined ? [] : [`EDGE=${args.router.edge}`]),
                    `REPLACE=${REPLACE_ROUTER}`,
                    `CHECK_SECONDS=${CHECK_SECONDS}`,
                    `BAKE_SECONDS=${health.bakeSeconds}`,
                    `FORMER_SECONDS=${IDLE_SECONDS}`,
                    `DRAIN_SECONDS=${args.drainSeconds}`,
                ],
                networkMode: pulumi.interpolate`container:${args.router.containerId}`,
                volumes: [{ volumeName: args.router.volumeName, containerPath: "/var/lib/haproxy" }],
                readOnly: true,
                tmpfs: { "/tmp": "" },
                labels: toLabels(args.labels),
                healthcheck: {
                    tests: ["CMD", "test", "-e", "/tmp/swapped"],
                    interval: "500ms",
                    timeout: "5s",
                    retries: 1,
                },
                mustRun: false,
                wait: true,
                waitTimeout,
            },
            {
                parent: this,
                deleteBeforeReplace: false,
                hooks: {
                    beforeCreate: [args.gateHook],
                    afterCreate: [noteHook, ...(args.afterSwapHook ? [args.afterSwapHook] : [])],
                    onError: [explainHook],
                },
            },
        );
        this.containers = readyAfter(pulumi.all(args.containers), container.id);
        this.registerOutputs({ containers: this.containers });
    }
}

/** Stops the containers, unless they have the traffic all the same. */
async function refuse(host: DockerHost, { containers, router, drainSeconds }: SwapArgs): Promise<string> {
    const [names, id] = await Promise.all([valueOf(pulumi.all(containers)), valueOf(router.containerId)]);
    return stopRefused({ containers: names, router: id, stopSeconds: drainSeconds, host });
}

/** What became of the containers that have stopped. */
async function reports(host: DockerHost, { containers, secrets }: SwapArgs): Promise<string[]> {
    const [names, hidden] = await Promise.all([valueOf(pulumi.all(containers)), valueOf(secrets)]);
    const states = await inspect(host, names);
    const all = states.map(async (state) => {
        const problem = await stopped(host, state);
        return problem === undefined ? [] : [await report(host, state, problem, hidden)];
    });
    return (await Promise.all(all)).flat();
}
