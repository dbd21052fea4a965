import { DescribeServicesCommand, type ECSClient, type Service } from "@aws-sdk/client-ecs";

/** A service as ECS has it; undefined where there is none, or it goes. */
export async function activeService(
    client: ECSClient,
    cluster: string,
    service: string,
): Promise<Service | undefined> {
    const { services = [] } = await client.send(
        new DescribeServicesCommand({ cluster, services: [service] }),
    );
    return services.find(({ status }) => status === "ACTIVE");
}
