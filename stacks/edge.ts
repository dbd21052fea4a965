import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { Edge } from "../components/dockerHost/edge";
import type { EdgeSettings } from "./config/edgeSettings";

/** The outputs of a stack with this target. */
export interface EdgeOutputs {
    target: "edge";
    /** By which the setting `edge` of other stacks finds it. */
    edge: string;
    /** Its HAProxy. */
    containers: pulumi.Output<string[]>;
}

/** The target `edge`: one pair of ports of a Docker host, for the stacks there that name it. */
export function edge(config: EdgeSettings): EdgeOutputs {
    const [project, stack] = [pulumi.getProject(), pulumi.getStack()];
    const provider = new docker.Provider("docker", { host: config.host });
    const { container } = new Edge(
        "edge",
        {
            edge: stack,
            image: config.routerImage,
            publicPort: config.publicPort,
            httpsPort: config.httpsPort,
            bindAddress: config.bindAddress,
            labels: { "decanter.stack": `${project}/${stack}` },
        },
        { providers: { docker: provider } },
    );
    return { target: config.target, edge: stack, containers: container.apply((name) => [name]) };
}
