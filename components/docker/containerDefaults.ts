import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";

/** Labels by name. */
export type Labels = Record<string, pulumi.Input<string>>;

/** What every container of Decanter has: an init as PID 1, no privileges to gain, a log that is bounded. */
export const containerDefaults = {
    init: true,
    capabilities: { drops: ["ALL"] },
    securityOpts: ["no-new-privileges"],
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
};

/**
 * Restart policy of what has to run. After a crash of the Docker daemon `unless-stopped` would leave the containers down,
 * because the daemon stops them while it starts (seen with 20.10 and 26.1).
 */
export const restart = "always";

/**
 * CPU shares of what answers visitors, so that a build beside it waits, and not they: a build has what a container has that is given
 * none, and all that BuildKit runs has as much together. That is 1024 by cgroup v1; by cgroup v2 runc before 1.3.2 makes as much of 2600.
 * So this is eight times a build, or three times. It is not more, as a database on the same host has no more than a build.
 */
export const servingShares = 8192;

/**
 * Options of a container with limits: Docker derives the limit on swap from the one on memory, and changes both only
 * together.
 */
export const limitsOptions = { replaceOnChanges: ["memory"], ignoreChanges: ["memorySwap"] };

/** Labels in the shape that Docker's resources take, in a stable order. */
export function toLabels(labels: Labels = {}): docker.types.input.ContainerLabel[] {
    return Object.entries(labels).map(([label, value]) => ({ label, value }));
}
