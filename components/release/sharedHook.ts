import * as pulumi from "@pulumi/pulumi";

/** A hook of several resources, such as the replicas of a release, that runs once for all of them. They all wait for it. */
export function sharedHook(name: string, run: () => Promise<void>): pulumi.ResourceHook {
    let running: Promise<void> | undefined;
    return new pulumi.ResourceHook(name, () => (running ??= run()));
}
