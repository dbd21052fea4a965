import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { DockerHost } from "../docker/dockerHost";
import { imageReference } from "../release/imageReference";
import { valueOf } from "../release/valueOf";

export interface ImageRetentionArgs {
    /** Registries and paths of the images, such as `ghcr.io/acme/hello`: one for each app that the stack has run. */
    repositories: pulumi.Input<string[]>;
    /** Images that stay, by digest: the one that serves, and those that one may go back to. */
    keep: pulumi.Input<string[]>;
    /** Network of the stack's containers. */
    networkName: pulumi.Input<string>;
    /** Container of the stack's own registry. Another registry has rules of its own for what it keeps. */
    registryContainer?: pulumi.Input<string>;
}

/**
 * Which images of a release stay on the Docker host, and in the stack's own registry. All others go when a deploy has
 * moved the traffic: those of older releases, and those of tries that have failed, with what such a try has left running.
 */
export class ImageRetention extends pulumi.ComponentResource {
    /** Removes the images. What it cannot remove is a warning, and is tried again by the next deploy. */
    public readonly pruneHook: pulumi.ResourceHook;

    constructor(name: string, args: ImageRetentionArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:ImageRetention", name, {}, opts);

        const host = DockerHost.of(this);
        this.pruneHook = new pulumi.ResourceHook(`${name}-prune`, async () => {
            try {
                await prune(host, args);
            } catch (error) {
                const why = error instanceof Error ? error.message : String(error);
                await pulumi.log.warn(
                    `old images could not be removed, the next deploy tries again: ${why}`,
                    this,
                );
            }
        });
        this.registerOutputs({});
    }
}

async function prune(host: DockerHost, args: ImageRetentionArgs): Promise<void> {
    const { repositories, keep, networkName, registryContainer } = await valueOf(pulumi.output(args));
    const run = async (...command: string[]) => {
        const { code, stdout, output } = await host.run(command, 300);
        if (code !== 0) throw new Error(output.trim());
        return stdout.split("\n").filter((line) => line !== "");
    };

    const ids = ["image", "inspect", "--format", "{{.Id}}"];
    const [serving = "", ...earlier] = keep;
    // If even the image that serves is not found, what is old cannot be told.
    const kept = await run(...ids, serving);
    kept.push(...(await host.run([...ids, ...earlier])).stdout.split("\n"));
    const format = "{{.ID}} {{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}";
    const list = ["image", "ls", "--no-trunc", "--digests", "--format", format];
    const images = (await Promise.all(repositories.map((repository) => run(...list, repository)))).flat();
    const old = images.map((line) => line.split(" ")).filter(([id = ""]) => !kept.includes(id));

    for (const [id = "", tag = "", digest = ""] of old) {
        // Those of this stack are of a try that has failed. Pulumi would remove them at the end, but the image goes only
        // after them.
        const filters = ["--filter", `ancestor=${id}`, "--filter", `label=decanter.router=${networkName}`];
        const failed = await run("ps", "-aq", "--no-trunc", ...filters);
        if (failed.length > 0) {
            await run("stop", ...failed);
            await run("rm", ...failed);
        }
        // With its last tag an image loses its digests too.
        const { code, output } = await host.run(["rmi", tag.endsWith(":<none>") ? digest : tag]);
        // Another stack on this host may run it.
        if (code !== 0 && !output.includes("conflict")) throw new Error(output.trim());
    }

    if (registryContainer !== undefined) {
        const script = path.join(__dirname, "..", "..", "docker", "registry", "prune");
        const digests = keep.map((reference) => imageReference(reference).digest ?? "");
        for (const repository of repositories) {
            const { path: image } = imageReference(repository);
            const command = ["/bin/sh", "-c", fs.readFileSync(script, "utf8"), "prune", image, ...digests];
            await run("exec", registryContainer, ...command);
        }
    }
}
