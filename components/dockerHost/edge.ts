import * as path from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import {
    containerDefaults,
    type Labels,
    restart,
    servingShares,
    toLabels,
} from "../docker/containerDefaults";
import { DockerHost } from "../docker/dockerHost";
import { folderDigest } from "../image/buildImage";
import { mustBe, mustBeWhole } from "../release/arguments";
import { endFormer, HAPROXY_LABEL } from "./edgeHandover";
import { EDGE_NAME, edgeName } from "./edgeName";
import { hostImage } from "./hostImage";

export interface EdgeArgs {
    /** By which routers find it: letters, digits, hyphens, underscores and dots, a letter or a digit first. */
    edge: string;
    /** Image with HAProxy 3.0 or newer, and bash. */
    image: pulumi.Input<string>;
    /**
     * Port of the host where visitors arrive in the clear.
     *
     * @default 80
     */
    publicPort?: number;
    /**
     * Port of the host where visitors arrive by https.
     *
     * @default 443
     */
    httpsPort?: number;
    /**
     * Address of the host where visitors arrive.
     *
     * @default 0.0.0.0
     */
    bindAddress?: string;
    /** Labels of the container, the network and the volume. */
    labels?: Labels;
}

/**
 * HAProxy in front of the routers of several stacks on one Docker host, each with names of its own: one pair of ports for all. By
 * https it goes by the name that a client says first (SNI), and has no certificate: each router keeps its own, and no other stack's
 * secrets are here. A `Route` brings the names of a router and takes them away.
 *
 * Stacks come, go and are deployed without a reload. One container has the ports, and another one in its network namespace is HAProxy: a
 * newer one takes the listening sockets over from it. Only another address or port closes them for about a second.
 */
export class Edge extends pulumi.ComponentResource {
    /** Name of the container. */
    public readonly container: pulumi.Output<string>;

    constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
        const component = `Edge ${name}`;
        mustBe(
            EDGE_NAME.test(args.edge),
            component,
            "edge",
            "a name of letters, digits, -, _ and .",
            args.edge,
        );
        mustBeWhole(args.publicPort, [1, 65535], component, "publicPort");
        mustBeWhole(args.httpsPort, [1, 65535], component, "httpsPort");
        super("decanter:index:Edge", name, {}, opts);

        const labels = toLabels(args.labels);
        const named = { name: edgeName(args.edge), labels };
        const network = new docker.Network(name, named, { parent: this });
        const volume = new docker.Volume(name, named, { parent: this });
        const image = hostImage(
            name,
            { folder: "edge", network: network.name, args: { ROUTER_IMAGE: args.image } },
            this,
        );
        const ip = args.bindAddress ?? "0.0.0.0";
        const common = {
            ...containerDefaults,
            image: image.repoDigest,
            volumes: [{ volumeName: volume.name, containerPath: "/edge" }],
            readOnly: true,
            // Docker leaves these two writable.
            tmpfs: { "/tmp": "", "/dev/shm": "ro", "/dev/mqueue": "ro" },
            restart,
            cpuShares: servingShares,
            labels,
        };
        // An image that is built again of the same files is another one.
        const own = { parent: this, ignoreChanges: ["image"] };
        const ports = new docker.Container(
            name,
            {
                ...common,
                entrypoints: ["/usr/local/bin/hold"],
                networkMode: network.name,
                networksAdvanced: [{ name: network.name }],
                ports: [
                    { internal: 8080, external: args.publicPort ?? 80, ip },
                    { internal: 8443, external: args.httpsPort ?? 443, ip },
                ],
            },
            // The old one has to let go of the ports first.
            { ...own, deleteBeforeReplace: true },
        );
        const content = folderDigest(path.join(__dirname, "..", "..", "docker", "edge")).slice(0, 12);
        const formerHook = new pulumi.ResourceHook(`${name}-former`, async ({ id }) => {
            const untold = await endFormer(DockerHost.of(this), args.edge, id ?? "");
            if (untold.length > 0)
                await pulumi.log.warn(
                    `connections at these routers may have been cut: ${untold.join(" ")}`,
                    this,
                );
        });
        const container = new docker.Container(
            `${name}-haproxy`,
            {
                ...common,
                networkMode: pulumi.interpolate`container:${ports.id}`,
                healthcheck: {
                    // Its own interface: the one that it takes over from may still listen at the ports.
                    tests: ["CMD", "bash", "-c", "< /dev/tcp/127.0.0.1/$(< /tmp/port)"],
                    interval: "2s",
                    timeout: "5s",
                    retries: 3,
                },
                wait: true,
                labels: toLabels({ ...args.labels, [HAPROXY_LABEL]: args.edge }),
            },
            {
                ...own,
                replacementTrigger: pulumi.interpolate`${args.image} ${content}`,
                // It takes over from the old one while that serves.
                deleteBeforeReplace: false,
                hooks: { afterCreate: [formerHook] },
            },
        );
        this.container = container.name;
        this.registerOutputs({ container: this.container });
    }
}

/** Throws where the edge is not on the resource's Docker host. */
export async function mustHaveEdge(edge: string, resource: pulumi.Resource): Promise<void> {
    const { code, output } = await DockerHost.of(resource).run(["network", "inspect", edgeName(edge)]);
    if (code === 0) return;
    if (!/not found|no such network/i.test(output)) throw new Error(output.trim());
    throw new Error(
        `there is no edge ${edge} on this Docker host: deploy the stack ${edge}, with the target edge, first (./bin/up ${edge}), or ` +
            "serve without one (pulumi config rm edge)",
    );
}
