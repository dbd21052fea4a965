import type * as docker from "@pulumi/docker";

/** Labels by name. */
export type Labels = Record<string, string>;

/** What every container of Decanter has: an init as PID 1, no privileges to gain, a log that is bounded. */
export const containerDefaults = {
    init: true,
    capabilities: { drops: ["ALL"] },
    securityOpts: ["no-new-privileges"],
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
};

/** Labels in the shape that Docker's resources take, in a stable order. */
export function toLabels(labels: Labels = {}): docker.types.input.ContainerLabel[] {
    return Object.entries(labels).map(([label, value]) => ({ label, value }));
}
