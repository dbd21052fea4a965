import * as pulumi from "@pulumi/pulumi";

/** Refuses, at a preview too, to take away a subnet: its zone's replicas would lose the traffic before ECS moves them. */
export function subnetsStay(name: string): pulumi.ResourceHook {
    return new pulumi.ResourceHook(
        `${name}-subnets-stay`,
        ({ oldInputs, newInputs }) => {
            const [old, now] = [oldInputs, newInputs].map(
                (inputs) => (inputs as { subnets?: string[] }).subnets ?? [],
            );
            const gone = (old ?? []).filter((subnet) => !now?.includes(subnet));
            if (gone.length === 0) return;
            throw new Error(
                `the subnets ${gone.join(", ")} would leave the load balancer, and their replicas their visitors: ` +
                    "a stack's VPC, its zones and publicSubnetIds may only grow. Put them back, or make a new stack with " +
                    "the new ones (pulumi stack init), and move the domain there",
            );
        },
        { onDryRun: true },
    );
}

/** Refuses, at a preview too, to change the strategy: the listener would leave the old replicas before there are new ones. */
export function strategyStays(name: string): pulumi.ResourceHook {
    return new pulumi.ResourceHook(
        `${name}-strategy-stays`,
        ({ oldInputs, newInputs }) => {
            const [old, now] = [oldInputs, newInputs].map(
                (inputs) => (inputs as { defaultActions?: { type: string }[] }).defaultActions?.[0]?.type,
            );
            if (old === now) return;
            throw new Error(
                "the strategy of a stack that serves cannot change: its visitors would get 503 until the new replicas are " +
                    "there. Put strategy back, or make a new stack with it (pulumi stack init), and move the domain there",
            );
        },
        { onDryRun: true },
    );
}
