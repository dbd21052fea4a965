import * as pulumi from "@pulumi/pulumi";

/** A policy document of IAM, of statements, as JSON. */
export function policyDocument(...statements: object[]): pulumi.Output<string> {
    return pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements });
}

/** Statements that let a role pull images from repositories in ECR. */
export function pullStatements(repositoryArns: pulumi.Input<string[]>): object[] {
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

/** Statement that lets a role write to a log group. */
export function logStatement(logGroupArn: pulumi.Input<string>): object {
    const Action = ["logs:CreateLogStream", "logs:PutLogEvents"];
    return { Effect: "Allow", Action, Resource: pulumi.interpolate`${logGroupArn}:*` };
}

/** Actions of what a remote console comes through. AWS knows no narrower resource for them than all. */
export const consoleActions = [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
];
