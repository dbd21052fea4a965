import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { containerDefaults, type Labels, toLabels } from "./containerDefaults";
import { containerLog } from "./docker";
import type { Router } from "./router";

/** How long the router itself may take to find a release healthy that says so already. */
const CHECK_SECONDS = 30;

export interface SwapArgs {
    router: Router;
    /** Names of the containers that get the traffic. */
    containers: pulumi.Input<string>[];
    /** How long requests that have begun may take on the old release, in seconds. */
    drainSeconds: number;
    /** Runs before the traffic moves; when it throws, the traffic stays. */
    gate: pulumi.ResourceHook;
    /** Docker host, for the report of a failed swap. */
    host?: string;
    labels?: Labels;
}

/**
 * Moves the router's traffic to other containers, and drains those that had it: a container that runs once per deploy
 * in the router's network namespace (`docker/router/swap`).
 *
 * It is done when its health check says so. A container that runs once counts as made even if it fails; one that has to
 * become healthy does not, so the next `pulumi up` swaps again.
 */
export class Swap extends pulumi.ComponentResource {
    /** Names of the containers that have the traffic; it resolves only when they have it. */
    public readonly containers: pulumi.Output<string[]>;

    constructor(name: string, args: SwapArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:Swap", name, {}, opts);

        const explained = new pulumi.ErrorHook(`${name}-log`, async (failed) => {
            const container = String(failed.newInputs?.name);
            const log = await containerLog(args.host, container, []);
            await pulumi.log.error(`the traffic did not move, the swap said:\n${log}`, this);
            return false;
        });
        const container = new docker.Container(
            name,
            {
                ...containerDefaults,
                image: args.router.imageId,
                entrypoints: ["/usr/local/bin/swap"],
                command: args.containers,
                envs: [
                    ...args.router.env,
                    `DRAIN_SECONDS=${args.drainSeconds}`,
                    `CHECK_SECONDS=${CHECK_SECONDS}`,
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
                waitTimeout: args.drainSeconds + CHECK_SECONDS + 10,
            },
            {
                parent: this,
                deleteBeforeReplace: false,
                hooks: { beforeCreate: [args.gate], onError: [explained] },
            },
        );
        this.containers = pulumi.all([pulumi.all(args.containers), container.id]).apply(([names]) => names);
        this.registerOutputs({ containers: this.containers });
    }
}
