import * as path from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type Attestations, isAttested } from "./attestations";
import { hostPlatform } from "./buildImage";

export interface ImagePushArgs extends Attestations {
    /** The image on the Docker host; `docker.RemoteImage` does not push. */
    built: docker.RemoteImage;
    /** Registry and path to push to. */
    repository: pulumi.Input<string>;
    /** Tag that it was built with. */
    tag: string;
    /**
     * Whether the registry refuses to give a tag to another image: then it is pushed with a tag that holds its id too.
     *
     * @default false
     */
    immutableTags?: boolean;
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
    beforePushHook?: pulumi.ResourceHook;
}

/** An image in a registry. */
export interface PushedImage {
    /** Reference by digest. */
    ref: pulumi.Output<string>;
    /** Its tag there. */
    tag: pulumi.Output<string>;
}

/** Pushes an image. */
export function push(name: string, args: ImagePushArgs, opts: pulumi.CustomResourceOptions): PushedImage {
    const { built, repository } = args;
    const tag = args.immutableTags
        ? built.imageId.apply((id) => `${args.tag}-${id.replace(/^sha256:/, "").slice(0, 12)}`)
        : pulumi.output(args.tag);
    const imageName = pulumi.interpolate`${repository}:${tag}`;
    const before = args.beforePushHook ? [args.beforePushHook] : [];
    const all = { ...opts, hooks: { beforeCreate: before, beforeUpdate: before } };
    if (isAttested(args)) {
        // RegistryImage pushes what has the name already.
        const pushedName = args.immutableTags
            ? new docker.Tag(name, { sourceImage: built.imageId, targetImage: imageName }, opts).targetImage
            : imageName;
        const triggers = { image: built.imageId };
        const pushed = new docker.RegistryImage(
            name,
            { name: pushedName, keepRemotely: true, triggers },
            all,
        );
        return { ref: pulumi.interpolate`${repository}@${pushed.sha256Digest}`, tag };
    }
    // The same image to the bit, under the same name. It is the Docker host that speaks to the registry, which may be on its
    // loopback; RegistryImage asks for the digest from this machine.
    const context = path.relative(process.cwd(), path.join(__dirname, "..", "..", "docker", "publish"));
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
    return { ref: pushed.repoDigest, tag };
}
