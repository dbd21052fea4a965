import * as fs from "node:fs";
import * as path from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { explainBuild } from "./docker";
import { thisPlatform } from "./platform";

export interface ReleaseImageArgs {
    /** Folder of the mix project, relative to where Pulumi runs. */
    app: string;
    /** Name of the release, as `mix release` knows it. */
    release: string;
    /** Version of the release; the image's tag. */
    version: string;
    /** Registry and path of the image, such as `ghcr.io/acme/hello`. */
    repository: pulumi.Input<string>;
    /** User name at the registry; without it the login of the machine's Docker counts. */
    registryUsername?: pulumi.Input<string>;
    /** Password or token at the registry. */
    registryPassword?: pulumi.Input<string>;
    /** Image with Elixir that builds the release. */
    builderImage: pulumi.Input<string>;
    /** Image that the release runs on; of the same Debian as the builder. */
    runnerImage: pulumi.Input<string>;
    /**
     * Platform to build for, such as `linux/arm64`.
     *
     * @default this machine's
     */
    platform?: string;
    /**
     * The app's own Dockerfile, relative to its folder. It gets the build arguments BUILDER_IMAGE, RUNNER_IMAGE and
     * RELEASE.
     *
     * @default Decanter's
     */
    dockerfile?: string;
    /** Runs before a build and push, such as what sees to it that the registry answers. */
    before?: pulumi.ResourceHook;
    /** Docker host that builds, such as `ssh://user@host`, for the report of a failed build. */
    host?: string;
}

/**
 * The image of a release: built in stages, proven to start on the image it ships with, and pushed to a registry.
 *
 * A change is told by the contents of the app's folder, less what its `.dockerignore` names. A preview builds and pushes
 * nothing.
 */
export class ReleaseImage extends pulumi.ComponentResource {
    /** Reference by digest, such as `ghcr.io/acme/hello@sha256:…`: always the image that this build made. */
    public readonly ref: pulumi.Output<string>;

    constructor(name: string, args: ReleaseImageArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:ReleaseImage", name, {}, opts);

        const build = {
            context: args.app,
            dockerfile: dockerfileOf(args),
            platform: args.platform ?? thisPlatform(),
            args: { BUILDER_IMAGE: args.builderImage, RUNNER_IMAGE: args.runnerImage, RELEASE: args.release },
        };
        // The provider's error names the command that failed and not a word of what it said.
        const explained = new pulumi.ErrorHook(`${name}-build-log`, (failed) =>
            explainBuild(failed, args.host, this),
        );
        const image = new docker.Image(
            name,
            {
                imageName: pulumi.interpolate`${args.repository}:${tagOf(args.version)}`,
                build,
                registry: { username: args.registryUsername, password: args.registryPassword },
            },
            {
                parent: this,
                hooks: {
                    beforeCreate: args.before ? [args.before] : [],
                    beforeUpdate: args.before ? [args.before] : [],
                    onError: [explained],
                },
            },
        );

        this.ref = image.repoDigest;
        this.registerOutputs({ ref: this.ref });
    }
}

/** Build metadata of a version (1.0.0+abc) is no part of a tag's alphabet. */
function tagOf(version: string): string {
    return version.replace(/[^A-Za-z0-9_.-]/g, "-");
}

/**
 * Docker prefers `Dockerfile.dockerignore` beside the Dockerfile to the `.dockerignore` of the app. So an app that has
 * one gets the Dockerfile without a neighbour, and an app that has none gets the one whose neighbour has the defaults.
 */
function dockerfileOf({ app, dockerfile }: ReleaseImageArgs): string {
    if (dockerfile !== undefined) return path.join(app, dockerfile);
    const ours = path.relative(process.cwd(), path.join(__dirname, "..", "docker"));
    const folder = fs.existsSync(path.join(app, ".dockerignore")) ? "" : "without-dockerignore";
    return path.join(ours, folder, "Dockerfile");
}
