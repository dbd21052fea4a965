import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { consoleActions, logStatement, policyDocument, pullStatements } from "../aws/policyDocument";
import { readyAfter } from "../release/readyAfter";

export interface HostRoleArgs {
    /** ARNs of the parameters with the secrets. */
    parameterArns: pulumi.Input<string>[];
    /** ARNs of the ECR repositories to pull from. */
    pullArns: pulumi.Input<string[]>;
    /** ARN of the log group. */
    logGroupArn: pulumi.Input<string>;
}

/** The role of a host: it reads its own secrets, pulls its own images, writes its own logs, hears deploys, and can be entered. */
export class HostRole extends pulumi.ComponentResource {
    /** Name of the instance profile; it resolves only when the role may do what it has to. */
    public readonly profileName: pulumi.Output<string>;

    constructor(name: string, args: HostRoleArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:HostRole", name, {}, opts);

        const child = { parent: this };
        const role = new aws.iam.Role(
            name,
            {
                assumeRolePolicy: policyDocument({
                    Effect: "Allow",
                    Principal: { Service: "ec2.amazonaws.com" },
                    Action: "sts:AssumeRole",
                }),
            },
            child,
        );
        const policy = new aws.iam.RolePolicy(
            name,
            {
                role: role.id,
                policy: policyDocument(
                    { Effect: "Allow", Action: "ssm:GetParameters", Resource: args.parameterArns },
                    ...pullStatements(args.pullArns),
                    logStatement(args.logGroupArn),
                    {
                        // What deploys say to hosts, and not what releases say.
                        Effect: "Allow",
                        Action: "logs:GetLogEvents",
                        Resource: pulumi.interpolate`${args.logGroupArn}:log-stream:i-*-deploy`,
                    },
                    {
                        // Session Manager. AWS's own policy for it, AmazonSSMManagedInstanceCore, allows all parameters
                        // of the account to be read.
                        Effect: "Allow",
                        Action: ["ssm:UpdateInstanceInformation", ...consoleActions],
                        Resource: "*",
                    },
                ),
            },
            child,
        );
        const profile = new aws.iam.InstanceProfile(name, { role: role.name }, child);
        this.profileName = readyAfter(profile.name, policy.id);
        this.registerOutputs({ profileName: this.profileName });
    }
}
