import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { AccessLogs } from "../components/fargate/accessLogs";
import { Certificate } from "../components/fargate/certificate";
import { FargateService } from "../components/fargate/fargateService";
import { LoadBalancer } from "../components/fargate/loadBalancer";
import { NodeDiscovery } from "../components/fargate/nodeDiscovery";
import { ReleaseTask } from "../components/fargate/releaseTask";
import { clusterEnv, consoleCommand } from "../components/fargate/taskContainer";
import { imageReference } from "../components/release/imageReference";
import { readyAfter } from "../components/release/readyAfter";
import { cut } from "./awsNames";
import { type AwsPast, awsRelease, envOf } from "./awsRelease";
import type { ConfigOf } from "./config/config";
import { type Outputs, releaseOutputs } from "./outputs";

/** The target `fargate`: a release on ECS with Fargate, behind a load balancer. */
export function fargate(config: ConfigOf<"fargate">, past: AwsPast = {}): Outputs {
    const { release, domain, health, drainSeconds, aws: settings } = config;
    const { zoneId, protect, region } = settings;
    const base = awsRelease(config, past);
    const { name, opts, network, parameters, logGroup } = base;
    const { vpcId } = network;

    const blueGreen = settings.strategy === "blue-green";
    const logs =
        settings.accessLogDays === 0
            ? undefined
            : new AccessLogs(`${name}-access`, { days: settings.accessLogDays, protect }, opts);
    const certificateArn =
        settings.certificateArn ?? new Certificate(name, { domain, zoneId: zoneId ?? "" }, opts).arn;
    const loadBalancer = new LoadBalancer(
        `${name}-web`,
        {
            vpcId,
            subnetIds: network.publicSubnetIds,
            certificateArn,
            health,
            drainSeconds,
            blueGreen,
            accessLogs: logs?.bucket,
            protect,
        },
        opts,
    );
    const discovery =
        settings.clustering === "none"
            ? undefined
            : new NodeDiscovery(
                  `${name}-nodes`,
                  { vpcId, domain: `${cut(pulumi.getStack(), 63)}.${cut(pulumi.getProject(), 63)}.internal` },
                  opts,
              );
    const task = new ReleaseTask(
        name,
        {
            image: base.image,
            pullArns: base.pullArns,
            env: { ...(discovery && clusterEnv(discovery.query)), ...envOf(config) },
            health,
            limits: settings.limits,
            drainSeconds,
            platform: settings.platform,
            console: settings.console,
            logGroup,
            region,
            beforeStartHooks: base.beforeStartHooks,
            beforeStartDependencies: base.beforeStartDependencies,
            secretArns: parameters.arns,
            parametersArn: parameters.pathArn,
            parametersVersion: parameters.version,
            policyArns: settings.taskPolicyArns,
            nodeName: discovery && base.image.apply((image) => nodeName(config, image)),
        },
        opts,
    );
    const { maxReplicas, scaleCpuPercent, scaleRequests } = settings;
    const service = new FargateService(
        name,
        {
            network,
            task,
            loadBalancer,
            health,
            replicas: config.replicas,
            drainSeconds,
            migration: config.migration,
            spot: settings.spot,
            console: settings.console,
            scaling:
                maxReplicas === 0
                    ? undefined
                    : { max: maxReplicas, cpuPercent: scaleCpuPercent, requestsPerMinute: scaleRequests },
            blueGreenSeconds: blueGreen ? health.bakeSeconds : undefined,
            discovery,
            isFirst: (past.pastReleases ?? []).length === 0,
            logGroup: logGroup.name,
            secrets: base.secrets,
            region,
        },
        opts,
    );

    if (zoneId !== undefined) {
        const alias = {
            name: loadBalancer.dnsName,
            zoneId: loadBalancer.zoneId,
            evaluateTargetHealth: false,
        };
        new aws.route53.Record(
            name,
            { zoneId, name: domain, type: "A", aliases: [alias] },
            // Visitors come when the release serves.
            { parent: loadBalancer, dependsOn: service },
        );
    }

    return {
        target: config.target,
        url: `https://${domain}`,
        version: config.version,
        ...releaseOutputs(readyAfter(base.releases, service.serviceName)),
        containers: pulumi
            .all([service.clusterName, service.serviceName])
            .apply((names) => [[...names, task.containerName].join("/")]),
        console: consoleCommand(release),
        logs: logGroup.name,
        ...(base.archive && { archive: base.archive }),
        securityGroup: service.securityGroupId,
    };
}

/** Nodes of another name never meet: with the image in it only those of one release do. */
function nodeName({ release, aws: { clustering } }: ConfigOf<"fargate">, image: string): string {
    return clustering === "together"
        ? release
        : `${release}-${imageReference(image).digest?.slice("sha256:".length).slice(0, 12)}`;
}
