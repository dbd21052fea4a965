import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Network } from "../aws/network";

export interface ReleaseHostArgs {
    network: Network;
    /** What it does at its boot; another one makes another host. */
    userData: pulumi.Input<string>;
    /** Image of Amazon Linux 2023, by id. */
    ami: pulumi.Input<string>;
    /** Type of instance, for the CPU of the image. */
    instanceType: pulumi.Input<string>;
    /** Size of the disk, in GiB. */
    diskGb: number;
    /** Name of the instance profile. */
    profileName: pulumi.Input<string>;
    /** Ports that the world reaches. */
    ports: number[];
    /** Runs before a host is made; the deploy ends where it throws. */
    beforeStartHooks?: pulumi.ResourceHook[];
    /** What has to be there before that runs. */
    beforeStartDependencies?: pulumi.Resource[];
}

/**
 * An EC2 instance that runs one release. Another release is another host, made beside the one that serves: nothing is
 * changed on a host, so that the one before can serve until the address has moved.
 */
export class ReleaseHost extends pulumi.ComponentResource {
    public readonly instanceId: pulumi.Output<string>;
    /** Security group of the host, for a database to let in. */
    public readonly securityGroupId: pulumi.Output<string>;

    constructor(name: string, args: ReleaseHostArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:ReleaseHost", name, {}, opts);

        const { network } = args;
        const tags = { Name: name };
        const child = { parent: this };
        const group = new aws.ec2.SecurityGroup(name, { vpcId: network.vpcId, tags }, child);
        const world = { 4: { cidrIpv4: "0.0.0.0/0" }, 6: { cidrIpv6: "::/0" } };
        const rules = Object.entries(world).flatMap(([version, range]) => [
            new aws.vpc.SecurityGroupEgressRule(
                `${name}-out-${version}`,
                { securityGroupId: group.id, ipProtocol: "-1", ...range },
                child,
            ),
            ...args.ports.map(
                (port) =>
                    new aws.vpc.SecurityGroupIngressRule(
                        `${name}-${port}-${version}`,
                        {
                            securityGroupId: group.id,
                            ipProtocol: "tcp",
                            fromPort: port,
                            toPort: port,
                            ...range,
                        },
                        child,
                    ),
            ),
        ]);

        const instance = new aws.ec2.Instance(
            name,
            {
                ami: args.ami,
                instanceType: args.instanceType,
                // One host is in one zone.
                subnetId: network.publicSubnetIds[0],
                vpcSecurityGroupIds: [group.id],
                // The way to AWS before the address has moved here, and the only one until then.
                associatePublicIpAddress: true,
                iamInstanceProfile: args.profileName,
                metadataOptions: {
                    httpEndpoint: "enabled",
                    httpTokens: "required",
                    // One hop ends on the host: a container that asks for the host's credentials gets no answer.
                    httpPutResponseHopLimit: 1,
                },
                rootBlockDevice: { volumeType: "gp3", volumeSize: args.diskGb, encrypted: true, tags },
                userData: args.userData,
                // Otherwise AWS stops the host that serves, and starts it again.
                userDataReplaceOnChange: true,
                monitoring: false,
                tags,
            },
            {
                parent: this,
                // The provider would stop the host that serves for another type, and grow its disk in place.
                replaceOnChanges: ["instanceType", "rootBlockDevice"],
                // The host that serves goes last.
                deleteBeforeReplace: false,
                dependsOn: [...network.routes, ...rules, ...(args.beforeStartDependencies ?? [])],
                hooks: { beforeCreate: args.beforeStartHooks ?? [] },
            },
        );
        this.instanceId = instance.id;
        this.securityGroupId = group.id;
        this.registerOutputs({ instanceId: this.instanceId, securityGroupId: this.securityGroupId });
    }
}
