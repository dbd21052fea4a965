import * as pulumi from "@pulumi/pulumi";
import { imageReference } from "../components/release/imageReference";
import { namedReleases } from "./namedReleases";

/** A release that ran: its name, its version, and its image by digest. */
export interface Release {
    /** As mix.exs names it, which may differ from release to release. */
    release: string;
    version: string;
    image: string;
    /** The image's tag, where a registry needs it to know what to keep. */
    tag?: string;
}

/** The outputs of a stack, the same on every target. */
export interface Outputs {
    /** Where the release runs: the setting `target`. */
    target: string;
    /** Where visitors arrive. */
    url: string;
    /** Version of the release that runs. */
    version: string;
    /** Image of the release that runs, by digest, with its tag where the registry needs that to know what to keep. */
    image: pulumi.Output<string>;
    /** What serves: names of containers on a Docker host, CLUSTER/SERVICE/CONTAINER on Fargate, the host's id with a floating IP. */
    containers: pulumi.Output<string[]>;
    /** Command that opens a remote console in it. */
    console: string;
    /** The last releases that have run, the newest first: the first runs, and the others can be rolled back to. */
    releases: pulumi.Output<Release[]>;
    /** The release before the one that runs; nothing on the first deploy. */
    previous: pulumi.Output<Release | null>;
    /** On AWS, the log group of what serves. */
    logs?: pulumi.Output<string>;
    /** On a Docker host with https, the container that keeps the certificate. */
    certificate?: pulumi.Output<string>;
    /** Where the releases that are built are archived, if they are: a bucket, or on a Docker host a folder of this machine. */
    archive?: pulumi.Input<string>;
    /** On AWS, the security group of what serves, for a database to let in. */
    securityGroup?: pulumi.Output<string>;
}

/** Folder for the files of archived releases. */
export function archiveFolder(): string {
    return `.decanter/archive/${pulumi.getStack()}`;
}

/** What a stack's last successful update has left; nothing before its first deploy. */
export interface LastOutputs {
    /** The newest first. */
    releases: Release[];
    /** On AWS, the log group. */
    logs?: string;
}

/**
 * The outputs that a stack's last successful update has left. A stack that is not there ends the deploy.
 *
 * Wait for it before anything is declared: with its state in a file, Pulumi would read here what it is just writing.
 *
 * @param stack this one by default
 */
export async function lastOutputs(stack = pulumi.getStack()): Promise<LastOutputs> {
    const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`;
    const reference = new pulumi.StackReference(name);
    const read = async (output: string) => (await reference.getOutputDetails(output)).value as unknown;
    const [releases, console, logs] = await Promise.all([read("releases"), read("console"), read("logs")]);
    return {
        releases: namedReleases({ releases, console } as Parameters<typeof namedReleases>[0]),
        logs: logs as string | undefined,
    };
}

/**
 * What the outputs of every target tell of its releases.
 *
 * @param releases the newest first, which runs
 */
export function releaseOutputs(
    releases: pulumi.Output<Release[]>,
): Pick<Outputs, "image" | "releases" | "previous"> {
    return {
        image: releases.apply(([now]) => (now ? referenceOf(now) : "")),
        releases,
        previous: releases.apply((all) => all[1] ?? null),
    };
}

/** The image of a release as another stack takes it for its setting `image`: REPOSITORY:TAG@DIGEST. */
function referenceOf({ image, tag }: Release): string {
    const { repository, digest } = imageReference(image);
    return tag ? `${repository}:${tag}@${digest}` : image;
}

/**
 * A release and those that ran before it.
 *
 * @param count how many there are at most
 */
export function releasesUpTo(now: Release, before: Release[], count: number): Release[] {
    return [now, ...before.filter(({ image }) => image !== now.image)].slice(0, count);
}
