import * as pulumi from "@pulumi/pulumi";

/** A value that is known only once others are: what a resource is for follows from what has to be there first. */
export function readyAfter<T>(value: pulumi.Input<T>, ...others: pulumi.Output<unknown>[]): pulumi.Output<T> {
    return pulumi.all([value, ...others]).apply(([known]) => known as T);
}
