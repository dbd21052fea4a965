import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import {
    containerDefaults,
    type Labels,
    limitsOptions,
    restart,
    servingShares,
    toLabels,
} from "../docker/containerDefaults";
import { DockerHost } from "../docker/dockerHost";
import { mustBeWhole } from "../release/arguments";
import { checkHealth, healthCheck, wholeHealth } from "../release/healthCheck";
import { checkLimits, containerLimits, type Limits } from "../release/limits";
import { checkMigration, type ReleaseMigration } from "../release/migrationCommand";
import { readyAfter } from "../release/readyAfter";
import { valueOf } from "../release/valueOf";
import { healthGate } from "./healthGate";
import { Migration } from "./migration";
import { explainMissing } from "./missingImage";
import { allOrNone, refuse, startAgain } from "./refusedRelease";
import type { ReleaseFacts, Router } from "./router";
import { SLOT_SIZE } from "./slotSize";
import { Swap } from "./swap";

export interface DockerServiceArgs extends ReleaseFacts {
    /** Image of the release, by digest. */
    image: pulumi.Input<string>;
    /** Version of the release: a label of its containers. */
    version: string;
    /** The router whose traffic the release gets. */
    router: Router;
    /** Plain environment, by name. */
    env: Record<string, string>;
    /** Secret environment, by name. */
    secrets: pulumi.Output<Record<string, string>>;
    /**
     * Containers that share the traffic, 1 to 8.
     *
     * @default 1
     */
    replicas?: number;
    /**
     * How long requests that have begun may take on the old release, and then how long it may take to stop, in seconds.
     *
     * @default 30
     */
    drainSeconds?: number;
    /** What migrates before the release starts; without it nothing does. */
    migration?: ReleaseMigration;
    /**
     * What each container may use.
     *
     * @default a read-only file system, and no limit
     */
    limits?: Limits;
    /** Runs before anything of the image is started; the deploy ends where it throws. */
    beforeStartHooks?: pulumi.ResourceHook[];
    /** Runs when the traffic has moved. */
    afterSwapHook?: pulumi.ResourceHook;
    /** Labels of every container. */
    labels?: Labels;
}

/**
 * A release that serves on a Docker host. A deploy migrates, starts the new containers beside the old ones, waits until
 * they are healthy and stay so, swaps the router's traffic, and then stops the old ones. Where a step fails the deploy
 * ends there: the new containers stop, and the next deploy of the same release starts them again for its check.
 */
export class DockerService extends pulumi.ComponentResource {
    /** Image that serves, by digest; like the names of the containers it resolves only when they have the traffic. */
    public readonly image: pulumi.Output<string>;
    /** Names of the containers that serve. */
    public readonly containers: pulumi.Output<string[]>;

    constructor(name: string, args: DockerServiceArgs, opts?: pulumi.ComponentResourceOptions) {
        const component = `DockerService ${name}`;
        checkHealth(args.health, component);
        checkLimits(args.limits, component);
        mustBeWhole(args.replicas, [1, SLOT_SIZE], component, "replicas");
        mustBeWhole(args.drainSeconds, [1, 3600], component, "drainSeconds");
        checkMigration(args.migration, component);
        super("decanter:index:DockerService", name, {}, opts);

        const { router, version, limits, drainSeconds = 30 } = args;
        const host = DockerHost.of(this);
        const { bootSeconds, bakeSeconds } = wholeHealth(args.health);
        const envs = pulumi.secret(args.secrets.apply((secrets) => envList({ ...args.env, ...secrets })));
        const secrets = args.secrets.apply((all) => Object.values(all));

        // Tells the containers of two stacks of the same name apart, which may meet on one host.
        const labels = {
            ...args.labels,
            "decanter.version": version,
            "decanter.router": router.networkName,
        };

        const migration =
            args.migration &&
            new Migration(
                `${name}-migration`,
                {
                    ...args.migration,
                    image: args.image,
                    envs,
                    networkName: router.networkName,
                    limits,
                    secrets,
                    labels,
                },
                { parent: this },
            );

        const beforeStart = [...(args.beforeStartHooks ?? []), ...(migration ? [migration.migrateHook] : [])];
        const { madeHook, failedHook } = allOrNone(name, drainSeconds, host, () =>
            explainMissing(host, args.image, this),
        );
        const containers = Array.from({ length: args.replicas ?? 1 }, (_, index) => {
            return new docker.Container(
                `${name}-${index + 1}`,
                {
                    ...containerDefaults,
                    image: args.image,
                    envs,
                    networkMode: router.networkName,
                    networksAdvanced: [{ name: router.networkName }],
                    healthcheck: healthCheck(args.health),
                    ...containerLimits(limits),
                    restart,
                    cpuShares: servingShares,
                    stopTimeout: drainSeconds,
                    destroyGraceSeconds: drainSeconds,
                    labels: toLabels(labels),
                },
                {
                    parent: this,
                    // The provider's default would stop the old release before the new one exists.
                    deleteBeforeReplace: false,
                    dependsOn: migration,
                    hooks: { beforeCreate: beforeStart, afterCreate: [madeHook], onError: [failedHook] },
                    ...limitsOptions,
                    // The provider would note another check, and leave the container with its own.
                    replaceOnChanges: [...limitsOptions.replaceOnChanges, "healthcheck"],
                },
            );
        });

        const names = pulumi.all(containers.map((container) => container.name));
        const healthyHook = new pulumi.ResourceHook(`${name}-healthy`, async () => {
            const all = await valueOf(names);
            const [hidden, id] = await Promise.all([valueOf(secrets), valueOf(router.containerId)]);
            const release = { containers: all, router: id, stopSeconds: drainSeconds, host };
            await startAgain(host, all, restart);
            await healthGate({ containers: all, bootSeconds, bakeSeconds, secrets: hidden, host }).catch(
                (error: Error) => refuse(release, error),
            );
        });
        const swap = new Swap(
            `${name}-swap`,
            {
                router,
                containers: containers.map((container) => container.name),
                version,
                health: args.health,
                behindProxy: args.behindProxy,
                hstsSeconds: args.hstsSeconds,
                drainSeconds,
                gateHook: healthyHook,
                afterSwapHook: args.afterSwapHook,
                secrets,
                labels,
            },
            { parent: this },
        );
        this.containers = swap.containers;
        this.image = readyAfter(args.image, swap.containers);
        this.registerOutputs({ image: this.image, containers: this.containers });
    }
}

function envList(env: Record<string, string>): string[] {
    return Object.entries(env)
        .map(([key, value]) => `${key}=${value}`)
        .sort();
}
