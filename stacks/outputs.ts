import * as pulumi from "@pulumi/pulumi";

/** A release that ran: its version, and its image by digest. */
export interface Release {
    version: string;
    image: string;
}

/** The outputs of a stack, the same on every target. */
export interface Outputs {
    /** Where visitors arrive. */
    url: string;
    /** Version of the release that runs. */
    version: string;
    /** Image of the release that runs, by digest. */
    image: pulumi.Output<string>;
    /** Names of the containers that serve. */
    containers: pulumi.Output<string[]>;
    /** What ran before; nothing on the first deploy. */
    previous: pulumi.Output<Release | null>;
}

/** What ran before the release given: it is found in the outputs that the stack's last update left. */
export function previousRelease(now: {
    version: string;
    image: pulumi.Output<string>;
}): pulumi.Output<Release | null> {
    const stack = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
    const last = new pulumi.StackReference(stack);
    return pulumi
        .all([now.image, last.getOutput("image"), last.getOutput("version"), last.getOutput("previous")])
        .apply(([image, lastImage, lastVersion, lastPrevious]) => {
            // An update that changes nothing, or settings alone, has the same release before it.
            if (image === lastImage) return (lastPrevious ?? null) as Release | null;
            return lastImage === undefined
                ? null
                : { version: String(lastVersion), image: String(lastImage) };
        });
}
