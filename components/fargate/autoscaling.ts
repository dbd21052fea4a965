import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface AutoscalingArgs {
    cluster: pulumi.Input<string>;
    service: pulumi.Input<string>;
    min: number;
    max: number;
    /** Average CPU use to scale for, in percent; 0 does not scale by it. */
    cpuPercent: number;
    /** Requests a minute of each replica to scale for; without it they do not count. */
    requests?: {
        perMinute: number;
        loadBalancerArnSuffix: pulumi.Input<string>;
        targetGroupArnSuffix: pulumi.Input<string>;
    };
}

/** More replicas under load, and fewer after it. It owns the number of replicas: the service must ignore it. */
export class Autoscaling extends pulumi.ComponentResource {
    constructor(name: string, args: AutoscalingArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:Autoscaling", name, {}, opts);

        const { cluster, service, min, max, cpuPercent, requests } = args;
        const child = { parent: this };
        const target = new aws.appautoscaling.Target(
            name,
            {
                serviceNamespace: "ecs",
                scalableDimension: "ecs:service:DesiredCount",
                resourceId: pulumi.interpolate`service/${cluster}/${service}`,
                minCapacity: min,
                maxCapacity: max,
            },
            child,
        );
        const policy = (
            by: string,
            targetValue: number,
            metric: aws.types.input.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecification,
        ) =>
            new aws.appautoscaling.Policy(
                `${name}-${by}`,
                {
                    policyType: "TargetTrackingScaling",
                    serviceNamespace: target.serviceNamespace,
                    scalableDimension: target.scalableDimension,
                    resourceId: target.resourceId,
                    targetTrackingScalingPolicyConfiguration: {
                        targetValue,
                        predefinedMetricSpecification: metric,
                        // Up at once, and down only when a lull has lasted.
                        scaleOutCooldown: 60,
                        scaleInCooldown: 300,
                    },
                },
                child,
            );
        if (cpuPercent > 0)
            policy("cpu", cpuPercent, { predefinedMetricType: "ECSServiceAverageCPUUtilization" });
        if (requests !== undefined) {
            policy("requests", requests.perMinute, {
                predefinedMetricType: "ALBRequestCountPerTarget",
                resourceLabel: pulumi.interpolate`${requests.loadBalancerArnSuffix}/${requests.targetGroupArnSuffix}`,
            });
        }
        this.registerOutputs({});
    }
}
