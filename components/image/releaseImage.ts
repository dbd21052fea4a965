import * as fs from "node:fs";
import * as path from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { valueOf } from "../release/valueOf";
import { type Attestations, isAttested, mustKeepAttestations } from "./attestations";
import { type BuildContext, buildContext, contextFiles, contextHash, ownContext } from "./buildContext";
import { type BuilderImages, mustHaveBuilder } from "./builderTag";
import { BuildFolder } from "./buildFolder";
import { exportScript } from "./buildVariables";
import { readDockerfile } from "./dockerfile";
import { push } from "./pushImage";

/** Stands for a version that Mix alone can tell: the release has it, and nothing else does. */
export const UNKNOWN_VERSION = "unknown";

export interface ReleaseImageArgs extends Attestations, BuilderImages {
    /** Folder of the mix project, relative to where Pulumi runs. */
    app: string;
    /**
     * Folders of path dependencies outside of it.
     *
     * @default none
     */
    beside?: string[];
    /**
     * Folders of the mix projects that the build is of, besides the app and those: of an umbrella's apps, and of path
     * dependencies inside. What Mix leaves in each is left out.
     *
     * @default none
     */
    projects?: string[];
    /** Name of the release, as `mix release` knows it. */
    release: string;
    /** Version of the release, which is written into it (RELEASE_VSN), or `unknown`; the image's tag. */
    version: string;
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
     * Image with Node.js and npm, for an app with a package.json; of the same Debian as the builder.
     *
     * @default none
     */
    nodeImage?: pulumi.Input<string>;
    /**
     * Command that makes the assets, in the app's folder; `none` makes none.
     *
     * @default mix assets.deploy, where an app has it
     */
    assets?: string;
    /**
     * Whether the image holds only the files that the release needs; otherwise it is all of `runnerImage`.
     *
     * @default true
     */
    minimal?: boolean;
    /**
     * Debian packages that the build needs besides a C compiler and git.
     *
     * @default none
     */
    builderPackages?: string[];
    /**
     * Debian packages that the release needs besides the libraries of the Erlang VM.
     *
     * @default none
     */
    runtimePackages?: string[];
    /**
     * Files and folders that Mix probably reads before it compiles, relative to the app's folder. A change of them fetches and
     * compiles dependencies; where something is missing, more changes do.
     *
     * @default none
     */
    early?: string[];
    /**
     * Shared libraries that may be missing, or files of the release that may miss some, as patterns of a shell: names such as
     * `libcuda.so.*`, or paths such as `lib/press-*\/priv/bin/tool`.
     *
     * @default none
     */
    missingLibraries?: string[];
    /** Command that runs before `mix deps.get`, such as one that tells Hex a key. */
    prepareDeps?: string;
    /**
     * Environment variables of the build, by name. A change of one runs all steps again.
     *
     * @default none
     */
    buildEnv?: Record<string, string>;
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
    before?: pulumi.ResourceHook;
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
        const context = dockerfile
            ? ownContext(app, dockerfile)
            : buildContext(app, args.beside, args.projects);
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
        const prepared = new pulumi.ResourceHook(`${name}-prepare-build`, async () => {
            for (const note of [...(args.notes ?? []), ...context.notes]) await pulumi.log.info(note, this);
            await mustHaveBuilder(args);
            if (isAttested(args)) await mustKeepAttestations(args.host);
            await folder.write(await valueOf(secrets));
        });
        const cleared = new pulumi.ResourceHook(`${name}-clear-build`, async () => {
            await folder.forget();
            for (const note of await folder.notes()) await pulumi.log.info(note, this);
        });
        // The provider's error names the command that failed and not a word of what it said.
        const explained = new pulumi.ErrorHook(`${name}-build-log`, async () => {
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
                        : {
                              APP: context.app,
                              ASSETS: args.assets ?? "",
                              BASE: (args.minimal ?? true) ? "minimal" : "debian",
                              BUILDER_IMAGE: args.builderImage,
                              BUILDER_PACKAGES: (args.builderPackages ?? []).join(" "),
                              BUILD_ENV: exportScript(args.buildEnv ?? {}),
                              EARLY: (args.early ?? []).join("\n"),
                              MISSING_LIBRARIES: (args.missingLibraries ?? []).join(" "),
                              PREPARE_DEPS: args.prepareDeps ?? "",
                              RELEASE: release,
                              RUNNER_IMAGE: args.runnerImage,
                              RUNTIME_PACKAGES: (args.runtimePackages ?? []).join(" "),
                              VERSION: version === UNKNOWN_VERSION ? "" : version,
                              ...(installsPackages(context, args.assets) && {
                                  NODE: "image",
                                  NODE_IMAGE: args.nodeImage ?? "",
                              }),
                          },
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
                hooks: { beforeCreate: [prepared], afterCreate: [cleared], onError: [explained] },
            },
        );
        const pushed = push(name, { ...args, tag: tagOf(version), built }, { parent: this });
        this.ref = pushed.ref;
        this.tag = pushed.tag;
        this.registerOutputs({ ref: this.ref, tag: this.tag });
    }
}

/** Build metadata of a version (1.0.0+abc) is no part of a tag's alphabet. */
function tagOf(version: string): string {
    return version.replace(/[^A-Za-z0-9_.-]/g, "-");
}

/** Whether packages of JavaScript may be installed in the build: those of vendor/ only by a command of the user's own. */
function installsPackages(context: BuildContext, assets?: string): boolean {
    if (assets === "none") return false;
    const packages = contextFiles(context).filter((file) => path.basename(file) === "package.json");
    // As package_roots of docker/build/steps.sh has it, which begins at the app's folder.
    const isLeft = (file: string) =>
        /(^|\/)(node_modules|vendor|\.yarn)\//.test(path.posix.relative(context.app, file));
    return packages.some((file) => assets !== undefined || !isLeft(file));
}
