import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type Attestations, isAttested } from "../../components/image/attestations";
import { builderImageFor, defaultImages } from "./builderImage";
import { earlyFiles } from "./earlyFiles";
import { gitQuestion } from "./gitQuestion";
import { mixProjects, outside } from "./mixProjects";
import { set, type SettingsReader } from "./settingsReader";

/** The settings of a stack that tell how the image is built, and whether what is built is archived. */
export interface BuildSettings extends Readonly<Attestations> {
    readonly pathDependencies: string[];
    readonly projects: string[];
    readonly early: string[];
    readonly assets?: string;
    readonly dockerfile?: string;
    readonly dockerfileArgs: Record<string, string>;
    readonly minimal: boolean;
    readonly builderPackages: string[];
    readonly runtimePackages: string[];
    readonly missingLibraries: string[];
    readonly prepareDeps?: string;
    readonly buildEnv: Record<string, string>;
    readonly buildSecrets: pulumi.Output<Record<string, string>>;
    readonly platform?: string;
    readonly builder?: string;
    readonly cacheFrom: string[];
    readonly cacheTo: string[];
    readonly builderImage: string;
    readonly builderVersions?: string;
    readonly runnerImage: string;
    readonly nodeImage: string;
    readonly archive: boolean;
}

/** Reads and checks them. */
export function readBuild(settings: SettingsReader): BuildSettings {
    const app = settings.text("app");
    const dockerfile = settings.optional("dockerfile");
    const isFile = (file: string) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true;
    if (dockerfile !== undefined && !isFile(path.join(app, dockerfile))) {
        const rule = `must be a file in ${app}`;
        settings.refuse("dockerfile", rule, dockerfile, set("dockerfile", "Dockerfile"));
    }
    const packages = [/^[a-z0-9][a-z0-9.+-]*$/, "names of Debian packages"] as const;
    const caches = [/^type=\S+$/, "caches as BuildKit spells them"] as const;
    const builderPackages = settings.list("builderPackages", ...packages, "cargo");
    const runtimePackages = settings.list("runtimePackages", ...packages, "imagemagick");
    const runnerImage = readImage(settings, "runnerImage");
    return {
        ...readProjects(settings, app),
        assets: settings.optional("assets"),
        dockerfile,
        dockerfileArgs: dockerfileArgs(settings, { builderPackages, runtimePackages }),
        minimal: settings.flag("minimal"),
        builderPackages,
        runtimePackages,
        missingLibraries: settings.list(
            "missingLibraries",
            /^[\w.+*?[\]/-]+$/,
            "shared libraries or files of the release, which may have * and ?",
            "libcuda.so.1",
        ),
        prepareDeps: settings.optional("prepareDeps"),
        ...readVariables(settings),
        platform: settings.optionalMatching(
            "platform",
            /^linux\/[a-z0-9]+(\/v\d)?$/,
            "must be a Linux platform",
            "linux/arm64",
        ),
        builder: settings.optionalMatching("builder", /^\w[\w.-]*$/, "must be the name of a builder", "arm"),
        cacheFrom: settings.list("cacheFrom", ...caches, "type=registry,ref=ghcr.io/acme/cache"),
        cacheTo: settings.list("cacheTo", ...caches, "type=registry,ref=ghcr.io/acme/cache,mode=max"),
        ...readAttestations(settings),
        ...readBuilderImage(settings, app, runnerImage),
        runnerImage,
        nodeImage: readImage(settings, "nodeImage"),
        archive: readArchive(settings, dockerfile),
    };
}

function readProjects(
    settings: SettingsReader,
    app: string,
): Pick<BuildSettings, "pathDependencies" | "early" | "projects"> {
    const further = settings
        .list("pathDependencies", /^[^/\0]/, "folders, as seen from the app's", "../shared")
        .map((folder) => path.join(app, folder));
    for (const folder of further.filter((each) => !fs.existsSync(each))) {
        const rule = "must be folders that are there, as seen from the app's";
        settings.refuse(
            "pathDependencies",
            rule,
            path.relative(app, folder),
            "pulumi config set --path 'pathDependencies[0]' ../shared",
        );
    }
    const { dependencies, all } = mixProjects(app, further);
    const question = gitQuestion(app);
    if (question !== undefined && settings.optional("dockerfile") === undefined)
        settings.notes.push(question);
    return { pathDependencies: outside(app, dependencies), early: earlyFiles(app, further), projects: all };
}

function readVariables(settings: SettingsReader): Pick<BuildSettings, "buildEnv" | "buildSecrets"> {
    const buildEnv = settings.variables("buildEnv", false);
    const buildSecrets = settings.secrets("buildSecrets");
    for (const name of Object.keys(buildEnv).filter((key) => Object.hasOwn(buildSecrets, key))) {
        const remedy = `pulumi config rm --path buildEnv.${name}`;
        settings.refuseUnseen(`buildEnv.${name}`, "is in buildSecrets too", remedy);
    }
    return { buildEnv, buildSecrets: pulumi.secret(buildSecrets) };
}

function readArchive(settings: SettingsReader, dockerfile: string | undefined): boolean {
    const archive = settings.flag("archive");
    if (archive && dockerfile !== undefined) {
        const rule = "must be false with a dockerfile of the app's own, which has the release where it likes";
        settings.refuse("archive", rule, archive, set("archive", "false"));
    }
    return archive;
}

function readAttestations(settings: SettingsReader): Attestations {
    const sbom = settings.optionalMatching(
        "sbom",
        /^(true|generator=\S+)$/,
        "must be true or generator=IMAGE",
        "true",
    );
    const provenance = settings.optionalMatching("provenance", /^(min|max)$/, "must be min or max", "max");
    const onHost = settings.text("target") === "docker" && settings.optional("registryAddress") === undefined;
    if (isAttested({ sbom, provenance }) && onHost) {
        const rule = "needs a registry beside the Docker host's own";
        settings.refuseUnseen(sbom ? "sbom" : "provenance", rule, set("registryAddress", "ghcr.io/acme"));
    }
    return { sbom, provenance: provenance && `mode=${provenance}` };
}

/** What a Dockerfile of the app's own gets: what the stack sets, and no default of Decanter's in place of the Dockerfile's. */
function dockerfileArgs(settings: SettingsReader, lists: Record<string, string[]>): Record<string, string> {
    const keys = ["builderImage", "runnerImage", "nodeImage", "prepareDeps", "release", "version"];
    const given = [
        ...keys.map((key) => [key, settings.text(key)] as const),
        ...Object.entries(lists).map(([key, values]) => [key, values.join(" ")] as const),
    ];
    return Object.fromEntries(
        given
            .filter(([, value]) => value !== "")
            .map(([key, value]) => [key.replace(/[A-Z]/g, "_$&").toUpperCase(), value]),
    );
}

function readImage(settings: SettingsReader, key: "runnerImage" | "nodeImage"): string {
    return settings.optional(key) === undefined ? defaultImages[key] : settings.image(key);
}

function readBuilderImage(
    settings: SettingsReader,
    app: string,
    runnerImage: string,
): Pick<BuildSettings, "builderImage" | "builderVersions"> {
    if (settings.optional("builderImage") !== undefined)
        return { builderImage: settings.image("builderImage") };
    // It names its images itself.
    if (settings.optional("dockerfile") !== undefined) return { builderImage: defaultImages.builderImage };
    try {
        const { image, versions } = builderImageFor(app, runnerImage);
        return { builderImage: image, ...(versions && { builderVersions: versions }) };
    } catch (error) {
        settings.refuseUnseen(
            "builderImage",
            (error as Error).message,
            set("builderImage", "registry.example/image:tag"),
        );
        return { builderImage: "" };
    }
}
