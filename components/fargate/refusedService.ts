import {
    type Deployment,
    DescribeServiceRevisionsCommand,
    ECSClient,
    ListServiceDeploymentsCommand,
    StopServiceDeploymentCommand,
    UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import { activeService } from "./activeService";

/** A service that was to run a release. */
export interface RefusedService {
    region: string;
    /** Cluster and service, by name. */
    cluster: string;
    service: string;
    /** Task definition of the release that was refused, by ARN. */
    taskDefinition: string;
    /** Whether nothing of the service served before. */
    hadNone: boolean;
}

/**
 * Ends what a service runs of a release that a deploy has refused. ECS goes back by itself where it has found that the
 * release does not get healthy; after any other failure, such as the provider's time limit, it would go on. What serves is
 * not touched: ECS goes back without a gap. It cannot where nothing has served before; then it is to run no replica.
 *
 * @returns what has been done, and last what serves, for an error message
 */
export async function endRefused(refused: RefusedService): Promise<string> {
    const { region, cluster, service, taskDefinition, hadNone } = refused;
    const client = new ECSClient({ region });
    try {
        const found = await activeService(client, cluster, service);
        if (!found) return "Nothing serves now: ECS has no service that runs";
        const [same, others] = [true, false].map((isRefused) =>
            (found.deployments ?? []).filter(
                (one) => (one.taskDefinition === taskDefinition) === isRefused && (one.runningCount ?? 0) > 0,
            ),
        ) as [Deployment[], Deployment[]];
        if (hadNone && others.length === 0) return await runNone(client, refused, list(same));
        const undone = await goBack(client, refused);
        // The same task definition may have served before too, with other settings of the service.
        const serves =
            others.length > 0
                ? `What serves now: ${list(others)}`
                : `What runs now: ${list(same) || "nothing"}`;
        return `${undone === "" ? "" : `${undone}\n`}${serves}`;
    } catch (error) {
        return (
            `What ECS runs is not known, and nothing was stopped (${(error as Error).message}): ` +
            `aws ecs describe-services --cluster ${cluster} --services ${service}`
        );
    } finally {
        client.destroy();
    }
}

/** Has ECS run no replica of a service, of which some may run. */
async function runNone(
    client: ECSClient,
    { cluster, service }: RefusedService,
    runs: string,
): Promise<string> {
    try {
        await client.send(new UpdateServiceCommand({ cluster, service, desiredCount: 0 }));
        return (
            "As there is no release to go back to, ECS stops all replicas; the next pulumi up starts them again\n" +
            "Nothing serves now"
        );
    } catch (error) {
        return (
            `ECS runs replicas of it on, as they could not be stopped (${(error as Error).message}): ` +
            `aws ecs update-service --cluster ${cluster} --service ${service} --desired-count 0\n` +
            `What runs now: ${runs || "nothing"}`
        );
    }
}

/** Has ECS take back what it has under way of the release; empty where that is nothing. */
async function goBack(
    client: ECSClient,
    { cluster, service, taskDefinition }: RefusedService,
): Promise<string> {
    const { serviceDeployments = [] } = await client.send(
        new ListServiceDeploymentsCommand({ cluster, service, status: ["PENDING", "IN_PROGRESS"] }),
    );
    const targets = serviceDeployments.flatMap(({ targetServiceRevisionArn: target }) => target ?? []);
    if (targets.length === 0) return "";
    const { serviceRevisions = [] } = await client.send(
        new DescribeServiceRevisionsCommand({ serviceRevisionArns: targets }),
    );
    const ofRefused = serviceRevisions.filter((revision) => revision.taskDefinition === taskDefinition);
    const done: string[] = [];
    for (const { serviceDeploymentArn: arn, targetServiceRevisionArn: target } of serviceDeployments) {
        if (!ofRefused.some(({ serviceRevisionArn }) => serviceRevisionArn === target)) continue;
        try {
            await client.send(
                new StopServiceDeploymentCommand({ serviceDeploymentArn: arn, stopType: "ROLLBACK" }),
            );
            done.push(`ECS takes back ${arn}, which was under way`);
        } catch (error) {
            const command = `aws ecs stop-service-deployment --service-deployment-arn ${arn} --stop-type ROLLBACK`;
            done.push(
                `ECS goes on with ${arn}, which could not be stopped (${(error as Error).message}): ${command}`,
            );
        }
    }
    return done.join("\n");
}

/** Deployments in short, such as decanter-prod:6 (2 replicas). */
function list(deployments: Deployment[]): string {
    return deployments
        .map(({ taskDefinition, runningCount }) => {
            const replicas = runningCount === 1 ? "1 replica" : `${runningCount} replicas`;
            return `${taskDefinition?.split("/").at(-1)} (${replicas})`;
        })
        .join(", ");
}
