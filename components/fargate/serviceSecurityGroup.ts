import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Network } from "../aws/network";
import type { LoadBalancer } from "./loadBalancer";
import type { NodeDiscovery } from "./nodeDiscovery";
import { DISTRIBUTION_PORT } from "./taskContainer";

export interface ServiceSecurityGroupArgs {
    network: Network;
    loadBalancer: LoadBalancer;
    /** Port that the release listens on. */
    port: number;
    /** Where Erlang nodes find each other, if they cluster. */
    discovery?: NodeDiscovery;
}

/**
 * The security group of replicas: the load balancer reaches their port, and nobody anything else, but other replicas that
 * cluster. Nothing that is in the group works before all `rules` are there.
 */
export function serviceSecurityGroup(
    name: string,
    { network, loadBalancer, port, discovery }: ServiceSecurityGroupArgs,
    opts: pulumi.CustomResourceOptions,
): { group: aws.ec2.SecurityGroup; rules: pulumi.Resource[] } {
    const group = new aws.ec2.SecurityGroup(name, { vpcId: network.vpcId, description: "replicas" }, opts);
    // Replicas with the old port serve until those with the new one do.
    const beside = { ...opts, replaceOnChanges: ["fromPort", "toPort"], deleteBeforeReplace: false };
    const from = (suffix: string, source: pulumi.Input<string>, fromPort: number) =>
        new aws.vpc.SecurityGroupIngressRule(
            `${name}-${suffix}`,
            {
                securityGroupId: group.id,
                referencedSecurityGroupId: source,
                ipProtocol: "tcp",
                fromPort,
                toPort: fromPort,
            },
            beside,
        );
    const rules: pulumi.Resource[] = [from("port", loadBalancer.securityGroupId, port)];
    if (discovery !== undefined) {
        // epmd knows on which port a node listens.
        rules.push(from("epmd", group.id, 4369), from("distribution", group.id, DISTRIBUTION_PORT));
    }
    const out = new aws.vpc.SecurityGroupEgressRule(
        name,
        { securityGroupId: group.id, cidrIpv4: "0.0.0.0/0", ipProtocol: "-1" },
        opts,
    );
    const fromBalancer = new aws.vpc.SecurityGroupEgressRule(
        `${name}-load-balancer`,
        {
            securityGroupId: loadBalancer.securityGroupId,
            referencedSecurityGroupId: group.id,
            ipProtocol: "tcp",
            fromPort: port,
            toPort: port,
        },
        beside,
    );
    return { group, rules: [...rules, out, fromBalancer] };
}
