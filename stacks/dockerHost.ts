import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { archiveHook } from "../components/archive/archiveHook";
import { DockerHost } from "../components/docker/dockerHost";
import { Certificate } from "../components/dockerHost/certificate";
import { DockerService } from "../components/dockerHost/dockerService";
import { ImageRetention } from "../components/dockerHost/imageRetention";
import { LocalRegistry } from "../components/dockerHost/localRegistry";
import { Route } from "../components/dockerHost/route";
import { Router } from "../components/dockerHost/router";
import { isAttested } from "../components/image/attestations";
import { bootCheckHook } from "../components/image/bootCheck";
import { ReleaseImage } from "../components/image/releaseImage";
import { imageReference, registryOf } from "../components/release/imageReference";
import { readyAfter } from "../components/release/readyAfter";
import { releaseEnv } from "../components/release/releaseEnv";
import { ReleaseSecrets } from "../components/release/releaseSecrets";
import { archiveArgs, bootCheckArgs, imageArgs } from "./build";
import type { CommonSettings } from "./config/commonSettings";
import type { ConfigOf } from "./config/config";
import { namedByRole } from "./names";
import { archiveFolder, type Outputs, type Release, releaseOutputs, releasesUpTo } from "./outputs";
import { repositoryName } from "./repositoryName";
import { bracketed, visitorsHost, visitorsNames } from "./visitors";

/** The settings of this target. */
type DockerHostConfig = CommonSettings & Pick<ConfigOf<"docker">, "https" | "edge">;

/** The target `docker`: a release behind a router on one Docker host, and the releases that ran there before. */
export function dockerHost(config: DockerHostConfig, pastReleases: Release[] = []): Outputs {
    const { release, registry, https, edge } = config;
    const provider = new docker.Provider("docker", { host: config.host, registryAuth: registryAuth(config) });
    const host = new DockerHost(provider.host);
    const opts = { providers: { docker: provider }, ...namedByRole([pastReleases[0]?.release, release]) };
    const visitors = visitorsHost(config);
    const labels = { "decanter.stack": `${pulumi.getProject()}/${pulumi.getStack()}` };

    const localRegistry =
        registry === undefined
            ? new LocalRegistry("registry", { image: config.registryImage, labels }, opts)
            : undefined;
    const address = pulumi.interpolate`${registry?.address ?? localRegistry?.address}`;
    const repository = pulumi.interpolate`${address}/${repositoryName(release)}`;
    const image = imageOf(config, repository, localRegistry?.startHook, opts);
    const { version, keepReleases } = config;
    const releases = image.apply((ref) =>
        releasesUpTo({ release, version, image: ref }, pastReleases, keepReleases),
    );

    const env = releaseEnv({ port: config.health.port, domain: visitors, env: config.env });
    const beforeStartHooks = [bootCheckHook("release", bootCheckArgs(host, config, image, env))];
    const folder = config.archive ? archiveFolder() : undefined;
    if (folder !== undefined && config.image === undefined)
        beforeStartHooks.push(archiveHook("release", archiveArgs(host, config, image, folder)));
    const secrets = new ReleaseSecrets(
        "release",
        { secrets: config.secrets, version: config.secretsVersion },
        opts,
    );
    const { health, behindProxy } = config;
    const router = new Router(
        "router",
        {
            image: config.routerImage,
            publicPort: config.publicPort,
            httpsPort: https?.port,
            bindAddress: config.bindAddress,
            edge,
            health,
            behindProxy,
            labels,
        },
        opts,
    );
    const retention = new ImageRetention(
        "release",
        {
            // Those of earlier apps too, for as long as the stack remembers a release of theirs.
            repositories: pulumi
                .all([address, repository])
                .apply(([at, now]) => [...new Set([now, ...repositoriesOf(pastReleases, at)])]),
            keep: releases.apply((all) => all.map((release) => release.image)),
            networkName: router.networkName,
            registryContainer: localRegistry?.containerId,
        },
        opts,
    );
    const service = new DockerService(
        "release",
        {
            image,
            version: config.version,
            router,
            env,
            secrets: secrets.env,
            health,
            behindProxy,
            hstsSeconds: https?.hstsSeconds,
            replicas: config.replicas,
            limits: config.limits,
            migration: config.migration,
            drainSeconds: config.drainSeconds,
            beforeStartHooks,
            afterSwapHook: retention.pruneHook,
            labels,
        },
        opts,
    );
    // Nobody is led to a router that has no release yet.
    const route =
        edge === undefined
            ? undefined
            : new Route(
                  "route",
                  {
                      edge,
                      router,
                      names: visitorsNames(config),
                      drainSeconds: config.drainSeconds,
                      labels,
                  },
                  pulumi.mergeOptions(opts, { dependsOn: service }),
              );
    const certificate =
        https &&
        new Certificate(
            "certificate",
            { router, image: config.routerImage, names: https.names, from: https.from, labels },
            // A CA that asks by http asks through the edge.
            pulumi.mergeOptions(opts, { dependsOn: route ?? [] }),
        );

    return {
        target: "docker",
        url: urlOf(bracketed(visitors), config),
        version: config.version,
        ...releaseOutputs(readyAfter(releases, service.containers)),
        containers: service.containers,
        ...(certificate && { certificate: certificate.container }),
        console: `bin/${release} remote`,
        ...(folder && { archive: folder }),
    };
}

function urlOf(host: string, { https, publicPort }: DockerHostConfig): string {
    if (https === undefined) return `http://${host}:${publicPort}`;
    return https.port === 443 ? `https://${host}` : `https://${host}:${https.port}`;
}

/** The image of the release: the one that is given, or one that is built. */
function imageOf(
    config: CommonSettings,
    repository: pulumi.Output<string>,
    beforePush: pulumi.ResourceHook | undefined,
    opts: pulumi.ComponentResourceOptions,
): pulumi.Output<string> {
    if (config.image !== undefined) return pulumi.output(config.image);
    const { registry } = config;
    const image = new ReleaseImage(
        "release",
        {
            ...imageArgs(config),
            repository,
            beforePushHook: beforePush,
            registryUsername: registry?.username,
            registryPassword: registry?.password,
        },
        opts,
    );
    return image.ref;
}

/** Where releases that ran have their images in a registry. */
function repositoriesOf(releases: Release[], address: string): string[] {
    return releases
        .map(({ image }) => imageReference(image).repository)
        .filter((repository) => repository.startsWith(`${address}/`));
}

/** The login with which the Docker host pulls, and that of who asks the registry for the digest of an attested image. */
function registryAuth(config: CommonSettings): docker.ProviderArgs["registryAuth"] {
    const { registry } = config;
    if (registry === undefined) return undefined;
    const { username, password } = registry;
    const address = registryOf(registry.address);
    if (username !== undefined) return [{ address, username, password }];
    // That of the machine's Docker counts, and for an attested image the provider wants to be told so.
    return isAttested(config) ? [{ address }] : undefined;
}
