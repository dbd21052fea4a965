import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { policyDocument } from "../aws/policyDocument";
import { readyAfter } from "../release/readyAfter";
import type { LoadBalancer } from "./loadBalancer";

export interface BlueGreenArgs {
    /** With two target groups, and a rule. */
    loadBalancer: LoadBalancer;
    /** For how long the old replicas stay after the traffic has moved, in seconds. AWS counts whole minutes. */
    bakeSeconds: number;
}

/** Answers with a 5xx within a minute that take a deploy back while the old replicas are still there. */
const FAILURES = 10;

/**
 * What an ECS service needs to deploy by blue and green: all new replicas are there before any has traffic, all traffic
 * moves at once, and back again where the new release fails while the old replicas are still there.
 */
export class BlueGreen extends pulumi.ComponentResource {
    public readonly bakeMinutes: number;
    public readonly loadBalancer: aws.types.input.ecs.ServiceLoadBalancerAdvancedConfiguration;
    public readonly configuration: aws.types.input.ecs.ServiceDeploymentConfiguration;
    public readonly alarms: aws.types.input.ecs.ServiceAlarms;

    constructor(
        name: string,
        { loadBalancer, bakeSeconds }: BlueGreenArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("decanter:index:BlueGreen", name, {}, opts);

        const child = { parent: this };
        const { idleTargets, productionRule } = loadBalancer;
        if (idleTargets === undefined || productionRule === undefined)
            throw new Error("blue-green needs a load balancer with two target groups (blueGreen: true)");
        const role = new aws.iam.Role(
            `${name}-load-balancer`,
            {
                assumeRolePolicy: policyDocument({
                    Effect: "Allow",
                    Principal: { Service: "ecs.amazonaws.com" },
                    Action: "sts:AssumeRole",
                }),
            },
            child,
        );
        const { partition } = aws.getPartitionOutput({}, child);
        const policyArn = pulumi.interpolate`arn:${partition}:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers`;
        const attached = new aws.iam.RolePolicyAttachment(
            `${name}-load-balancer`,
            { role: role.name, policyArn },
            child,
        );
        const alarm = new aws.cloudwatch.MetricAlarm(
            name,
            {
                alarmDescription: "the release answers with 5xx",
                namespace: "AWS/ApplicationELB",
                metricName: "HTTPCode_Target_5XX_Count",
                dimensions: { LoadBalancer: loadBalancer.arnSuffix },
                statistic: "Sum",
                period: 60,
                evaluationPeriods: 1,
                threshold: FAILURES,
                comparisonOperator: "GreaterThanOrEqualToThreshold",
                treatMissingData: "notBreaching",
            },
            child,
        );
        this.bakeMinutes = Math.ceil(bakeSeconds / 60);
        this.loadBalancer = {
            alternateTargetGroupArn: idleTargets.arn,
            productionListenerRule: productionRule.arn,
            roleArn: readyAfter(role.arn, attached.id),
        };
        this.configuration = { strategy: "BLUE_GREEN", bakeTimeInMinutes: `${this.bakeMinutes}` };
        this.alarms = { enable: true, rollback: true, alarmNames: [alarm.name] };
        this.registerOutputs({ loadBalancer: this.loadBalancer });
    }
}
