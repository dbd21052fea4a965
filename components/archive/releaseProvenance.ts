import { imageReference } from "../release/imageReference";
import type { CiRun } from "./ciRun";

/** What there is to say of a release in a tarball. */
export interface ReleaseOrigin {
    /** Folder of the mix project. */
    app: string;
    /** Name of the release. */
    release: string;
    version: string;
    /** Platform that it is for, such as `linux/amd64`. */
    platform: string;
    /** The image that it was taken out of, by digest. */
    image: string;
    /** Image that built it. */
    builderImage: string;
    /** Image that it was built for. */
    runnerImage: string;
    /** The image's labels, which name the commit. */
    labels: Record<string, string>;
    run: CiRun;
}

/** The tarball of a release. */
export interface Subject {
    /** Name of the file. */
    name: string;
    /** Its SHA-256, in hexadecimal digits. */
    sha256: string;
}

/** A resource that the release is made of: https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md */
interface Resource {
    name: string;
    uri?: string;
    digest?: Record<string, string>;
    annotations?: Record<string, unknown>;
}

/**
 * Where a tarball comes from, as a statement of in-toto with SLSA's provenance: https://slsa.dev/spec/v1.1/provenance. It says
 * nothing of secrets, and nothing that another run would say of the same image but for the run itself.
 */
export function releaseProvenance({ name, sha256 }: Subject, origin: ReleaseOrigin): object {
    const { app, release, version, platform, labels, run } = origin;
    return {
        _type: "https://in-toto.io/Statement/v1",
        subject: [{ name, digest: { sha256 } }],
        predicateType: "https://slsa.dev/provenance/v1",
        predicate: {
            buildDefinition: {
                buildType: "urn:decanter:release:1",
                externalParameters: { app, release, version, platform },
                resolvedDependencies: [
                    ...sources(labels),
                    imageResource("image", origin.image),
                    imageResource("builder image", origin.builderImage),
                    imageResource("runner image", origin.runnerImage),
                ],
            },
            runDetails: {
                builder: { id: run.builder },
                ...(run.invocation !== undefined && { metadata: { invocationId: run.invocation } }),
            },
        },
    };
}

/** The repository at the commit that the build has labelled the image with, if it was in one. */
function sources(labels: Record<string, string>): Resource[] {
    const revision = labels["org.opencontainers.image.revision"];
    if (revision === undefined) return [];
    const uri = gitUri(labels["org.opencontainers.image.source"] ?? "");
    const gitCommit = revision.replace(/-dirty$/, "");
    return [
        {
            name: "source",
            ...(uri !== undefined && { uri }),
            digest: { gitCommit },
            ...(gitCommit !== revision && { annotations: { dirty: true } }),
        },
    ];
}

/** A repository's address as a URI; undefined for a folder. */
function gitUri(source: string): string | undefined {
    if (/^\w+:\/\//.test(source)) return `git+${source}`;
    const [, host, path] = /^([\w.-]+@[\w.-]+):(.+)$/.exec(source) ?? [];
    return host && `git+ssh://${host}/${path}`;
}

/** An image by its package URL: https://github.com/package-url/purl-spec/blob/main/types-doc/docker-definition.md */
function imageResource(name: string, image: string): Resource {
    const { repository, tag = "latest", digest } = imageReference(image);
    return {
        name,
        uri: `pkg:docker/${repository}@${digest ?? tag}`,
        ...(digest && { digest: { sha256: digest.replace("sha256:", "") } }),
    };
}
