import * as pulumi from "@pulumi/pulumi";

/** A policy document of IAM, of statements, as JSON. */
export function policyDocument(...statements: object[]): pulumi.Output<string> {
    return pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements });
}
