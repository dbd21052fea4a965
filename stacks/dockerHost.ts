import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { archiving } from "../components/archiving";
import { isAttested } from "../components/attestations";
import { DockerService } from "../components/dockerService";
import { ImageRetention } from "../components/imageRetention";
import { LocalRegistry } from "../components/localRegistry";
import { releaseEnv } from "../components/releaseEnv";
import { ReleaseImage } from "../components/releaseImage";
import { releaseProof } from "../components/releaseProof";
import { ReleaseSecrets } from "../components/releaseSecrets";
import { Router } from "../components/router";
import type { CommonSettings } from "./config";
import { archiveFolder, once, type Outputs, type Release, releaseOutputs, releasesUpTo } from "./outputs";
import { repositoryName } from "./repositoryName";

/** The target `docker`: a release behind a router on one Docker host, and the releases that ran there before. */
export function dockerHost(config: CommonSettings, before: Release[] = []): Outputs {
    const { release: name, host, registry } = config;
    const provider = new docker.Provider("docker", { host, registryAuth: registryAuth(config) });
    const opts = { providers: { docker: provider } };
    const labels = { "decanter.stack": `${pulumi.getProject()}/${pulumi.getStack()}` };

    const own =
        registry === undefined
            ? new LocalRegistry(`${name}-registry`, { image: config.registryImage, host, labels }, opts)
            : undefined;
    const repository = pulumi.interpolate`${registry?.address ?? own?.address}/${repositoryName(name)}`;
    const image = imageOf(config, repository, own?.started, opts);
    const { version, keepReleases } = config;
    const releases = image.apply((ref) =>
        releasesUpTo({ release: name, version, image: ref }, before, keepReleases),
    );

    const ours = config.image === undefined && config.dockerfile === undefined;
    const proven = [releaseProof(name, { image, starts: ours, host })];
    const folder = config.archive ? archiveFolder() : undefined;
    if (folder !== undefined && config.image === undefined)
        proven.push(archiving(name, { ...config, image, folder }));
    const secrets = new ReleaseSecrets(name, { secrets: config.secrets, version: config.secretsVersion });
    const router = new Router(`${name}-router`, { ...config, image: config.routerImage, labels }, opts);
    const retention = new ImageRetention(
        name,
        {
            repository,
            keep: releases.apply((all) => all.map((release) => release.image)),
            networkName: router.networkName,
            registryContainer: own?.containerId,
            host,
        },
        opts,
    );
    const service = new DockerService(
        name,
        {
            ...config,
            image,
            router,
            env: releaseEnv(config),
            secrets: secrets.env,
            proven,
            swapped: retention.pruned,
            labels,
        },
        opts,
    );

    return {
        target: "docker",
        url: urlOf(config),
        version: config.version,
        ...releaseOutputs(once(service.containers, releases)),
        containers: service.containers,
        console: `bin/${name} remote`,
        ...(folder && { archive: folder }),
    };
}

/** The image of the release: the one that is given, or one that is built. */
function imageOf(
    config: CommonSettings,
    repository: pulumi.Output<string>,
    before: pulumi.ResourceHook | undefined,
    opts: pulumi.ComponentResourceOptions,
): pulumi.Output<string> {
    if (config.image !== undefined) return pulumi.output(config.image);
    const { release, registry } = config;
    const image = new ReleaseImage(
        release,
        {
            ...config,
            repository,
            before,
            registryUsername: registry?.username,
            registryPassword: registry?.password,
        },
        opts,
    );
    return image.ref;
}

/** Where visitors arrive: the address that is bound, or the domain where that is every address. */
function urlOf({ bindAddress, domain, publicPort }: CommonSettings): string {
    if (["0.0.0.0", "::"].includes(bindAddress)) return `http://${domain}:${publicPort}`;
    return `http://${bindAddress.includes(":") ? `[${bindAddress}]` : bindAddress}:${publicPort}`;
}

/** The login with which the Docker host pulls, and that of who asks the registry for the digest of an attested image. */
function registryAuth(config: CommonSettings): docker.ProviderArgs["registryAuth"] {
    const { registry } = config;
    if (registry === undefined) return undefined;
    const { username, password } = registry;
    const address = registry.address.replace(/\/.*/, "");
    if (username !== undefined) return [{ address, username, password }];
    // That of the machine's Docker counts, and for an attested image the provider wants to be told so.
    return isAttested(config) ? [{ address }] : undefined;
}
