import { setTimeout as sleep } from "node:timers/promises";
import {
    type Deployment,
    ECSClient,
    ListServiceDeploymentsCommand,
    type ServiceDeploymentBrief,
    UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import { activeService } from "./activeService";

export interface ServiceDeploymentArgs {
    region: string;
    /** Cluster and service, by name. */
    cluster: string;
    service: string;
    /** Task definition to run, by ARN, and the one that the last deploy was to run, whatever became of it. */
    taskDefinition: string;
    before: string | undefined;
    /** Replicas of a service that has none. */
    replicas: number;
    /** How long it may take, in minutes. */
    minutes: number;
    /** Called where the release is refused again, with whether the service had no replicas before. */
    refused: (hadNone: boolean) => Promise<void>;
}

/**
 * Deploys what the provider would leave out after a deploy that has failed. The provider compares with what that deploy was
 * to be, and not with what ECS has gone back to: for the same release it would do nothing and call that a success, and for
 * another one it would leave a service at no replicas that a first deploy has stopped. Throws where the release is refused
 * again.
 */
export async function deployAgain(args: ServiceDeploymentArgs): Promise<void> {
    const { region, cluster, service, taskDefinition, before, replicas, minutes } = args;
    const client = new ECSClient({ region });
    try {
        const found = await activeService(client, cluster, service);
        if (!found) return;
        const isSame = before === taskDefinition;
        const isStopped = found.desiredCount === 0;
        if (!isStopped && !(isSame && found.taskDefinition !== taskDefinition)) return;
        const { service: updated } = await client.send(
            new UpdateServiceCommand({
                cluster,
                service,
                taskDefinition,
                forceNewDeployment: true,
                // Load may have chosen how many there are of one that runs.
                desiredCount: isStopped ? replicas : undefined,
            }),
        );
        // The provider has something to do, and waits for it.
        if (!isSame) return;
        const deployment = updated?.deployments?.find(({ status }) => status === "PRIMARY");
        try {
            await untilSuccessful(client, args, deployment, Date.now() + minutes * 60_000);
        } catch (error) {
            await args.refused(isStopped);
            throw error;
        }
    } finally {
        client.destroy();
    }
}

/** Waits until ECS calls a deployment successful. Throws with ECS's reason where it does not. */
async function untilSuccessful(
    client: ECSClient,
    { cluster, service, minutes }: ServiceDeploymentArgs,
    deployment: Deployment | undefined,
    deadline: number,
): Promise<void> {
    const id = deployment?.id?.split("/").at(-1);
    if (id === undefined) throw new Error("ECS does not say what it deploys");
    // AWS's own clock, and not this machine's.
    const after = deployment?.createdAt && new Date(deployment.createdAt.getTime() - 1000);
    for (;;) {
        const { serviceDeployments = [] } = await client.send(
            new ListServiceDeploymentsCommand({ cluster, service, createdAt: after && { after } }),
        );
        const found: ServiceDeploymentBrief | undefined = serviceDeployments.find(
            ({ targetServiceRevisionArn }) => targetServiceRevisionArn?.endsWith(id),
        );
        switch (found?.status) {
            case "SUCCESSFUL":
                return;
            case "STOPPED":
            case "ROLLBACK_SUCCESSFUL":
            case "ROLLBACK_FAILED":
                throw new Error(found.statusReason ?? `the deployment ended as ${found.status}`);
        }
        if (Date.now() > deadline) throw new Error(`the deployment took longer than ${minutes} minutes`);
        await sleep(2000);
    }
}
