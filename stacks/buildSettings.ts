import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { builderImageFor } from "./builderImage";
import { pathDependencies } from "./mixProject";
import { set, type Settings } from "./settings";

/** The settings of a stack that tell how the image is built. */
export interface BuildSettings {
    readonly beside: string[];
    readonly dockerfile?: string;
    readonly minimal: boolean;
    readonly builderPackages: string[];
    readonly runtimePackages: string[];
    readonly prepareDeps?: string;
    readonly buildSecrets: pulumi.Output<Record<string, string>>;
    readonly platform?: string;
    readonly builder?: string;
    readonly cacheFrom: string[];
    readonly cacheTo: string[];
    readonly sbom?: string;
    readonly provenance?: string;
    readonly builderImage: string;
    readonly runnerImage: string;
    readonly nodeImage: string;
}

/** Reads and checks them. */
export function readBuild(settings: Settings): BuildSettings {
    const app = settings.text("app");
    const dockerfile = settings.optional("dockerfile");
    const isFile = (file: string) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true;
    if (dockerfile !== undefined && !isFile(path.join(app, dockerfile))) {
        const rule = `must be a file in ${app}`;
        settings.refuse("dockerfile", rule, dockerfile, set("dockerfile", "Dockerfile"));
    }
    const platform = settings.optional("platform");
    if (platform !== undefined && !/^linux\/[a-z0-9]+(\/v\d)?$/.test(platform)) {
        settings.refuse("platform", "must be a Linux platform", platform, set("platform", "linux/arm64"));
    }
    const packages = [/^[a-z0-9][a-z0-9.+-]*$/, "names of Debian packages"] as const;
    const caches = [/^type=\S+$/, "caches as BuildKit spells them"] as const;
    const runnerImage = settings.image("runnerImage");
    return {
        beside: pathDependencies(app),
        dockerfile,
        minimal: settings.flag("minimal"),
        builderPackages: settings.list("builderPackages", ...packages, "cargo"),
        runtimePackages: settings.list("runtimePackages", ...packages, "imagemagick"),
        prepareDeps: settings.optional("prepareDeps"),
        buildSecrets: pulumi.secret(settings.secrets("buildSecrets")),
        platform,
        builder: readBuilder(settings),
        cacheFrom: settings.list("cacheFrom", ...caches, "type=registry,ref=ghcr.io/acme/cache"),
        cacheTo: settings.list("cacheTo", ...caches, "type=registry,ref=ghcr.io/acme/cache,mode=max"),
        ...readAttestations(settings),
        builderImage: readBuilderImage(settings, app, runnerImage),
        runnerImage,
        nodeImage: settings.image("nodeImage"),
    };
}

function readBuilder(settings: Settings): string | undefined {
    const builder = settings.optional("builder");
    if (builder !== undefined && !/^\w[\w.-]*$/.test(builder)) {
        settings.refuse("builder", "must be the name of a builder", builder, set("builder", "arm"));
    }
    return builder;
}

function readAttestations(settings: Settings): Pick<BuildSettings, "sbom" | "provenance"> {
    const sbom = settings.optional("sbom");
    if (sbom !== undefined && !/^(true|generator=\S+)$/.test(sbom)) {
        settings.refuse("sbom", "must be true or generator=IMAGE", sbom, set("sbom", "true"));
    }
    const provenance = settings.optional("provenance");
    if (provenance !== undefined && !/^(min|max)$/.test(provenance)) {
        settings.refuse("provenance", "must be min or max", provenance, set("provenance", "max"));
    }
    if ((sbom ?? provenance) !== undefined && settings.optional("registryAddress") === undefined) {
        const remedy = set("registryAddress", "ghcr.io/acme");
        settings.refuseUnseen(
            sbom ? "sbom" : "provenance",
            "needs a registry beside the Docker host's own",
            remedy,
        );
    }
    return { sbom, provenance: provenance && `mode=${provenance}` };
}

function readBuilderImage(settings: Settings, app: string, runnerImage: string): string {
    if (settings.optional("builderImage") !== undefined) return settings.image("builderImage");
    try {
        return builderImageFor(app, runnerImage);
    } catch (error) {
        settings.refuseUnseen(
            "builderImage",
            (error as Error).message,
            set("builderImage", "registry.example/image:tag"),
        );
        return "";
    }
}
