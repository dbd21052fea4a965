import * as pulumi from "@pulumi/pulumi";

/** The value of an output, for hooks: when they run, the resources that they follow are there. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
    return new Promise((resolve) => {
        output.apply((value) => resolve(value));
    });
}
