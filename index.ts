import { readConfig } from "./stacks/config";
import { mustBeOneDaemon } from "./stacks/dockerContext";
import { dockerHost } from "./stacks/dockerHost";
import { fargate } from "./stacks/fargate";
import { floatingIp } from "./stacks/floatingIp";
import { lastReleases } from "./stacks/outputs";

export = async () => {
    const config = readConfig();
    mustBeOneDaemon(config);
    const before = await lastReleases();
    const others = config.target === "docker" ? [] : await Promise.all(config.aws.keepFor.map(lastReleases));
    switch (config.target) {
        case "docker":
            return dockerHost(config, before);
        case "fargate":
            return fargate(config, before, others.flat());
        case "floating-ip":
            return floatingIp(config, before, others.flat());
    }
};
