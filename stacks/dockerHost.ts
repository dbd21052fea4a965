import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { DockerService } from "../components/dockerService";
import { LocalRegistry } from "../components/localRegistry";
import { releaseEnv } from "../components/releaseEnv";
import { ReleaseImage } from "../components/releaseImage";
import { ReleaseSecrets } from "../components/releaseSecrets";
import { Router } from "../components/router";
import type { Config } from "./config";
import { previousRelease, type Outputs } from "./outputs";

/** The target `docker`: a release behind a router on one Docker host. */
export function dockerHost(config: Config): Outputs {
    const { release: name, host, registry } = config;
    const provider = new docker.Provider("docker", { host });
    const opts = { providers: { docker: provider } };
    const labels = {
        "decanter.stack": `${pulumi.getProject()}/${pulumi.getStack()}`,
        "decanter.version": config.version,
    };
    // What outlives a release must not change with it.
    const stackLabels = { "decanter.stack": labels["decanter.stack"] };

    const address =
        registry?.address ??
        new LocalRegistry(`${name}-registry`, { image: config.registryImage, labels: stackLabels }, opts)
            .address;
    const { app, release, version, dockerfile, platform, builderImage, runnerImage } = config;
    const image = new ReleaseImage(
        name,
        {
            app,
            release,
            version,
            dockerfile,
            platform,
            builderImage,
            runnerImage,
            host,
            repository: pulumi.interpolate`${address}/${name}`,
            registryUsername: registry?.username,
            registryPassword: registry?.password,
        },
        opts,
    );
    const secrets = new ReleaseSecrets(name, { secrets: config.secrets, version: config.secretsVersion });
    const { port, healthPath, publicPort, bindAddress, behindProxy } = config;
    const router = new Router(
        `${name}-router`,
        {
            image: config.routerImage,
            port,
            healthPath,
            publicPort,
            bindAddress,
            behindProxy,
            platform,
            labels: stackLabels,
        },
        opts,
    );
    const service = new DockerService(
        name,
        { ...config, image: image.ref, router, env: releaseEnv(config), secrets: secrets.env, labels },
        opts,
    );

    return {
        url: urlOf(config),
        version: config.version,
        image: service.image,
        containers: service.containers,
        previous: previousRelease({ version: config.version, image: service.image }),
    };
}

/** Where visitors arrive: the address that is bound, or the domain where that is every address. */
function urlOf({ bindAddress, domain, publicPort }: Config): string {
    if (["0.0.0.0", "::"].includes(bindAddress)) return `http://${domain}:${publicPort}`;
    return `http://${bindAddress.includes(":") ? `[${bindAddress}]` : bindAddress}:${publicPort}`;
}
