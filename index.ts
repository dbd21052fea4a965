import { readConfig, readEdgeConfig } from "./stacks/config/config";
import { mustBeOneDaemon } from "./stacks/config/dockerContext";
import { lastOutputs } from "./stacks/outputs";

// Only the stack's own target is loaded: AWS's packages take long.
/* eslint-disable @typescript-eslint/no-require-imports */
const targets = {
    docker: () => require("./stacks/dockerHost") as typeof import("./stacks/dockerHost"),
    fargate: () => require("./stacks/fargate") as typeof import("./stacks/fargate"),
    "floating-ip": () => require("./stacks/floatingIp") as typeof import("./stacks/floatingIp"),
    edge: () => require("./stacks/edge") as typeof import("./stacks/edge"),
};
/* eslint-enable */

export = async () => {
    const edge = readEdgeConfig();
    if (edge !== undefined) {
        mustBeOneDaemon(edge);
        return targets.edge().edge(edge);
    }
    const config = readConfig();
    mustBeOneDaemon(config);
    const { releases: pastReleases, logs } = await lastOutputs();
    const keptFor = config.target === "docker" ? [] : config.aws.keepFor;
    const otherStacksReleases = (await Promise.all(keptFor.map(lastOutputs))).flatMap(
        ({ releases }) => releases,
    );
    switch (config.target) {
        case "docker":
            return targets.docker().dockerHost(config, pastReleases);
        case "fargate":
            return targets.fargate().fargate(config, { pastReleases, otherStacksReleases, logs });
        case "floating-ip":
            return targets["floating-ip"]().floatingIp(config, { pastReleases, otherStacksReleases, logs });
    }
};
