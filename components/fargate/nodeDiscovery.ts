import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface NodeDiscoveryArgs {
    vpcId: pulumi.Input<string>;
    /** Domain of the names, known in the VPC alone, such as `hello.internal`. */
    domain: string;
}

/** A name in DNS that every replica of a release answers to, so that its Erlang nodes find each other. */
export class NodeDiscovery extends pulumi.ComponentResource {
    /** Name that DNSCluster or libcluster's DNSPoll ask for. AWS answers with eight addresses at most. */
    public readonly query: pulumi.Output<string>;
    /** Service of AWS Cloud Map that replicas are registered with. */
    public readonly registryArn: pulumi.Output<string>;

    constructor(name: string, { vpcId, domain }: NodeDiscoveryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:NodeDiscovery", name, {}, opts);

        const child = { parent: this };
        const namespace = new aws.servicediscovery.PrivateDnsNamespace(
            name,
            { name: domain, vpc: vpcId },
            // Under a different name it could only be made once no node is in it.
            { ...child, ignoreChanges: ["name"], deleteBeforeReplace: false },
        );
        const service = new aws.servicediscovery.Service(
            name,
            {
                name: "nodes",
                dnsConfig: {
                    namespaceId: namespace.id,
                    routingPolicy: "MULTIVALUE",
                    // Nodes look every 5 s.
                    dnsRecords: [{ type: "A", ttl: 5 }],
                },
                // ECS reports which replicas are healthy, and only those are answered with. The provider neither sends
                // nor reads back an empty block, and would replace the service at every update. AWS knows no number but 1.
                healthCheckCustomConfig: { failureThreshold: 1 },
                // Nodes that ECS stops in the middle of a destroy would hold it up.
                forceDestroy: true,
            },
            child,
        );
        this.query = pulumi.interpolate`${service.name}.${namespace.name}`;
        this.registryArn = service.arn;
        this.registerOutputs({ query: this.query });
    }
}
