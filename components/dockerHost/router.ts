import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import {
    containerDefaults,
    type Labels,
    restart,
    servingShares,
    toLabels,
} from "../docker/containerDefaults";
import { mustBeWhole } from "../release/arguments";
import { checkHealth, type Health } from "../release/healthCheck";
import { mustHaveEdge } from "./edge";
import { EDGE_LABEL, edgeName } from "./edgeName";
import { hostImage } from "./hostImage";

/** What a release brings along into its slot. */
export interface ReleaseFacts {
    health: Health;
    /**
     * Whether visitors come through a proxy, which may terminate TLS: then its X-Forwarded-* headers are believed.
     * Otherwise they could be any visitor's, and are replaced.
     *
     * @default false
     */
    behindProxy?: boolean;
    /**
     * How long browsers that have come by https come by nothing else (HSTS), in seconds; 0 tells them nothing.
     *
     * @default 0
     */
    hstsSeconds?: number;
}

/** With the facts of the release that is live while the router is made, if its swap has not written them down. */
export interface RouterArgs extends ReleaseFacts {
    /** Image with HAProxy 3.0 or newer, and bash. */
    image: pulumi.Input<string>;
    /** Port of the host where visitors arrive in the clear; with a certificate they are sent on to `httpsPort`. */
    publicPort: number;
    /**
     * Port of the host where visitors arrive by https. A `Certificate` brings what it takes.
     *
     * @default no https
     */
    httpsPort?: number;
    /**
     * Address of the host where visitors arrive.
     *
     * @default 127.0.0.1
     */
    bindAddress?: string;
    /**
     * The edge through which visitors come, by its name. The router then has no port of the host, and a `Route` brings its names; the
     * ports above are the edge's.
     *
     * @default none, the router has the ports itself
     */
    edge?: string;
    /** Labels of every container, network and volume; those of what is there stay as they are. */
    labels?: Labels;
}

/**
 * HAProxy in front of two slots for a release, the only container with a published port. Before the first deploy it
 * answers 503. Which slot is live survives a restart, in a volume. `Swap` moves the traffic.
 *
 * Only another address, port or HAProxy replaces it, and the port is closed for about a second: a port has one owner.
 * What belongs to a release comes with the swap, and so does a new configuration. Behind an edge it has no port, and its
 * successor serves before it goes.
 */
export class Router extends pulumi.ComponentResource {
    /** Network where the router finds the releases by the names of their containers. */
    public readonly networkName: pulumi.Output<string>;
    /** Id of the router's container. */
    public readonly containerId: pulumi.Output<string>;
    /** Name of the router's container. */
    public readonly containerName: pulumi.Output<string>;
    /** Id of the router's image, which also holds the swap. */
    public readonly imageId: pulumi.Output<string>;
    /** Volume that remembers the live slot. */
    public readonly volumeName: pulumi.Output<string>;
    /** Volume for certificates, with https. */
    public readonly certificates?: pulumi.Output<string>;
    /** The edge in front of it, where there is one. */
    public readonly edge?: string;

    constructor(name: string, args: RouterArgs, opts?: pulumi.ComponentResourceOptions) {
        checkHealth(args.health, `Router ${name}`);
        mustBeWhole(args.publicPort, [1, 65535], `Router ${name}`, "publicPort");
        mustBeWhole(args.httpsPort, [1, 65535], `Router ${name}`, "httpsPort");
        super("decanter:index:Router", name, {}, opts);

        const labels = toLabels(args.labels);
        const network = new docker.Network(name, { labels }, { parent: this, ignoreChanges: ["labels"] });
        const volume = new docker.Volume(name, { labels }, { parent: this, ignoreChanges: ["labels"] });
        const image = hostImage(
            name,
            { folder: "router", network: network.name, args: { ROUTER_IMAGE: args.image } },
            this,
        );

        this.edge = args.edge;
        this.imageId = image.repoDigest;
        this.networkName = network.name;
        this.volumeName = volume.name;
        const ip = args.bindAddress ?? "127.0.0.1";
        const certificates =
            args.httpsPort === undefined
                ? undefined
                : new docker.Volume(
                      `${name}-certificates`,
                      { labels },
                      { parent: this, ignoreChanges: ["labels"] },
                  );
        this.certificates = certificates?.name;
        const https = certificates && {
            envs: [
                `HTTPS_PORT=${args.httpsPort}`,
                pulumi.interpolate`CERTIFICATES=${keeperOf(network.name)}`,
            ],
            ports: [{ internal: 8443, external: args.httpsPort, ip }],
            volumes: [{ volumeName: certificates.name, containerPath: "/certificates" }],
        };
        const behind = args.edge === undefined ? undefined : behindEdge(args.edge, name, args, this);
        const container = new docker.Container(
            // So that one takes the other's place once that serves.
            behind ? `edge-${name}` : name,
            {
                ...containerDefaults,
                image: this.imageId,
                // Swaps of earlier versions did not write them down.
                envs: [
                    `PORT=${args.health.port}`,
                    `HEALTH_PATH=${args.health.path}`,
                    `BEHIND_PROXY=${args.behindProxy ?? false}`,
                    ...(https?.envs ?? []),
                    ...(args.edge === undefined ? [] : [`EDGE=${args.edge}`]),
                ],
                networkMode: network.name,
                networksAdvanced: [{ name: network.name }],
                ports: [{ internal: 8080, external: args.publicPort, ip }, ...(https?.ports ?? [])],
                volumes: [
                    { volumeName: volume.name, containerPath: "/var/lib/haproxy" },
                    ...(https?.volumes ?? []),
                ],
                readOnly: true,
                // Docker leaves these two writable.
                tmpfs: { "/dev/shm": "ro", "/dev/mqueue": "ro" },
                restart,
                cpuShares: servingShares,
                labels,
                ...behind?.container(network.name),
            },
            {
                parent: this,
                // The image also holds the configuration and the swap. A container that runs has its own HAProxy, and takes
                // the configuration from the swap.
                ignoreChanges: ["image", "envs", "labels"],
                replacementTrigger: args.image,
                // The old one has to let go of the port first.
                deleteBeforeReplace: true,
                ...behind?.options,
            },
        );
        this.containerId = container.id;
        this.containerName = container.name;
        this.registerOutputs({ networkName: this.networkName, containerId: this.containerId });
    }
}

/** Name of the container that keeps the certificate of a router, by which the router finds it, of the router's network. */
export function keeperOf(network: pulumi.Input<string>): pulumi.Output<string> {
    return pulumi.interpolate`${network}-certificate`;
}

/** What is different about a router behind an edge. */
function behindEdge(edge: string, name: string, { image, httpsPort, labels }: RouterArgs, parent: Router) {
    const edgeHook = new pulumi.ResourceHook(`${name}-edge`, () => mustHaveEdge(edge, parent));
    return {
        container: (network: pulumi.Input<string>) => ({
            networksAdvanced: [{ name: network }, { name: edgeName(edge) }],
            ports: [],
            labels: toLabels({ ...labels, [EDGE_LABEL]: edge }),
            // HAProxy's soft stop: what has begun comes to its end (`Route`).
            stopSignal: "SIGUSR1",
        }),
        options: {
            replacementTrigger: pulumi.interpolate`${image} ${edge} ${httpsPort}`,
            deleteBeforeReplace: false,
            hooks: { beforeCreate: [edgeHook] },
        },
    };
}
