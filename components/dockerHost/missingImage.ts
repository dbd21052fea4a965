import * as pulumi from "@pulumi/pulumi";
import type { DockerHost } from "../docker/dockerHost";
import { valueOf } from "../release/valueOf";

/** Logs an error where a container could not be made because its image is gone. */
export async function explainMissing(
    host: DockerHost,
    image: pulumi.Input<string>,
    resource: pulumi.Resource,
): Promise<boolean> {
    const reference = await valueOf(pulumi.output(image));
    const { code } = await host.run(["image", "inspect", reference]);
    if (code !== 0) {
        await pulumi.log.error(
            `the image ${reference} is neither on the Docker host nor in its registry: ` +
                "deploy a different release, or build this one again",
            resource,
        );
    }
    return false;
}
