import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { containerDefaults, type Labels, restart, toLabels } from "../docker/containerDefaults";
import { DockerHost } from "../docker/dockerHost";
import { readyAfter } from "../release/readyAfter";
import { valueOf } from "../release/valueOf";

export interface LocalRegistryArgs {
    /** Image of the registry (CNCF Distribution). */
    image: pulumi.Input<string>;
    /** Labels of the container and the volume; those of what is there stay as they are. */
    labels?: Labels;
}

/**
 * A registry on the Docker host's loopback, for stacks that have no other. Docker speaks plain HTTP with a registry on
 * loopback, and nobody outside the host reaches it.
 */
export class LocalRegistry extends pulumi.ComponentResource {
    /** Address for image names, such as 127.0.0.1:25000; it is known once the registry answers. */
    public readonly address: pulumi.Output<string>;
    /** Id of the container. */
    public readonly containerId: pulumi.Output<string>;
    /** Starts the registry where somebody has stopped it. For what runs before a push. */
    public readonly startHook: pulumi.ResourceHook;

    constructor(name: string, args: LocalRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:LocalRegistry", name, {}, opts);

        const host = DockerHost.of(this);
        const labels = toLabels(args.labels);
        // Stacks on one host must not meet on a port. Below the ports that Linux hands out to clients.
        const port = new random.RandomInteger(`${name}-port`, { min: 20000, max: 31999 }, { parent: this });
        const volume = new docker.Volume(name, { labels }, { parent: this, ignoreChanges: ["labels"] });
        const container = new docker.Container(
            name,
            {
                ...containerDefaults,
                image: args.image,
                envs: [
                    "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/var/lib/registry",
                    // Without a cache the registry does not believe that it has what ImageRetention has removed.
                    "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR=",
                ],
                ports: [{ internal: 5000, external: port.result, ip: "127.0.0.1" }],
                volumes: [{ volumeName: volume.name, containerPath: "/var/lib/registry" }],
                healthcheck: {
                    // Alpine has wget, Debian has bash.
                    tests: [
                        "CMD-SHELL",
                        "wget -q -O /dev/null http://127.0.0.1:5000/v2/ || bash -c '< /dev/tcp/127.0.0.1/5000'",
                    ],
                    interval: "500ms",
                    timeout: "5s",
                    retries: 3,
                },
                wait: true,
                readOnly: true,
                restart,
                labels,
            },
            { parent: this, deleteBeforeReplace: true, ignoreChanges: ["labels"] },
        );
        this.startHook = new pulumi.ResourceHook(`${name}-started`, async () => {
            const { code, output } = await host.run(["start", await valueOf(container.id)]);
            if (code !== 0) throw new Error(`the registry ${name} cannot be started: ${output.trim()}`);
        });
        this.containerId = container.id;
        this.address = readyAfter(pulumi.interpolate`127.0.0.1:${port.result}`, container.id);
        this.registerOutputs({ address: this.address });
    }
}
