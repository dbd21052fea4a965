import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Health } from "../release/healthCheck";
import { strategyStays, subnetsStay } from "./loadBalancerGuards";

export interface LoadBalancerArgs {
    vpcId: pulumi.Input<string>;
    /** Public subnets, in two zones or more. */
    subnetIds: pulumi.Input<string>[];
    /** Certificate in ACM. */
    certificateArn: pulumi.Input<string>;
    health: Health;
    /** How long requests that have begun may take on a replica that goes, in seconds. */
    drainSeconds: number;
    /**
     * Whether there is a second target group, and a rule that ECS moves the traffic with.
     *
     * @default false
     */
    blueGreen?: boolean;
    /** Bucket for access logs; without it there are none. */
    accessLogs?: pulumi.Input<string>;
    /**
     * Whether AWS and Pulumi refuse to delete it.
     *
     * @default false
     */
    protect?: boolean;
}

/** Checks come as often as AWS lets them: a replica that is new gets traffic after its first good one. */
const HEALTH_CHECK = { interval: 5, timeout: 4, healthyThreshold: 2, unhealthyThreshold: 3 };

/** An application load balancer: https for visitors, and plain HTTP to the replicas. Requests to port 80 are sent on to https. */
export class LoadBalancer extends pulumi.ComponentResource {
    public readonly dnsName: pulumi.Output<string>;
    /** Hosted zone of `dnsName`, for alias records. */
    public readonly zoneId: pulumi.Output<string>;
    public readonly arnSuffix: pulumi.Output<string>;
    public readonly securityGroupId: pulumi.Output<string>;
    /** Target groups for replicas: one, or blue and green. */
    public readonly targetGroups: aws.lb.TargetGroup[];
    /** The rule that ECS moves the traffic with, where there are two target groups. */
    public readonly productionRule?: aws.lb.ListenerRule;
    /** What has to be there before replicas get traffic. */
    public readonly listeners: aws.lb.Listener[];

    constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:LoadBalancer", name, {}, opts);

        const { vpcId, blueGreen = false, protect = false } = args;
        const child = { parent: this };
        const group = new aws.ec2.SecurityGroup(name, { vpcId, description: "visitors" }, child);
        for (const port of [80, 443]) {
            const rule = { securityGroupId: group.id, ipProtocol: "tcp", fromPort: port, toPort: port };
            new aws.vpc.SecurityGroupIngressRule(
                `${name}-${port}`,
                { ...rule, cidrIpv4: "0.0.0.0/0" },
                child,
            );
        }
        const balancer = new aws.lb.LoadBalancer(
            name,
            {
                loadBalancerType: "application",
                subnets: args.subnetIds,
                securityGroups: [group.id],
                dropInvalidHeaderFields: true,
                enableDeletionProtection: protect,
                accessLogs: args.accessLogs ? { bucket: args.accessLogs, enabled: true } : undefined,
            },
            { parent: this, protect, hooks: { beforeUpdate: [subnetsStay(name)] } },
        );

        this.targetGroups = (blueGreen ? ["blue", "green"] : [undefined]).map(
            (color) =>
                new aws.lb.TargetGroup(
                    // No name of its own: a listener would keep the old one from going before the new one is there.
                    color === undefined ? name : `${name}-${color}`,
                    {
                        port: args.health.port,
                        protocol: "HTTP",
                        targetType: "ip",
                        vpcId,
                        deregistrationDelay: args.drainSeconds,
                        healthCheck: {
                            ...HEALTH_CHECK,
                            path: args.health.path,
                            // The container's own check wants the 200, from the path that its release has. This one cannot
                            // say that it came through https, which a release may redirect, and a change of the path
                            // asks the old replicas too, which may not know it.
                            matcher: "200-499",
                        },
                    },
                    // ECS registers each replica with the port that it has. A different group would be an empty one.
                    { ...child, ignoreChanges: ["port"] },
                ),
        );
        const [targets] = this.targetGroups as [aws.lb.TargetGroup];
        const forward = { type: "forward", targetGroupArn: targets.arn };
        const nothing = { contentType: "text/plain", messageBody: "no release", statusCode: "503" };

        const redirect = new aws.lb.Listener(
            `${name}-http`,
            {
                loadBalancerArn: balancer.arn,
                port: 80,
                protocol: "HTTP",
                defaultActions: [
                    {
                        type: "redirect",
                        redirect: { port: "443", protocol: "HTTPS", statusCode: "HTTP_301" },
                    },
                ],
            },
            child,
        );
        const https = new aws.lb.Listener(
            `${name}-https`,
            {
                loadBalancerArn: balancer.arn,
                port: 443,
                protocol: "HTTPS",
                certificateArn: args.certificateArn,
                sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
                defaultActions: [blueGreen ? { type: "fixed-response", fixedResponse: nothing } : forward],
            },
            { ...child, hooks: { beforeUpdate: [strategyStays(name)] } },
        );
        if (blueGreen) {
            const [blue, green] = this.targetGroups as [aws.lb.TargetGroup, aws.lb.TargetGroup];
            this.productionRule = new aws.lb.ListenerRule(
                name,
                {
                    listenerArn: https.arn,
                    priority: 1,
                    conditions: [{ pathPattern: { values: ["/*"] } }],
                    actions: [
                        {
                            type: "forward",
                            forward: {
                                targetGroups: [
                                    { arn: blue.arn, weight: 100 },
                                    { arn: green.arn, weight: 0 },
                                ],
                            },
                        },
                    ],
                },
                // ECS swings the weights at every deploy: put back, they would move the traffic to what is gone.
                { parent: this, ignoreChanges: ["actions"] },
            );
        }
        this.listeners = [redirect, https];
        this.dnsName = balancer.dnsName;
        this.zoneId = balancer.zoneId;
        this.arnSuffix = balancer.arnSuffix;
        this.securityGroupId = group.id;
        this.registerOutputs({ dnsName: this.dnsName });
    }
}
