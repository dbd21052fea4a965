import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { readyAfter } from "../release/readyAfter";
import type { HostHooks } from "./hostHooks";

export interface FloatingIpArgs {
    /** Host that gets the address. */
    instanceId: pulumi.Input<string>;
    /** What is said to the host before the address moves and after that. */
    hooks: HostHooks;
    /** Host name that visitors use. */
    domain: string;
    /** Hosted zone in Route 53 that gets a record for the domain; without it none does. */
    zoneId?: string;
    /**
     * Whether Pulumi refuses to give the address back.
     *
     * @default false
     */
    protect?: boolean;
}

/**
 * An address that moves from host to host. AWS moves it in one call: an association of its own takes it away from the
 * host that has it. The association of before is gone by that, so to delete it then does nothing. `instance` of the
 * address itself would let go of it first, and until the second call it would be nobody's.
 */
export class FloatingIp extends pulumi.ComponentResource {
    /** The address; it resolves only when the host has it. */
    public readonly address: pulumi.Output<string>;

    constructor(name: string, args: FloatingIpArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:FloatingIp", name, {}, opts);

        const { instanceId, hooks, domain, zoneId, protect = false } = args;
        const eip = new aws.ec2.Eip(name, { domain: "vpc", tags: { Name: name } }, { parent: this, protect });
        const association = new aws.ec2.EipAssociation(
            name,
            { allocationId: eip.id, instanceId, allowReassociation: true },
            {
                parent: this,
                deleteBeforeReplace: false,
                hooks: {
                    beforeCreate: [hooks.gateHook],
                    beforeUpdate: [hooks.gateHook],
                    afterCreate: [hooks.movedHook],
                    afterUpdate: [hooks.movedHook],
                    onError: [hooks.failedHook],
                },
            },
        );
        if (zoneId !== undefined) {
            new aws.route53.Record(
                name,
                { zoneId, name: domain, type: "A", ttl: 60, records: [eip.publicIp] },
                { parent: this },
            );
        }
        this.address = readyAfter(eip.publicIp, association.id);
        this.registerOutputs({ address: this.address });
    }
}
