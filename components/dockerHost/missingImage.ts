import * as pulumi from "@pulumi/pulumi";
import { dockerCli } from "../docker/dockerCli";
import { valueOf } from "../release/valueOf";

/** Logs an error where a container could not be made because its image is gone. */
export async function explainMissing(
    image: pulumi.Input<string>,
    host: string | undefined,
    resource: pulumi.Resource,
): Promise<boolean> {
    const reference = await valueOf(pulumi.output(image));
    const { code } = await dockerCli(host, ["image", "inspect", reference]);
    if (code !== 0) {
        await pulumi.log.error(
            `the image ${reference} is neither on the Docker host nor in its registry: ` +
                "deploy a different release, or build this one again",
            resource,
        );
    }
    return false;
}
