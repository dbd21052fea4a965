import * as path from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { type BuildContext, contextFiles } from "./buildContext";
import type { BuilderImages } from "./builderTag";
import { exportScript } from "./buildVariables";

/** Stands for a version that Mix alone can tell: the release has it, and nothing else does. */
export const UNKNOWN_VERSION = "unknown";

/** What Decanter's Dockerfile builds a release from and with. */
export interface ReleaseBuild extends BuilderImages {
    /** Name of the release, as `mix release` knows it. */
    release: string;
    /** Version of the release, which is written into it (RELEASE_VSN), or `unknown`; the image's tag. */
    version: string;
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
}

/** The build arguments of Decanter's Dockerfile. */
export function buildArgs(build: ReleaseBuild, context: BuildContext): Record<string, pulumi.Input<string>> {
    return {
        APP: context.app,
        ASSETS: build.assets ?? "",
        BASE: (build.minimal ?? true) ? "minimal" : "debian",
        BUILDER_IMAGE: build.builderImage,
        BUILDER_PACKAGES: (build.builderPackages ?? []).join(" "),
        BUILD_ENV: exportScript(build.buildEnv ?? {}),
        EARLY: (build.early ?? []).join("\n"),
        MISSING_LIBRARIES: (build.missingLibraries ?? []).join(" "),
        PREPARE_DEPS: build.prepareDeps ?? "",
        RELEASE: build.release,
        RUNNER_IMAGE: build.runnerImage,
        RUNTIME_PACKAGES: (build.runtimePackages ?? []).join(" "),
        VERSION: build.version === UNKNOWN_VERSION ? "" : build.version,
        ...(installsPackages(context, build.assets) && {
            NODE: "image",
            NODE_IMAGE: build.nodeImage ?? "",
        }),
    };
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
