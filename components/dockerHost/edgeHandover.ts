import * as fs from "node:fs";
import * as path from "node:path";
import type { DockerHost } from "../docker/dockerHost";
import { EDGE_LABEL } from "./edgeName";
import { IDLE_SECONDS } from "./idleSeconds";

/** Label of an edge's HAProxy, with the edge's name. */
export const HAPROXY_LABEL = "decanter.edge-haproxy";

/** How long connections by an HAProxy that is replaced may last, in seconds. */
const DRAIN_SECONDS = IDLE_SECONDS + 5;

/**
 * Ends those HAProxies of an edge that the present one has taken the listening sockets over from. What they have accepted by TLS goes on
 * at a router, which alone can tell when nothing is under way there: so the routers have their visitors come again.
 *
 * @param present id of the container that serves from now on
 * @returns what could not be told so
 */
export async function endFormer(host: DockerHost, edge: string, present: string): Promise<string[]> {
    const all = await host.running(`label=${HAPROXY_LABEL}=${edge}`);
    const former = all.filter((id) => id !== present);
    if (former.length === 0) return [];
    // One that has come to its end must not begin again.
    await host.run(["update", "--restart", "no", ...former]);
    await host.run(["kill", "--signal", "USR1", ...former]);
    const renew = fs.readFileSync(path.join(__dirname, "..", "..", "docker", "router", "renew"), "utf8");
    const routers = await host.running(`label=${EDGE_LABEL}=${edge}`);
    const told = routers.map(
        async (router) => (await host.run(["exec", router, "bash", "-c", renew])).code === 0,
    );
    const results = await Promise.all(told);
    await host.run(["wait", ...former], DRAIN_SECONDS);
    return routers.filter((_, index) => !results[index]);
}
