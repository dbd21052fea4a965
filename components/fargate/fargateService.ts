import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Network } from "../aws/network";
import { mustBeWhole } from "../release/arguments";
import { checkHealth, type Health, wholeHealth } from "../release/healthCheck";
import { checkMigration, type ReleaseMigration } from "../release/migrationCommand";
import { Autoscaling } from "./autoscaling";
import { BlueGreen } from "./blueGreen";
import type { LoadBalancer } from "./loadBalancer";
import type { NodeDiscovery } from "./nodeDiscovery";
import type { ReleaseTask } from "./releaseTask";
import { serviceHooks } from "./serviceHooks";
import { serviceSecurityGroup } from "./serviceSecurityGroup";

export interface FargateServiceArgs {
    task: ReleaseTask;
    network: Network;
    loadBalancer: LoadBalancer;
    health: Health;
    replicas: number;
    /** Replicas that load may ask for, where it scales. */
    scaling?: { max: number; cpuPercent: number; requestsPerMinute: number };
    /** How long requests that have begun may take on a replica that goes, and then how long it may take to stop, in seconds. */
    drainSeconds: number;
    /** For how long the old replicas stay after the traffic has moved, in seconds; without it the new ones replace them one by one. */
    blueGreenSeconds?: number;
    /** Whether replicas run on spare capacity. */
    spot: boolean;
    /** Where Erlang nodes find each other, if they cluster. */
    discovery?: NodeDiscovery;
    /** Whether a remote console may be opened. */
    console: boolean;
    /** What migrates before the service changes; without it nothing does. */
    migration?: ReleaseMigration;
    /** Whether no deploy has succeeded yet: then there is no release to go back to. */
    isFirst: boolean;
    logGroup: pulumi.Input<string>;
    region: string;
    /** Secret environment, by name: values that no error shows. */
    secrets: pulumi.Output<Record<string, string>>;
}

/**
 * A release on ECS with Fargate. A deploy migrates, and then ECS starts the new replicas beside the old ones, waits until
 * they are healthy, moves the traffic and stops the old ones. Where they do not become healthy it goes back by itself, and
 * the update fails with its reason; where the update fails otherwise, ECS is told to go back.
 */
export class FargateService extends pulumi.ComponentResource {
    public readonly clusterName: pulumi.Output<string>;
    public readonly serviceName: pulumi.Output<string>;
    /** Security group of the replicas, for a database to let in. */
    public readonly securityGroupId: pulumi.Output<string>;

    constructor(name: string, args: FargateServiceArgs, opts?: pulumi.ComponentResourceOptions) {
        const component = `FargateService ${name}`;
        checkHealth(args.health, component);
        mustBeWhole(args.replicas, [1, 1000], component, "replicas");
        mustBeWhole(args.scaling?.max, [args.replicas, 1000], component, "scaling.max");
        checkMigration(args.migration, component);
        super("decanter:index:FargateService", name, {}, opts);

        const { network, loadBalancer, blueGreenSeconds } = args;
        const { port, bootSeconds } = wholeHealth(args.health);
        const child = { parent: this };
        const { group, rules } = serviceSecurityGroup(
            name,
            { network, loadBalancer, port, discovery: args.discovery },
            child,
        );
        const cluster = new aws.ecs.Cluster(
            name,
            // What scaling looks at AWS counts anyway; the rest costs by the metric.
            { settings: [{ name: "containerInsights", value: "disabled" }] },
            child,
        );
        const providers = new aws.ecs.ClusterCapacityProviders(
            name,
            { clusterName: cluster.name, capacityProviders: ["FARGATE", "FARGATE_SPOT"] },
            child,
        );
        const blueGreen =
            blueGreenSeconds === undefined
                ? undefined
                : new BlueGreen(name, { loadBalancer, bakeSeconds: blueGreenSeconds }, child);
        // ECS gives a release up after three tries or more, and then goes back: the update is to say so, and not that it
        // took too long.
        const tries = Math.ceil((3 * bootSeconds + 2 * args.drainSeconds) / 60);
        const minutes = 20 + (blueGreen?.bakeMinutes ?? 0) + tries;
        const hooks = serviceHooks(
            name,
            args,
            { cluster: cluster.name, securityGroup: group.id, minutes },
            this,
        );
        const service = new aws.ecs.Service(
            name,
            { cluster: cluster.arn, ...deployment(args, blueGreen), ...placement(args, group.id) },
            {
                parent: this,
                dependsOn: [...loadBalancer.listeners, ...network.routes, ...rules, providers],
                hooks,
                customTimeouts: { create: `${minutes}m`, update: `${minutes}m` },
                // Load decides, between the two bounds.
                ignoreChanges: args.scaling === undefined ? [] : ["desiredCount"],
            },
        );
        scale(name, args, cluster, service, child);

        this.clusterName = cluster.name;
        this.serviceName = service.name;
        this.securityGroupId = group.id;
        this.registerOutputs({
            clusterName: this.clusterName,
            serviceName: this.serviceName,
            securityGroupId: this.securityGroupId,
        });
    }
}

/** What ECS runs, and how it goes from one release to the next. */
function deployment({ task, replicas, ...args }: FargateServiceArgs, blueGreen: BlueGreen | undefined) {
    return {
        taskDefinition: task.arn,
        desiredCount: replicas,
        // Without it another capacity would replace the service, and with it the old replicas.
        forceNewDeployment: true,
        healthCheckGracePeriodSeconds: wholeHealth(args.health).bootSeconds,
        deploymentMinimumHealthyPercent: 100,
        deploymentMaximumPercent: 200,
        deploymentConfiguration: blueGreen?.configuration ?? { strategy: "ROLLING" },
        // AWS has it for rolling deployments alone.
        deploymentCircuitBreaker: blueGreen ? undefined : { enable: true, rollback: true },
        alarms: blueGreen?.alarms,
        // A deploy that ECS takes back is an error of the update.
        waitForSteadyState: true,
        loadBalancers: [
            {
                targetGroupArn: args.loadBalancer.targets.arn,
                containerName: task.containerName,
                containerPort: args.health.port,
                advancedConfiguration: blueGreen?.loadBalancer,
            },
        ],
    };
}

/** Where replicas run, and who reaches them. */
function placement(
    { network, discovery, spot, ...args }: FargateServiceArgs,
    securityGroup: pulumi.Output<string>,
) {
    const capacity = spot ? "FARGATE_SPOT" : "FARGATE";
    return {
        capacityProviderStrategies: [{ capacityProvider: capacity, weight: 1 }],
        triggers: { capacity },
        networkConfiguration: {
            subnets: network.releaseSubnetIds,
            securityGroups: [securityGroup],
            assignPublicIp: network.publicAddresses,
        },
        serviceRegistries: discovery && { registryArn: discovery.registryArn },
        availabilityZoneRebalancing: "ENABLED",
        enableExecuteCommand: args.console,
        enableEcsManagedTags: true,
        propagateTags: "SERVICE",
    };
}

/** Has load decide how many replicas there are, where that is wanted. */
function scale(
    name: string,
    { scaling, replicas, loadBalancer }: FargateServiceArgs,
    cluster: aws.ecs.Cluster,
    service: aws.ecs.Service,
    child: pulumi.ComponentResourceOptions,
): void {
    if (scaling === undefined) return;
    const { max, cpuPercent, requestsPerMinute } = scaling;
    const requests = {
        perMinute: requestsPerMinute,
        loadBalancerArnSuffix: loadBalancer.arnSuffix,
        targetGroupArnSuffix: loadBalancer.targets.arnSuffix,
    };
    new Autoscaling(
        name,
        {
            cluster: cluster.name,
            service: service.name,
            min: replicas,
            max,
            cpuPercent,
            requests: requestsPerMinute === 0 ? undefined : requests,
        },
        child,
    );
}
