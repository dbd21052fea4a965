import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { DockerResult } from "../docker/dockerCli";
import type { DockerHost } from "../docker/dockerHost";
import { lastLines } from "../release/logExcerpt";

/** For `docker.Image`, the platform of the Docker host: without a word the provider takes this machine's. */
export const hostPlatform = "";

/** What `docker.Image` builds. */
export interface Build {
    context: string;
    dockerfile: string;
    platform?: string;
    args: Record<string, string>;
}

/** What tells whether a file right in a folder has changed: a SHA-256, as hex. */
export function folderDigest(folder: string): string {
    const hash = createHash("sha256");
    for (const file of fs.readdirSync(folder).sort())
        hash.update(file).update(fs.readFileSync(path.join(folder, file)));
    return hash.digest("hex");
}

/**
 * Builds with Docker's command line what `docker.Image` builds with its API.
 *
 * @param options further options of `docker build`
 */
export function buildImage(host: DockerHost, build: Build, options: string[]): Promise<DockerResult> {
    const platform = build.platform ? ["--platform", build.platform] : [];
    const args = Object.entries(build.args).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
    return host.run(["build", ...platform, "-f", build.dockerfile, ...args, ...options, build.context], 3600);
}

/** Builds once more what failed to build, which the cache makes short, and logs the last lines of what it says. */
export async function explainBuild(
    host: DockerHost,
    failed: pulumi.ErrorHookArgs,
    resource: pulumi.Resource,
): Promise<boolean> {
    const { code, output } = await buildImage(host, failed.newInputs?.build as Build, ["--progress=plain"]);
    if (code !== 0) {
        await pulumi.log.error(`the build failed:\n${lastLines(output, [])}`, resource);
    }
    return false;
}
