import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { consoleActions, logStatement, policyDocument, pullStatements } from "../aws/policyDocument";

export interface TaskRolesArgs {
    /** ARNs of the ECR repositories to pull from. */
    pullArns: pulumi.Input<string[]>;
    /** ARN of the parameters with the secrets. */
    parametersArn: pulumi.Input<string>;
    /** ARN of the log group. */
    logGroupArn: pulumi.Input<string>;
    /** Whether a remote console may be opened. */
    console: boolean;
    /**
     * Policies for what the app itself does with AWS, by ARN.
     *
     * @default none
     */
    policyArns?: string[];
}

/**
 * The two roles of a task on ECS. The execution role is AWS's own, for what comes before the release starts: it pulls the
 * image, reads the secrets and writes logs, and those alone. The task role is the release's.
 */
export class TaskRoles extends pulumi.ComponentResource {
    public readonly executionRoleArn: pulumi.Output<string>;
    public readonly taskRoleArn: pulumi.Output<string>;
    /** What has to be there before a task can start. */
    public readonly policies: pulumi.Resource[];

    constructor(name: string, args: TaskRolesArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:TaskRoles", name, {}, opts);

        const child = { parent: this };
        const { accountId } = aws.getCallerIdentityOutput({}, child);
        // Only tasks of this account: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
        const assumeRolePolicy = policyDocument({
            Effect: "Allow",
            Principal: { Service: "ecs-tasks.amazonaws.com" },
            Action: "sts:AssumeRole",
            Condition: { StringEquals: { "aws:SourceAccount": accountId } },
        });
        const execution = new aws.iam.Role(`${name}-execution`, { assumeRolePolicy }, child);
        const task = new aws.iam.Role(`${name}-task`, { assumeRolePolicy }, child);

        const start = new aws.iam.RolePolicy(
            `${name}-execution`,
            {
                role: execution.id,
                policy: policyDocument(
                    ...pullStatements(args.pullArns),
                    { Effect: "Allow", Action: "ssm:GetParameters", Resource: args.parametersArn },
                    logStatement(args.logGroupArn),
                ),
            },
            child,
        );
        const policies = [
            ...(args.console
                ? [
                      new aws.iam.RolePolicy(
                          `${name}-console`,
                          {
                              role: task.id,
                              policy: policyDocument({
                                  Effect: "Allow",
                                  Action: consoleActions,
                                  Resource: "*",
                              }),
                          },
                          child,
                      ),
                  ]
                : []),
            ...(args.policyArns ?? []).map(
                (policyArn, index) =>
                    // Named by the policy: one that is put before others would take each of them away for a moment.
                    new aws.iam.RolePolicyAttachment(
                        `${name}-task-${policyArn.split(":").slice(4).join("-")}`,
                        { role: task.name, policyArn },
                        { ...child, aliases: [{ name: `${name}-task-${index + 1}` }] },
                    ),
            ),
        ];
        this.executionRoleArn = execution.arn;
        this.taskRoleArn = task.arn;
        this.policies = [start, ...policies];
        this.registerOutputs({ executionRoleArn: this.executionRoleArn, taskRoleArn: this.taskRoleArn });
    }
}
