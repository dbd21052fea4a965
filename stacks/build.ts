import type * as pulumi from "@pulumi/pulumi";
import type { ArchiveHookArgs } from "../components/archive/archiveHook";
import type { DockerHost } from "../components/docker/dockerHost";
import type { BootCheckArgs } from "../components/image/bootCheck";
import type { ReleaseImageArgs } from "../components/image/releaseImage";
import { ReleaseSecrets } from "../components/release/releaseSecrets";
import type { CommonSettings } from "./config/commonSettings";

/** What a stack says of the build of its image, wherever that goes. */
export function imageArgs(config: CommonSettings): Omit<ReleaseImageArgs, "repository"> {
    return {
        app: config.app,
        pathDependencies: config.pathDependencies,
        projects: config.projects,
        early: config.early,
        release: config.release,
        version: config.version,
        builderImage: config.builderImage,
        builderVersions: config.builderVersions,
        runnerImage: config.runnerImage,
        nodeImage: config.nodeImage,
        assets: config.assets,
        minimal: config.minimal,
        builderPackages: config.builderPackages,
        runtimePackages: config.runtimePackages,
        missingLibraries: config.missingLibraries,
        prepareDeps: config.prepareDeps,
        buildEnv: config.buildEnv,
        buildSecrets: config.buildSecrets,
        platform: config.platform,
        builder: config.builder,
        cacheFrom: config.cacheFrom,
        cacheTo: config.cacheTo,
        sbom: config.sbom,
        provenance: config.provenance,
        dockerfile: config.dockerfile,
        dockerfileArgs: config.dockerfileArgs,
        notes: config.notes,
    };
}

/** What a stack says of the check that its image starts. */
export function bootCheckArgs(
    host: DockerHost,
    config: CommonSettings,
    image: pulumi.Input<string>,
    env: Record<string, string>,
): BootCheckArgs {
    // Only Decanter's own Dockerfile says how its image starts.
    const isOurs = config.image === undefined && config.dockerfile === undefined;
    return {
        image,
        isBootable: isOurs && config.bootCheck,
        env,
        secretNames: secretNames(config),
        readOnly: config.limits.readOnly,
        host,
    };
}

/** What a stack says of the archive of its release. */
export function archiveArgs(
    host: DockerHost,
    config: CommonSettings,
    image: pulumi.Input<string>,
    folder: string,
): ArchiveHookArgs {
    return {
        app: config.app,
        release: config.release,
        version: config.version,
        builderImage: config.builderImage,
        runnerImage: config.runnerImage,
        image,
        folder,
        host,
    };
}

/** Names of all secret variables of a release. */
export function secretNames(config: CommonSettings): string[] {
    return [...new Set([...ReleaseSecrets.generated, ...Object.keys(config.secretSizes)])];
}
