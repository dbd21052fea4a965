import * as pulumi from "@pulumi/pulumi";
import { madeNetwork, type NetworkLayout, type VpcArgs } from "./vpc";

export interface NetworkArgs extends VpcArgs {
    /** A VPC that is there; without it one is made. */
    existing?: {
        vpcId: pulumi.Input<string>;
        /** Two or more, each in another zone. */
        publicSubnetIds: pulumi.Input<string>[];
        /** With a way out, such as a NAT gateway. */
        privateSubnetIds: pulumi.Input<string>[];
    };
}

/**
 * Where a release runs on AWS: a VPC that is given or made, with public subnets for what visitors reach, and private ones
 * for the rest where there is a way out of them.
 */
export class Network extends pulumi.ComponentResource {
    public readonly vpcId: pulumi.Output<string>;
    /** Subnets with an internet gateway, each in another zone. */
    public readonly publicSubnetIds: pulumi.Output<string>[];
    /** Subnets for what visitors do not reach by themselves: private ones, or the public ones where there are none. */
    public readonly releaseSubnetIds: pulumi.Output<string>[];
    /** Whether what runs in `releaseSubnetIds` needs a public address to reach anything. */
    public readonly publicAddresses: boolean;
    /** What has to be there before anything reaches the internet. */
    public readonly routes: pulumi.Resource[];

    constructor(name: string, args: NetworkArgs = {}, opts?: pulumi.ComponentResourceOptions) {
        checkNetwork(name, args);
        super("decanter:index:Network", name, {}, opts);

        const layout = args.existing ? existingNetwork(args.existing) : madeNetwork(name, args, this);
        this.vpcId = layout.vpcId;
        this.publicSubnetIds = layout.publicSubnetIds;
        this.publicAddresses = layout.privateSubnetIds.length === 0;
        this.releaseSubnetIds = this.publicAddresses ? layout.publicSubnetIds : layout.privateSubnetIds;
        this.routes = layout.routes;
        this.registerOutputs({
            vpcId: this.vpcId,
            publicSubnetIds: this.publicSubnetIds,
            releaseSubnetIds: this.releaseSubnetIds,
        });
    }
}

/** A network that is there. */
function existingNetwork({
    vpcId,
    publicSubnetIds,
    privateSubnetIds,
}: NonNullable<NetworkArgs["existing"]>): NetworkLayout {
    return {
        vpcId: pulumi.output(vpcId),
        publicSubnetIds: publicSubnetIds.map((id) => pulumi.output(id)),
        privateSubnetIds: privateSubnetIds.map((id) => pulumi.output(id)),
        routes: [],
    };
}

/** Throws where a network cannot be, before anything of it is declared. */
function checkNetwork(name: string, { existing, zones = 2, natGateways = 0 }: NetworkArgs): void {
    const refuse = (argument: string, rule: string, given: number) => {
        throw new pulumi.RunError(`Network ${name}: ${argument} must be ${rule}, got ${given}`);
    };
    const subnets = existing?.publicSubnetIds.length ?? zones;
    if (subnets < 2)
        refuse(existing ? "publicSubnetIds" : "zones", "two or more, each in another zone", subnets);
    if (![0, 1, zones].includes(natGateways))
        refuse("natGateways", "0, 1, or one for each zone", natGateways);
}
