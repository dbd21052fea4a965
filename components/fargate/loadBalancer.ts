import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { mustBe, mustBeWhole } from "../release/arguments";
import { checkHealth, type Health } from "../release/healthCheck";
import { httpsListener, productionRule, redirectListener } from "./listeners";
import { subnetsStay } from "./loadBalancerGuards";

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
    /** Target group for replicas; one of two where it is for blue-green, which take turns. */
    public readonly targets: aws.lb.TargetGroup;
    /** The other one. */
    public readonly idleTargets?: aws.lb.TargetGroup;
    /** The rule that ECS moves the traffic with, where there are two target groups. */
    public readonly productionRule?: aws.lb.ListenerRule;
    /** What has to be there before replicas get traffic. */
    public readonly listeners: aws.lb.Listener[];

    constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
        const subnets = args.subnetIds.length;
        mustBe(
            subnets >= 2,
            `LoadBalancer ${name}`,
            "subnetIds",
            "two or more, each in another zone",
            subnets,
        );
        checkHealth(args.health, `LoadBalancer ${name}`);
        mustBeWhole(args.drainSeconds, [0, 3600], `LoadBalancer ${name}`, "drainSeconds");
        super("decanter:index:LoadBalancer", name, {}, opts);

        const child = { parent: this };
        const visitors = visitorsGroup(name, args.vpcId, child);
        const balancer = new aws.lb.LoadBalancer(
            name,
            {
                loadBalancerType: "application",
                subnets: args.subnetIds,
                securityGroups: [visitors.id],
                dropInvalidHeaderFields: true,
                enableDeletionProtection: args.protect ?? false,
                accessLogs: args.accessLogs ? { bucket: args.accessLogs, enabled: true } : undefined,
            },
            { ...child, protect: args.protect ?? false, hooks: { beforeUpdate: [subnetsStay(name)] } },
        );
        this.targets = targetGroup(args.blueGreen ? `${name}-blue` : name, args, child);
        this.idleTargets = args.blueGreen ? targetGroup(`${name}-green`, args, child) : undefined;
        const redirect = redirectListener(name, balancer, child);
        const https = httpsListener(
            name,
            balancer,
            args.certificateArn,
            this.idleTargets ? undefined : this.targets,
            child,
        );
        this.productionRule =
            this.idleTargets && productionRule(name, https, [this.targets, this.idleTargets], child);

        this.listeners = [redirect, https];
        this.dnsName = balancer.dnsName;
        this.zoneId = balancer.zoneId;
        this.arnSuffix = balancer.arnSuffix;
        this.securityGroupId = visitors.id;
        this.registerOutputs({
            dnsName: this.dnsName,
            zoneId: this.zoneId,
            arnSuffix: this.arnSuffix,
            securityGroupId: this.securityGroupId,
        });
    }
}

/** The security group that visitors reach. */
function visitorsGroup(
    name: string,
    vpcId: pulumi.Input<string>,
    child: pulumi.CustomResourceOptions,
): aws.ec2.SecurityGroup {
    const group = new aws.ec2.SecurityGroup(name, { vpcId, description: "visitors" }, child);
    for (const port of [80, 443]) {
        const rule = { securityGroupId: group.id, ipProtocol: "tcp", fromPort: port, toPort: port };
        new aws.vpc.SecurityGroupIngressRule(`${name}-${port}`, { ...rule, cidrIpv4: "0.0.0.0/0" }, child);
    }
    return group;
}

/** Where replicas register. It has no name of its own: a listener would keep the old one from going before the new one is there. */
function targetGroup(
    name: string,
    { health, vpcId, drainSeconds }: LoadBalancerArgs,
    child: pulumi.CustomResourceOptions,
): aws.lb.TargetGroup {
    return new aws.lb.TargetGroup(
        name,
        {
            port: health.port,
            protocol: "HTTP",
            targetType: "ip",
            vpcId,
            deregistrationDelay: drainSeconds,
            healthCheck: {
                ...HEALTH_CHECK,
                path: health.path,
                // The container's own check wants the 200, from the path that its release has. This one cannot say that it
                // came through https, which a release may redirect, and a change of the path asks the old replicas too,
                // which may not know it.
                matcher: "200-499",
            },
        },
        // ECS registers each replica with the port that it has. A different group would be an empty one.
        { ...child, ignoreChanges: ["port"] },
    );
}
