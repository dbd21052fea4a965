import type { DockerHost } from "../docker/dockerHost";

/** What is attached to an image, by BuildKit. It wants a Docker host that keeps it, and a registry that this machine reaches. */
export interface Attestations {
    /**
     * Software bill of materials: `true`, or `generator=IMAGE` for a scanner of one's own.
     * https://docs.docker.com/build/metadata/attestations/sbom/
     *
     * @default none
     */
    sbom?: string;
    /**
     * Provenance, of `mode=min` or `mode=max`.
     * https://docs.docker.com/build/metadata/attestations/slsa-provenance/
     *
     * @default none
     */
    provenance?: string;
}

/** Whether there are any. */
export function isAttested({ sbom, provenance }: Attestations): boolean {
    return sbom !== undefined || provenance !== undefined;
}

/**
 * Throws where a Docker host would drop the attestations of an image that it builds: it needs the containerd image store,
 * which is the default since Docker 29.
 * https://docs.docker.com/engine/storage/containerd/
 */
export async function mustKeepAttestations(host: DockerHost): Promise<void> {
    const { code, stdout, output } = await host.run(["info", "--format", "{{.Driver}} {{.DriverStatus}}"]);
    if (code !== 0) throw new Error(`the Docker host does not tell how it stores images: ${output.trim()}`);
    if (stdout.includes("io.containerd.snapshotter")) return;
    throw new Error(
        `sbom and provenance need the containerd image store on the Docker host, and it has ${stdout.split(" ")[0]}: ` +
            'set "features": {"containerd-snapshotter": true} in its /etc/docker/daemon.json (with Docker 28 or newer), ' +
            "or take the two settings out (pulumi config rm sbom, pulumi config rm provenance)",
    );
}
