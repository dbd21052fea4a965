import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { mustBe, mustBeWhole } from "../release/arguments";
import { checkHealth, type Health } from "../release/healthCheck";
import { checkLimits } from "../release/limits";
import { containerDefinitions, type TaskLimits } from "./taskContainer";
import { TaskRoles } from "./taskRoles";

export interface ReleaseTaskArgs {
    /** Image of the release, by digest. */
    image: pulumi.Input<string>;
    /** ARNs of the ECR repositories to pull from. */
    pullArns: pulumi.Input<string[]>;
    /** Plain environment, by name. */
    env: Record<string, pulumi.Input<string>>;
    /** ARNs of the parameters with the secret environment, by name. */
    secretArns: Record<string, pulumi.Input<string>>;
    /** ARN of all parameters that a release of the stack may read, earlier ones too. */
    parametersArn: pulumi.Input<string>;
    /** Another one whenever a secret has changed. */
    parametersVersion: pulumi.Input<string>;
    health: Health;
    /** How long it may take to stop, in seconds, 120 at most. */
    drainSeconds: number;
    limits: TaskLimits;
    /** CPU that the image is for: `linux/amd64` or `linux/arm64`. */
    platform: string;
    /** Whether a remote console may be opened. */
    console: boolean;
    /** Policies for what the app itself does with AWS, by ARN. */
    policyArns: string[];
    /** First part of the name of its Erlang node, where it clusters. */
    nodeName?: pulumi.Input<string>;
    logGroup: { name: pulumi.Input<string>; arn: pulumi.Input<string> };
    region: string;
    /** Runs before AWS hears of the task; the deploy ends where it throws. */
    beforeStartHooks: pulumi.ResourceHook[];
    /** What has to be there before that runs. */
    beforeStartDependencies: pulumi.Resource[];
}

/** What ECS runs: the release in its container, with its size and its roles. Earlier ones stay, for ECS to go back to. */
export class ReleaseTask extends pulumi.ComponentResource {
    /** ARN of the task definition. */
    public readonly arn: pulumi.Output<string>;
    /** Family of this task definition, and of those before. */
    public readonly family: string;
    public readonly containerName: string;

    constructor(name: string, args: ReleaseTaskArgs, opts?: pulumi.ComponentResourceOptions) {
        const component = `ReleaseTask ${name}`;
        checkHealth(args.health, component);
        checkLimits(args.limits, component);
        mustBeWhole(args.drainSeconds, [1, 120], component, "drainSeconds");
        const isKnown = ["linux/amd64", "linux/arm64"].includes(args.platform);
        mustBe(isKnown, component, "platform", "linux/amd64 or linux/arm64", args.platform);
        super("decanter:index:ReleaseTask", name, {}, opts);

        const { logGroup, limits } = args;
        this.containerName = "release";
        this.family = `${pulumi.getProject()}-${pulumi.getStack()}`.replaceAll(/[^\w-]/g, "-").slice(0, 255);
        const roles = new TaskRoles(
            name,
            {
                pullArns: args.pullArns,
                parametersArn: args.parametersArn,
                logGroupArn: logGroup.arn,
                console: args.console,
                policyArns: args.policyArns,
            },
            { parent: this },
        );
        const env = { ...args.env, RELEASE_SECRETS_VERSION: args.parametersVersion };
        const containers = pulumi
            .all([args.image, pulumi.all(env), pulumi.all(args.secretArns), logGroup.name, args.nodeName])
            .apply(([image, plain, secretArns, group, nodeName]) =>
                containerDefinitions({
                    name: this.containerName,
                    image,
                    env: plain,
                    secretArns,
                    health: args.health,
                    limits,
                    drainSeconds: args.drainSeconds,
                    console: args.console,
                    nodeName,
                    logGroup: group,
                    region: args.region,
                }),
            );
        const task = new aws.ecs.TaskDefinition(
            name,
            {
                family: this.family,
                requiresCompatibilities: ["FARGATE"],
                networkMode: "awsvpc",
                cpu: `${Number(limits.cpus) * 1024}`,
                memory: `${limits.memoryMb}`,
                runtimePlatform: {
                    operatingSystemFamily: "LINUX",
                    cpuArchitecture: args.platform === "linux/arm64" ? "ARM64" : "X86_64",
                },
                executionRoleArn: roles.executionRoleArn,
                taskRoleArn: roles.taskRoleArn,
                containerDefinitions: containers,
                // ECS goes back to the one before when a deploy fails, and starts replicas of it until then.
                skipDestroy: true,
            },
            // A task that starts before its roles may read the secrets fails.
            {
                parent: this,
                dependsOn: [...roles.policies, ...args.beforeStartDependencies],
                hooks: { beforeCreate: args.beforeStartHooks },
            },
        );
        this.arn = task.arn;
        this.registerOutputs({ arn: this.arn });
    }
}
