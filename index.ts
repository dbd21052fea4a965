import { readConfig } from "./stacks/config/config";
import { mustBeOneDaemon } from "./stacks/config/dockerContext";
import { dockerHost } from "./stacks/dockerHost";
import { fargate } from "./stacks/fargate";
import { floatingIp } from "./stacks/floatingIp";
import { lastOutputs } from "./stacks/outputs";

export = async () => {
    const config = readConfig();
    mustBeOneDaemon(config);
    const { releases: pastReleases, logs } = await lastOutputs();
    const keptFor = config.target === "docker" ? [] : config.aws.keepFor;
    const otherStacksReleases = (await Promise.all(keptFor.map(lastOutputs))).flatMap(
        ({ releases }) => releases,
    );
    switch (config.target) {
        case "docker":
            return dockerHost(config, pastReleases);
        case "fargate":
            return fargate(config, { pastReleases, otherStacksReleases, logs });
        case "floating-ip":
            return floatingIp(config, { pastReleases, otherStacksReleases, logs });
    }
};
