import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** What there is of a network. */
export interface NetworkLayout {
    vpcId: pulumi.Output<string>;
    publicSubnetIds: pulumi.Output<string>[];
    /** With a way out; none where what runs has public addresses. */
    privateSubnetIds: pulumi.Output<string>[];
    routes: pulumi.Resource[];
}

export interface VpcArgs {
    /**
     * Zones, 2 or more.
     *
     * @default 2
     */
    zones?: number;
    /**
     * NAT gateways: none, and what runs has public addresses; or 1, or one for each zone, and it runs in private subnets.
     *
     * @default 0
     */
    natGateways?: number;
}

/** A network that is made: the VPC, its subnets, and their ways to the internet. */
export function madeNetwork(name: string, args: VpcArgs, parent: pulumi.Resource): NetworkLayout {
    const child = { parent };
    const { zones = 2, natGateways = 0 } = args;
    const vpc = new aws.ec2.Vpc(
        name,
        { cidrBlock: "10.0.0.0/16", enableDnsHostnames: true, tags: { Name: name } },
        child,
    );
    // The default security group lets its members reach each other: nothing is in it, and now it lets nobody.
    new aws.ec2.DefaultSecurityGroup(name, { vpcId: vpc.id }, child);
    // Local zones, which an account may opt in to, have neither Fargate nor NAT gateways.
    const available = aws.getAvailabilityZonesOutput(
        { state: "available", filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] },
        child,
    );
    const inZones = Array.from({ length: zones }, (_, zone) =>
        available.names.apply((names) => zoneOf(names, zone, zones)),
    );
    const publicSubnets = subnets(name, "public", { vpc, inZones, firstBlock: 0 }, child);
    const gateway = new aws.ec2.InternetGateway(name, { vpcId: vpc.id, tags: { Name: name } }, child);
    const routes = routeTable(
        name,
        {
            kind: "public",
            suffix: "public",
            vpc,
            route: { gatewayId: gateway.id },
            of: numbered(publicSubnets),
        },
        child,
    );

    const privateSubnets =
        natGateways === 0 ? [] : subnets(name, "private", { vpc, inZones, firstBlock: 128 }, child);
    for (const [index, subnet] of publicSubnets.slice(0, natGateways).entries()) {
        const nat = natGateway(`${name}-nat-${index + 1}`, subnet, gateway, child);
        // One gateway serves every zone, or each its own.
        const all = numbered(privateSubnets);
        const of = natGateways === 1 ? all : all.slice(index, index + 1);
        const route = { natGatewayId: nat.id };
        routes.push(
            ...routeTable(name, { kind: "private", suffix: `private-${index + 1}`, vpc, route, of }, child),
        );
    }
    return {
        vpcId: vpc.id,
        publicSubnetIds: publicSubnets.map(({ id }) => id),
        privateSubnetIds: privateSubnets.map(({ id }) => id),
        routes,
    };
}

/** Subnets of one kind, one in each zone. */
function subnets(
    name: string,
    kind: "public" | "private",
    { vpc, inZones, firstBlock }: { vpc: aws.ec2.Vpc; inZones: pulumi.Output<string>[]; firstBlock: number },
    child: pulumi.CustomResourceOptions,
): aws.ec2.Subnet[] {
    return inZones.map((availabilityZone, zone) => {
        const subnetName = `${name}-${kind}-${zone + 1}`;
        return new aws.ec2.Subnet(
            subnetName,
            {
                vpcId: vpc.id,
                availabilityZone,
                cidrBlock: `10.0.${firstBlock + zone * 16}.0/20`,
                tags: { Name: subnetName },
            },
            child,
        );
    });
}

interface RouteTableArgs {
    kind: "public" | "private";
    /** Last part of its name. */
    suffix: string;
    vpc: aws.ec2.Vpc;
    /** The way to the internet. */
    route: Omit<aws.ec2.RouteArgs, "routeTableId">;
    /** Subnets that take it. */
    of: { subnet: aws.ec2.Subnet; zone: number }[];
}

/** A route table for some subnets; gives what has to be there before anything goes that way. */
function routeTable(
    name: string,
    { kind, suffix, vpc, route, of }: RouteTableArgs,
    child: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
    const tableName = `${name}-${suffix}`;
    const table = new aws.ec2.RouteTable(tableName, { vpcId: vpc.id, tags: { Name: tableName } }, child);
    const way = { ...route, routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0" };
    return [
        new aws.ec2.Route(tableName, way, child),
        ...of.map(({ subnet, zone }, index) => {
            const ids = { routeTableId: table.id, subnetId: subnet.id };
            // A subnet has one table, and goes from one to another in place.
            const former = { name: `${tableName}-${index + 1}` };
            return new aws.ec2.RouteTableAssociation(`${name}-${kind}-${zone}`, ids, {
                ...child,
                aliases: [former],
            });
        }),
    ];
}

function natGateway(
    name: string,
    subnet: aws.ec2.Subnet,
    gateway: aws.ec2.InternetGateway,
    child: pulumi.CustomResourceOptions,
): aws.ec2.NatGateway {
    const address = new aws.ec2.Eip(name, { domain: "vpc", tags: { Name: name } }, child);
    return new aws.ec2.NatGateway(
        name,
        { subnetId: subnet.id, allocationId: address.id, tags: { Name: name } },
        // AWS: a NAT gateway without a way to the internet fails.
        { ...child, dependsOn: gateway },
    );
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
