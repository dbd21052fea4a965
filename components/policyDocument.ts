import * as pulumi from "@pulumi/pulumi";

/** A policy document of IAM, of statements, as JSON. */
export function policyDocument(...statements: object[]): pulumi.Output<string> {
    return pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements });
}

/** Statements that let a role pull images from repositories in ECR. */
export function pullStatements(repositoryArns: pulumi.Input<string>[]): object[] {
    return [
        // AWS knows no narrower resource for it.
        { Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" },
        {
            Effect: "Allow",
            Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            Resource: repositoryArns,
        },
    ];
}
