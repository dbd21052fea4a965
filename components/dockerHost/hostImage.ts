import * as path from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { DockerHost } from "../docker/dockerHost";
import { explainBuild, hostPlatform } from "../image/buildImage";

export interface HostImageArgs {
    /** Folder in `docker/`, with a Dockerfile. */
    folder: string;
    /** Network of the stack's router. */
    network: pulumi.Input<string>;
    /** Build arguments, by name. */
    args: Record<string, pulumi.Input<string>>;
}

/**
 * An image of Decanter's own that the Docker host builds and keeps. Its tag is the network of the stack's router, as those of two
 * stacks that build at once would meet under one name.
 */
export function hostImage(
    name: string,
    { folder, network, args }: HostImageArgs,
    parent: pulumi.ComponentResource,
): docker.Image {
    const context = path.relative(process.cwd(), path.join(__dirname, "..", "..", "docker", folder));
    const explainHook = new pulumi.ErrorHook(`${name}-build-log`, (failed) =>
        explainBuild(DockerHost.of(parent), failed, parent),
    );
    return new docker.Image(
        name,
        {
            imageName: pulumi.interpolate`decanter-${folder}:${network}`,
            skipPush: true,
            build: {
                context,
                dockerfile: path.join(context, "Dockerfile"),
                platform: hostPlatform,
                args,
            },
        },
        { parent, hooks: { onError: [explainHook] } },
    );
}
