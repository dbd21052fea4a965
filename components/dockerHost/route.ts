import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { containerDefaults, type Labels, restart, toLabels } from "../docker/containerDefaults";
import { DockerHost } from "../docker/dockerHost";
import { mustBe, mustBeWhole } from "../release/arguments";
import { valueOf } from "../release/valueOf";
import { EDGE_LABEL, edgeName } from "./edgeName";
import { IDLE_SECONDS } from "./idleSeconds";
import type { Router } from "./router";

/** How long the edge may take to lead a name to a router, in seconds. */
const ANSWER_SECONDS = 20;

export interface RouteArgs {
    /** The edge, by its name. */
    edge: string;
    /** The router that visitors are led to: one behind that edge. */
    router: Router;
    /** Host names; of two stacks that ask for one, the first has it. They may have a wildcard in their first place. */
    names: string[];
    /**
     * How long requests that have begun may take on a router that is replaced, in seconds.
     *
     * @default 30
     */
    drainSeconds?: number;
    /** Labels of the container. */
    labels?: Labels;
}

/**
 * The names of a stack at an edge: a container that leaves them in the edge's volume, and takes them away when it goes. It is made
 * once the edge leads there, and before that nobody is led away from a router that was there: then that one drains and stops.
 *
 * A name that another stack has fails the deploy.
 */
export class Route extends pulumi.ComponentResource {
    constructor(name: string, args: RouteArgs, opts?: pulumi.ComponentResourceOptions) {
        const component = `Route ${name}`;
        const { edge, router, names, drainSeconds = 30 } = args;
        mustBe(names.length > 0, component, "names", "one host name or more", names);
        mustBeWhole(drainSeconds, [1, 3600], component, "drainSeconds");
        super("decanter:index:Route", name, {}, opts);

        const host = DockerHost.of(this);
        const explainHook = new pulumi.ErrorHook(`${name}-word`, async (failed) => {
            const container = String(failed.newInputs?.name);
            const { code, stdout } = await host.run(["exec", container, "/usr/local/bin/route", "check"]);
            if (code === 0 || stdout === "") return false;
            // It must not get the names later, when nobody deploys.
            await host.run(["stop", container]);
            await pulumi.log.error(`visitors are not led here: ${stdout.trim()}`, this);
            return false;
        });
        const formerHook = new pulumi.ResourceHook(`${name}-former-routers`, async () => {
            const [network, present] = await Promise.all([
                valueOf(router.networkName),
                valueOf(router.containerId),
            ]);
            const all = await host.running(`network=${network}`, `label=${EDGE_LABEL}`);
            const former = all.filter((id) => id !== present);
            const seconds = IDLE_SECONDS + drainSeconds;
            if (former.length > 0) await host.run(["stop", "--time", `${seconds}`, ...former], seconds + 30);
        });
        new docker.Container(
            name,
            {
                ...containerDefaults,
                image: router.imageId,
                entrypoints: ["/usr/local/bin/route"],
                envs: [
                    // The network's name begins with the stack's, and tells it from one of another project.
                    pulumi.interpolate`OWNER=${router.networkName}`,
                    pulumi.interpolate`ROUTER=${router.containerName}`,
                    `NAMES=${names.join(" ")}`,
                ],
                networkMode: "none",
                volumes: [{ volumeName: edgeName(edge), containerPath: "/edge" }],
                healthcheck: {
                    tests: ["CMD", "/usr/local/bin/route", "check"],
                    interval: "2s",
                    timeout: "5s",
                    retries: ANSWER_SECONDS,
                },
                wait: true,
                waitTimeout: ANSWER_SECONDS,
                readOnly: true,
                restart,
                // It leaves a word when it is asked to stop.
                destroyGraceSeconds: 10,
                labels: toLabels(args.labels),
            },
            {
                parent: this,
                deleteBeforeReplace: false,
                hooks: { afterCreate: [formerHook], onError: [explainHook] },
            },
        );
        this.registerOutputs();
    }
}
