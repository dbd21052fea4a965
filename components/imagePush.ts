import * as path from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type Attestations, isAttested } from "./attestations";
import { hostPlatform } from "./docker";

export interface ImagePushArgs extends Attestations {
    /** The image on the Docker host; `docker.RemoteImage` does not push. */
    built: docker.RemoteImage;
    /** Its name, with the tag. */
    imageName: pulumi.Input<string>;
    /** Its name without the tag. */
    repository: pulumi.Input<string>;
    /** User name at the registry; without it the login of the machine's Docker counts. */
    registryUsername?: pulumi.Input<string>;
    /** Password or token at the registry. */
    registryPassword?: pulumi.Input<string>;
    /**
     * Platform that it was built for.
     *
     * @default the Docker host's
     */
    platform?: string;
    /** Runs before the push. */
    before?: pulumi.ResourceHook;
}

/** Pushes an image, and gives its reference by digest. */
export function push(
    name: string,
    args: ImagePushArgs,
    opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
    const { built, imageName, repository } = args;
    const before = args.before ? [args.before] : [];
    const all = { ...opts, hooks: { beforeCreate: before, beforeUpdate: before } };
    if (isAttested(args)) {
        const triggers = { image: built.imageId };
        const pushed = new docker.RegistryImage(name, { name: imageName, keepRemotely: true, triggers }, all);
        return pulumi.interpolate`${repository}@${pushed.sha256Digest}`;
    }
    // The same image to the bit, under the same name. It is the Docker host that speaks to the registry, which may be on its
    // loopback; RegistryImage asks for the digest from this machine.
    const context = path.relative(process.cwd(), path.join(__dirname, "..", "docker", "publish"));
    const pushed = new docker.Image(
        name,
        {
            imageName,
            build: {
                context,
                dockerfile: path.join(context, "Dockerfile"),
                platform: args.platform ?? hostPlatform,
                args: { IMAGE: built.name, ID: built.imageId },
            },
            registry: { username: args.registryUsername, password: args.registryPassword },
        },
        all,
    );
    return pushed.repoDigest;
}
