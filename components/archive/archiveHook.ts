import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { DockerHost } from "../docker/dockerHost";
import { pullImage, type RegistryLogin } from "../image/pullImage";
import { lastLines } from "../release/logExcerpt";
import { sharedHook } from "../release/sharedHook";
import { valueOf } from "../release/valueOf";
import { type ArchivePlace, isArchived, LAST, upload } from "./archiveUpload";
import { ciRun } from "./ciRun";
import { type ReleaseOrigin, releaseProvenance } from "./releaseProvenance";
import { releaseTarball } from "./releaseTarball";

export interface ArchiveHookArgs extends Pick<ReleaseOrigin, "app" | "release" | "version"> {
    /** Image of the release, by digest: one that Decanter's Dockerfile has made. */
    image: pulumi.Input<string>;
    /** Image that built it. */
    builderImage: string;
    /** Image that it was built for. */
    runnerImage: string;
    /** Folder for the files. */
    folder: string;
    /** Where the files are kept besides, in a folder of the release's own. */
    place?: pulumi.Input<ArchivePlace>;
    /** Login at the image's registry, where a Docker host that does not have it pulls it. */
    login?: pulumi.Input<RegistryLogin>;
    /** Docker host that has the image. */
    host: DockerHost;
}

/**
 * A hook that archives a release before a container of it is made: its tarball, the tarball's checksum, and its provenance. It
 * throws where that fails, and then nothing is deployed.
 */
export function archiveHook(name: string, args: ArchiveHookArgs): pulumi.ResourceHook {
    return sharedHook(`${name}-archived`, () => archive(args));
}

async function archive(args: ArchiveHookArgs): Promise<void> {
    const { release, version } = args;
    try {
        const place = await valueOf(pulumi.output(args.place));
        // Its image may be on no Docker host at hand any more, and there is nothing left to do.
        if (place && (await isArchived(place))) return;
        for (const [name, content] of await files(args)) {
            await fs.mkdir(args.folder, { recursive: true });
            await fs.writeFile(path.join(args.folder, name), content);
            if (place) await upload(place, name, content);
        }
    } catch (error) {
        throw new Error(
            `the release ${release} ${version} could not be archived, so it is not deployed, and the next pulumi up tries ` +
                `again: ${(error as Error).message}`,
            { cause: error },
        );
    }
}

/** The files of a release by name, in the order in which they are to be written. */
async function files(args: ArchiveHookArgs): Promise<[name: string, content: Uint8Array][]> {
    const { app, release, version, builderImage, runnerImage, host } = args;
    const [image, login] = await Promise.all([
        valueOf(pulumi.output(args.image)),
        valueOf(pulumi.output(args.login)),
    ]);
    const { platform, labels } = await describe(host, image, login);
    const tarball = await releaseTarball(host, image, platform);
    const name = `${release}-${version}-${platform.replace("/", "-")}.tar.gz`;
    const sha256 = createHash("sha256").update(tarball).digest("hex");
    const origin = {
        app,
        release,
        version,
        platform,
        image,
        builderImage,
        runnerImage,
        labels,
        run: ciRun(),
    };
    const provenance = releaseProvenance({ name, sha256 }, origin);
    return [
        [name, tarball],
        [`${name}.sha256`, Buffer.from(`${sha256}  ${name}\n`)],
        [name + LAST, Buffer.from(`${JSON.stringify(provenance, null, 2)}\n`)],
    ];
}

/** Platform and labels of an image, which is pulled where the Docker host does not have it. */
async function describe(
    host: DockerHost,
    image: string,
    login?: RegistryLogin,
): Promise<{ platform: string; labels: Record<string, string> }> {
    const inspect = () => host.run(["image", "inspect", image]);
    let inspected = await inspect();
    if (inspected.code !== 0) {
        const { code, output } = await pullImage(host, image, login);
        if (code !== 0) {
            const said = lastLines(output, login ? [login.password] : []);
            throw new Error(
                `the image ${image} is not on the Docker host, and cannot be pulled; deploy from where it was built, or ` +
                    `build it again:\n${said}`,
            );
        }
        inspected = await inspect();
    }
    const [found] = JSON.parse(inspected.stdout) as {
        Os: string;
        Architecture: string;
        Config: { Labels: Record<string, string> | null };
    }[];
    if (found === undefined) throw new Error(`Docker does not describe the image ${image}`);
    return { platform: `${found.Os}/${found.Architecture}`, labels: found.Config.Labels ?? {} };
}
