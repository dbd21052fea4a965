import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface NetworkArgs {
    /** A VPC that is there; without it one is made. */
    existing?: {
        vpcId: pulumi.Input<string>;
        /** Two or more, each in another zone. */
        publicSubnetIds: pulumi.Input<string>[];
        /** With a way out, such as a NAT gateway. */
        privateSubnetIds: pulumi.Input<string>[];
    };
    /**
     * Zones of the VPC that is made, 2 or more.
     *
     * @default 2
     */
    zones?: number;
    /**
     * NAT gateways of the VPC that is made: none, and what runs has public addresses; or 1, or one for each zone, and it
     * runs in private subnets.
     *
     * @default 0
     */
    natGateways?: number;
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
    public readonly routes: pulumi.Resource[] = [];

    constructor(name: string, args: NetworkArgs = {}, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:Network", name, {}, opts);

        if (args.existing !== undefined) {
            const { vpcId, publicSubnetIds, privateSubnetIds } = args.existing;
            this.vpcId = pulumi.output(vpcId);
            this.publicSubnetIds = publicSubnetIds.map((id) => pulumi.output(id));
            this.publicAddresses = privateSubnetIds.length === 0;
            this.releaseSubnetIds = this.publicAddresses
                ? this.publicSubnetIds
                : privateSubnetIds.map((id) => pulumi.output(id));
            this.registerOutputs({});
            return;
        }

        const { zones = 2, natGateways = 0 } = args;
        const vpc = new aws.ec2.Vpc(
            name,
            { cidrBlock: "10.0.0.0/16", enableDnsHostnames: true, tags: { Name: name } },
            { parent: this },
        );
        // The default security group lets its members reach each other: nothing is in it, and now it lets nobody.
        new aws.ec2.DefaultSecurityGroup(name, { vpcId: vpc.id }, { parent: this });
        // Local zones, which an account may opt in to, have neither Fargate nor NAT gateways.
        const available = aws.getAvailabilityZonesOutput(
            { state: "available", filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] },
            { parent: this },
        );
        const subnets = (kind: string, firstBlock: number) =>
            Array.from({ length: zones }, (_, zone) => {
                const subnetName = `${name}-${kind}-${zone + 1}`;
                return new aws.ec2.Subnet(
                    subnetName,
                    {
                        vpcId: vpc.id,
                        availabilityZone: available.names.apply((names) => zoneOf(names, zone, zones)),
                        cidrBlock: `10.0.${firstBlock + zone * 16}.0/20`,
                        tags: { Name: subnetName },
                    },
                    { parent: this },
                );
            });
        const table = (
            kind: "public" | "private",
            suffix: string,
            route: Omit<aws.ec2.RouteArgs, "routeTableId">,
            of: { subnet: aws.ec2.Subnet; zone: number }[],
        ) => {
            const tableName = `${name}-${suffix}`;
            const routes = new aws.ec2.RouteTable(
                tableName,
                { vpcId: vpc.id, tags: { Name: tableName } },
                { parent: this },
            );
            const child = { parent: this };
            this.routes.push(
                new aws.ec2.Route(
                    tableName,
                    { ...route, routeTableId: routes.id, destinationCidrBlock: "0.0.0.0/0" },
                    child,
                ),
                ...of.map(({ subnet, zone }, index) => {
                    const ids = { routeTableId: routes.id, subnetId: subnet.id };
                    // A subnet has one table, and goes from one to another in place.
                    const former = { name: `${tableName}-${index + 1}` };
                    const opts = { ...child, aliases: [former] };
                    return new aws.ec2.RouteTableAssociation(`${name}-${kind}-${zone}`, ids, opts);
                }),
            );
        };

        const publicSubnets = subnets("public", 0);
        const gateway = new aws.ec2.InternetGateway(
            name,
            { vpcId: vpc.id, tags: { Name: name } },
            { parent: this },
        );
        table("public", "public", { gatewayId: gateway.id }, numbered(publicSubnets));

        const privateSubnets = natGateways === 0 ? [] : subnets("private", 128);
        for (const [index, subnet] of publicSubnets.slice(0, natGateways).entries()) {
            const natName = `${name}-nat-${index + 1}`;
            const address = new aws.ec2.Eip(
                natName,
                { domain: "vpc", tags: { Name: natName } },
                { parent: this },
            );
            const nat = new aws.ec2.NatGateway(
                natName,
                { subnetId: subnet.id, allocationId: address.id, tags: { Name: natName } },
                // AWS: a NAT gateway without a way to the internet fails.
                { parent: this, dependsOn: gateway },
            );
            // One gateway serves every zone, or each its own.
            const all = numbered(privateSubnets);
            const served = natGateways === 1 ? all : all.slice(index, index + 1);
            table("private", `private-${index + 1}`, { natGatewayId: nat.id }, served);
        }

        this.vpcId = vpc.id;
        this.publicSubnetIds = publicSubnets.map(({ id }) => id);
        this.publicAddresses = natGateways === 0;
        this.releaseSubnetIds = this.publicAddresses
            ? this.publicSubnetIds
            : privateSubnets.map(({ id }) => id);
        this.registerOutputs({});
    }
}

function zoneOf(names: string[], zone: number, wanted: number): string {
    const name = names[zone];
    if (name === undefined) {
        throw new pulumi.RunError(
            `zones must be ${names.length} at most, as the region has ${names.join(", ")}, got ${wanted}: ` +
                `pulumi config set zones ${names.length}`,
        );
    }
    return name;
}

/** Subnets with the number of their zone. */
function numbered(subnets: aws.ec2.Subnet[]): { subnet: aws.ec2.Subnet; zone: number }[] {
    return subnets.map((subnet, index) => ({ subnet, zone: index + 1 }));
}
