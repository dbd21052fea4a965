import type { Writable } from "node:stream";
import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { dockerCli, type DockerResult, dockerStream } from "./dockerCli";

/**
 * The Docker host of a provider, for what hooks do there: it is the one that the provider's resources are on.
 */
export class DockerHost {
    private readonly provider: Promise<{ host?: string; context?: string }>;

    /**
     * @param host such as `ssh://user@host`; undefined is the machine's own, or what DOCKER_HOST says
     * @param context the provider's: with one, nothing runs, as its containers follow it and its images do not
     */
    constructor(host?: pulumi.Input<string | undefined>, context?: pulumi.Input<string | undefined>) {
        this.provider = new Promise((resolve) => {
            pulumi.output({ host, context }).apply((known) => resolve(known));
        });
    }

    /** The Docker host of the resources that have this one for a parent. */
    static of(resource: pulumi.Resource): DockerHost {
        const provider = resource.getProvider("docker:index:") as docker.Provider | undefined;
        if (provider !== undefined) return new DockerHost(provider.host, provider.context);
        const settings = new pulumi.Config("docker");
        return new DockerHost(settings.get("host"), settings.get("context"));
    }

    /**
     * Runs Docker's command line there.
     *
     * @param args arguments of `docker`
     * @param seconds time limit
     */
    async run(args: string[], seconds?: number): Promise<DockerResult> {
        return dockerCli(await this.address(), args, seconds);
    }

    /**
     * Ids of the containers that run there.
     *
     * @param filters those of `docker ps`, such as `label=decanter.edge`, all of which have to hold
     */
    async running(...filters: string[]): Promise<string[]> {
        const options = filters.flatMap((filter) => ["--filter", filter]);
        const { stdout } = await this.run(["ps", "--quiet", "--no-trunc", ...options]);
        return stdout.split("\n").filter((id) => id !== "");
    }

    /** Runs Docker's command line there, and writes its standard output, of any size, to a stream. */
    async stream(args: string[], to: Writable, seconds: number): Promise<DockerResult> {
        return dockerStream(await this.address(), args, to, seconds);
    }

    /** Its address, such as `ssh://user@host`; undefined is the machine's own. */
    async address(): Promise<string | undefined> {
        const { host, context } = await this.provider;
        if (!context) return host;
        throw new Error(
            `the Docker provider has the context ${context}, which its images do not follow: give it the context's host`,
        );
    }
}
