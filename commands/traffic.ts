import { liveContainers } from "../components/dockerHost/refusedRelease";
import type { DockerHost } from "../components/docker/dockerHost";
import type { Stack } from "./stack";

/** Id of the container of a stack's router, as the state knows it: undefined where that cannot be read, null where there is none. */
export function routerOf(stack: Stack): string | null | undefined {
    const type = "decanter:index:Router$docker:index/container:Container::";
    const routers = stack.resources()?.filter(({ urn, delete: goes }) => !goes && urn.includes(type));
    return routers && (routers.at(-1)?.id ?? null);
}

/** Names of the containers that have the traffic; undefined where the router does not say. */
export async function withTraffic(host: DockerHost, router: string | null): Promise<string[] | undefined> {
    return router === null ? [] : liveContainers(host, router);
}
