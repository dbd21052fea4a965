import * as fs from "node:fs";
import * as path from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { DockerHost } from "../docker/dockerHost";
import { valueOf } from "../release/valueOf";
import { type Attestations, isAttested, mustKeepAttestations } from "./attestations";
import { buildArgs, type ReleaseBuild } from "./buildArgs";
import { buildContext, contextHash, ownContext } from "./buildContext";
import { mustHaveBuilder } from "./builderTag";
import { BuildFolder } from "./buildFolder";
import { readDockerfile } from "./dockerfile";
import { push } from "./pushImage";

export interface ReleaseImageArgs extends Attestations, ReleaseBuild {
    /** Folder of the mix project, relative to where Pulumi runs. */
    app: string;
    /**
     * Folders of path dependencies outside of it.
     *
     * @default none
     */
    pathDependencies?: string[];
    /**
     * Folders of the mix projects that the build is of, besides the app and those: of an umbrella's apps, and of path
     * dependencies inside. What Mix leaves in each is left out.
     *
     * @default none
     */
    projects?: string[];
    /** Registry and path of the image, such as `ghcr.io/acme/hello`. */
    repository: pulumi.Input<string>;
    /**
     * Whether the registry refuses to give a tag to another image: then the tag holds the image's id too.
     *
     * @default false
     */
    immutableTags?: boolean;
    /** User name at the registry; without it the login of the machine's Docker counts. */
    registryUsername?: pulumi.Input<string>;
    /** Password or token at the registry. */
    registryPassword?: pulumi.Input<string>;
    /**
     * Secret environment variables of the build, by name. They are in no layer, no history and no state.
     *
     * @default none
     */
    buildSecrets?: pulumi.Input<Record<string, string>>;
    /**
     * Platform to build for, such as `linux/arm64`.
     *
     * @default the Docker host's
     */
    platform?: string;
    /** Buildx builder that builds; by default the Docker host's own BuildKit does. */
    builder?: string;
    /**
     * Where layers of other builds are taken from, as BuildKit spells it: `type=registry,ref=ghcr.io/acme/cache`.
     *
     * @default none
     */
    cacheFrom?: string[];
    /**
     * Where this build's layers are left for others: `type=registry,ref=ghcr.io/acme/cache,mode=max`.
     *
     * @default none
     */
    cacheTo?: string[];
    /**
     * The app's own Dockerfile, relative to its folder.
     *
     * @default Decanter's
     */
    dockerfile?: string;
    /**
     * Build arguments of the app's own Dockerfile; what it does not get is what it says itself.
     *
     * @default none
     */
    dockerfileArgs?: Record<string, string>;
    /**
     * What a build says first, a line each.
     *
     * @default nothing
     */
    notes?: string[];
    /** Runs before a push, such as what sees to it that the registry answers. */
    beforePushHook?: pulumi.ResourceHook;
}

/**
 * The image of a release: built in stages, and pushed to a registry.
 *
 * A change is told by the contents of the app's folder, less what is left out of the build. A preview builds and pushes
 * nothing.
 */
export class ReleaseImage extends pulumi.ComponentResource {
    /** Reference by digest, such as `ghcr.io/acme/hello@sha256:…`: always the image that this build made. */
    public readonly ref: pulumi.Output<string>;
    /** The tag that it was pushed with. */
    public readonly tag: pulumi.Output<string>;

    constructor(name: string, args: ReleaseImageArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:ReleaseImage", name, {}, opts);

        const { app, release, version, dockerfile, platform } = args;
        const host = DockerHost.of(this);
        const context = dockerfile
            ? ownContext(app, dockerfile)
            : buildContext(app, args.pathDependencies, args.projects);
        const text = dockerfile
            ? fs.readFileSync(path.join(app, dockerfile), "utf8")
            : readDockerfile(path.join(__dirname, "..", "..", "docker", "Dockerfile"));
        const folder = new BuildFolder(`.decanter/build/${pulumi.getStack()}-${name}`, {
            dockerfile: text,
            rules: context.rules,
            app,
            release,
            version,
        });
        const secrets = pulumi.output(args.buildSecrets ?? {});
        const prepareHook = new pulumi.ResourceHook(`${name}-prepare-build`, async () => {
            for (const note of [...(args.notes ?? []), ...context.notes]) await pulumi.log.info(note, this);
            await mustHaveBuilder(host, args);
            if (isAttested(args)) await mustKeepAttestations(host);
            await folder.write(await valueOf(secrets));
        });
        const clearHook = new pulumi.ResourceHook(`${name}-clear-build`, async () => {
            await folder.forget();
            for (const note of await folder.notes()) await pulumi.log.info(note, this);
        });
        // The provider's error names the command that failed and not a word of what it said.
        const explainHook = new pulumi.ErrorHook(`${name}-build-log`, async () => {
            await folder.forget();
            const said = await folder.lastLines(await valueOf(secrets));
            if (said !== undefined) await pulumi.log.error(`the build failed:\n${said}`, this);
            return false;
        });
        const imageName = pulumi.interpolate`${args.repository}:${tagOf(version)}`;
        const built = new docker.RemoteImage(
            name,
            {
                name: imageName,
                build: {
                    context: context.folder,
                    dockerfile: path.relative(context.folder, folder.dockerfile),
                    platform,
                    builder: args.builder,
                    buildArgs: dockerfile
                        ? { ...args.buildEnv, ...args.dockerfileArgs }
                        : buildArgs(args, context),
                    secrets: [{ id: "build", src: folder.secret }],
                    cacheFroms: args.cacheFrom,
                    cacheTos: args.cacheTo,
                    sbom: args.sbom,
                    // BuildKit's own default says when it built, and so makes every image another one.
                    provenance: args.provenance ?? "false",
                    buildLogFile: folder.log,
                },
                triggers: { context: contextHash(context, text) },
                // The next build has the same name, and this one is what a rollback runs.
                keepLocally: true,
            },
            {
                parent: this,
                hooks: { beforeCreate: [prepareHook], afterCreate: [clearHook], onError: [explainHook] },
            },
        );
        const pushed = push(
            name,
            {
                built,
                repository: args.repository,
                tag: tagOf(version),
                immutableTags: args.immutableTags,
                registryUsername: args.registryUsername,
                registryPassword: args.registryPassword,
                platform,
                sbom: args.sbom,
                provenance: args.provenance,
                beforePushHook: args.beforePushHook,
            },
            { parent: this },
        );
        this.ref = pushed.ref;
        this.tag = pushed.tag;
        this.registerOutputs({ ref: this.ref, tag: this.tag });
    }
}

/** Build metadata of a version (1.0.0+abc) is no part of a tag's alphabet. */
function tagOf(version: string): string {
    return version.replace(/[^A-Za-z0-9_.-]/g, "-");
}
