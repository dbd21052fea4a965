import * as path from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { ImageRepository } from "../aws/imageRepository";
import { DockerHost } from "../docker/dockerHost";
import { explainBuild, folderDigest } from "../image/buildImage";
import { push } from "../image/pushImage";

export interface TlsProxyArgs {
    /** Image with HAProxy 3.0 or newer, and bash. */
    image: string;
    /** Repository of its own: that of the releases keeps releases alone. */
    repository: ImageRepository;
    /** Platform of the host, such as `linux/arm64`. */
    platform?: string;
    /** Buildx builder that builds; by default the Docker host's own BuildKit does. */
    builder?: string;
}

/** The image of HAProxy that terminates TLS on a host (`docker/tls`). The certificate comes when it starts. */
export class TlsProxy extends pulumi.ComponentResource {
    /** Reference by digest. */
    public readonly ref: pulumi.Output<string>;

    constructor(name: string, args: TlsProxyArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:TlsProxy", name, {}, opts);

        const { repository, platform } = args;
        const folder = path.relative(process.cwd(), path.join(__dirname, "..", "..", "docker", "tls"));
        const context = folderDigest(folder);
        const buildArgs = { PROXY_IMAGE: args.image };
        const explainHook = new pulumi.ErrorHook(`${name}-build-log`, (failed) => {
            const build = {
                context: folder,
                dockerfile: path.join(folder, "Dockerfile"),
                platform,
                args: buildArgs,
            };
            return explainBuild(DockerHost.of(this), { ...failed, newInputs: { build } }, this);
        });
        const built = new docker.RemoteImage(
            name,
            {
                name: pulumi.interpolate`${repository.url}:proxy`,
                build: {
                    context: folder,
                    dockerfile: "Dockerfile",
                    platform,
                    builder: args.builder,
                    buildArgs,
                    // BuildKit's own default says when it built, and so makes every image another one.
                    provenance: "false",
                },
                triggers: { context },
                keepLocally: true,
            },
            { parent: this, hooks: { onError: [explainHook] } },
        );
        const { username, password } = repository.login;
        const pushed = push(
            name,
            {
                built,
                repository: repository.url,
                tag: "proxy",
                immutableTags: true,
                registryUsername: username,
                registryPassword: password,
                platform,
            },
            { parent: this },
        );
        this.ref = pushed.ref;
        this.registerOutputs({ ref: this.ref });
    }
}
