import { randomBytes, randomInt } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { buildImage } from "../../components/image/buildImage";

/** Properties of a resource. They come from the program under test, so nothing here knows their shapes. */
export type Properties = Record<string, any>;

/** A resource that exists. */
export interface Made {
    id: string;
    outputs: Properties;
}

/** A resource that exists, although making it has failed. */
export class HalfMade extends Error {
    constructor(
        message: string,
        readonly made: Made,
    ) {
        super(message);
    }
}

/** The machine's Docker, for tests to look at. */
export const engine = new Docker();

/** A Docker host: its API, and its address for Docker's command line. */
export interface Host {
    api: Docker;
    host?: string;
}

/**
 * Makes what a program declares, on a Docker host: what @pulumi/docker and @pulumi/random do, for the
 * properties that Decanter uses. Any other property is an error, so that nothing is left out in silence.
 */
export async function make(on: Host, type: string, name: string, inputs: Properties): Promise<Made> {
    const unique =
        (inputs.name as string | undefined) ?? `${name}-${randomBytes(4).toString("hex").slice(0, 7)}`;
    switch (type) {
        case "docker:index/network:Network": {
            const network = await on.api.createNetwork({ Name: unique, Labels: labels(inputs) });
            return { id: network.id, outputs: { name: unique } };
        }
        case "docker:index/volume:Volume":
            await on.api.createVolume({ Name: unique, Labels: labels(inputs) });
            return { id: unique, outputs: { name: unique } };
        case "docker:index/remoteImage:RemoteImage":
            return buildRemoteImage(on, inputs);
        case "docker:index/image:Image":
            return makeImage(on, inputs);
        case "docker:index/container:Container":
            return makeContainer(on, unique, inputs);
        case "random:index/randomPassword:RandomPassword":
            return {
                id: "none",
                outputs: { result: randomBytes(inputs.length).toString("hex").slice(0, inputs.length) },
            };
        case "random:index/randomInteger:RandomInteger": {
            const result = randomInt(inputs.min, inputs.max + 1);
            return { id: `${result}`, outputs: { result } };
        }
        default:
            return { id: name, outputs: {} };
    }
}

/** Removes what `make` made. */
export async function remove(on: Host, type: string, { id }: Made, inputs: Properties): Promise<void> {
    switch (type) {
        case "docker:index/network:Network":
            return on.api.getNetwork(id).remove();
        case "docker:index/volume:Volume":
            await on.api.getVolume(id).remove();
            return;
        case "docker:index/container:Container": {
            const container = on.api.getContainer(id);
            await container.stop({ t: inputs.destroyGraceSeconds ?? 0 }).catch(ignoreStopped);
            await container.remove({ force: true, v: true }).catch(ignoreStopped);
        }
    }
}

/** Builds as the provider does, and leaves the log where it would. */
async function buildRemoteImage({ api, host }: Host, inputs: Properties): Promise<Made> {
    const { name, build, triggers: _triggers, keepLocally, ...others } = inputs;
    refuseOthers("docker.RemoteImage", { ...others, keepLocally: keepLocally ? undefined : false });
    const {
        context,
        dockerfile,
        platform,
        buildArgs,
        secrets,
        buildLogFile,
        cacheFroms,
        cacheTos,
        provenance,
        ...unknown
    } = build;
    const caches = [...cacheFroms, ...cacheTos].length > 0 ? "given" : undefined;
    const attestation = provenance === "false" ? undefined : provenance;
    refuseOthers("docker.RemoteImage's build", { ...unknown, caches, provenance: attestation });
    const mounts = secrets.flatMap(({ id, src }: Properties) => ["--secret", `id=${id},src=${src}`]);
    const { code, output } = await buildImage(
        new DockerHost(host),
        { context, dockerfile: path.join(context, dockerfile), platform, args: buildArgs },
        ["--progress=plain", "-t", name, ...mounts],
    );
    fs.writeFileSync(buildLogFile, output);
    if (code !== 0) throw new Error("failed to solve");
    return { id: name, outputs: { imageId: (await api.getImage(name).inspect()).Id } };
}

/** Builds as the provider does, and pushes. */
async function makeImage({ api, host }: Host, inputs: Properties): Promise<Made> {
    const { imageName, build, skipPush, registry, buildOnPreview, ...others } = inputs;
    refuseOthers("docker.Image", { ...others, ...registry, buildOnPreview: buildOnPreview || undefined });
    const { context, dockerfile, platform, args, ...otherBuild } = build;
    refuseOthers("docker.Image's build", otherBuild);
    const options = ["-t", imageName];
    const results = [
        await buildImage(new DockerHost(host), { context, dockerfile, platform, args }, options),
    ];
    if (!skipPush && results[0]?.code === 0)
        results.push(await dockerCli(host, ["push", "-q", imageName], 600));
    const failed = results.find(({ code }) => code !== 0);
    if (failed) throw new Error(failed.output);
    const image = await api.getImage(imageName).inspect();
    const repository = (imageName as string).replace(/:[^:/]*$/, "");
    const digest = image.RepoDigests?.find((reference) => reference.startsWith(`${repository}@`));
    return { id: imageName, outputs: { repoDigest: skipPush ? image.Id : digest } };
}

async function makeContainer({ api }: Host, name: string, inputs: Properties): Promise<Made> {
    // prettier-ignore
    const {
        image, command, entrypoints, envs, healthcheck, init, capabilities, securityOpts, logDriver, logOpts, networkMode,
        networksAdvanced, ports, volumes, readOnly, tmpfs, memory, cpus, cpuShares, restart, stopSignal, stopTimeout,
        start, wait, waitTimeout, ...others
    } = inputs;
    // Elsewhere, or no matter here: labels() and remove() read theirs, and nothing starts what has stopped.
    const { name: _name, labels: _labels, mustRun, destroyGraceSeconds, ...unknown } = others;
    refuseOthers("docker.Container", unknown);
    const networks = (networksAdvanced ?? []).map(({ name: network, ...more }: Properties) => {
        // The provider drops aliases without a word where the network is that of networkMode.
        refuseOthers("networksAdvanced", more);
        return network as string;
    });
    if (networks.length > 0 && !networks.includes(networkMode))
        throw new Error("networksAdvanced has to name the network of networkMode");
    const container = await api.createContainer({
        name,
        Image: image,
        Cmd: command,
        Entrypoint: entrypoints,
        Env: envs,
        Labels: labels(inputs),
        StopSignal: stopSignal,
        StopTimeout: stopTimeout,
        ExposedPorts: Object.fromEntries(
            (ports ?? []).map((port: Properties) => [`${port.internal}/tcp`, {}]),
        ),
        Healthcheck: healthcheck && {
            Test: healthcheck.tests,
            Interval: nanoseconds(healthcheck.interval),
            Timeout: nanoseconds(healthcheck.timeout),
            Retries: healthcheck.retries,
            StartPeriod: healthcheck.startPeriod && nanoseconds(healthcheck.startPeriod),
        },
        HostConfig: {
            Init: init,
            CapDrop: capabilities?.drops,
            SecurityOpt: securityOpts,
            LogConfig: { Type: logDriver, Config: logOpts },
            NetworkMode: networkMode,
            PortBindings: Object.fromEntries(
                (ports ?? []).map(({ internal, external, ip }: Properties) => [
                    `${internal}/tcp`,
                    [{ HostPort: `${external}`, HostIp: ip }],
                ]),
            ),
            Binds: (volumes ?? []).map(
                ({ volumeName, containerPath }: Properties) => `${volumeName}:${containerPath}`,
            ),
            ReadonlyRootfs: readOnly,
            Tmpfs: tmpfs,
            Memory: memory && memory * 1024 * 1024,
            NanoCpus: cpus && Number(cpus) * 1e9,
            CpuShares: cpuShares,
            RestartPolicy: restart && { Name: restart },
        },
    });
    const made = { id: container.id, outputs: { name } };
    try {
        for (const network of networks.filter((one: string) => one !== networkMode))
            await api.getNetwork(network).connect({ Container: container.id });
        if (start !== false) await container.start();
        if (wait) await becomesHealthy(container, waitTimeout ?? 60);
    } catch (error) {
        throw new HalfMade((error as Error).message, made);
    }
    return made;
}

async function becomesHealthy(container: Docker.Container, seconds: number): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    while (Date.now() < deadline) {
        if ((await container.inspect()).State.Health?.Status === "healthy") return;
        await sleep(250);
    }
    throw new Error("container failed to be in healthy state");
}

function labels(inputs: Properties): Record<string, string> {
    return Object.fromEntries((inputs.labels ?? []).map(({ label, value }: Properties) => [label, value]));
}

function nanoseconds(duration: string): number {
    const [, number, unit] = /^(\d+)(ms|s)$/.exec(duration) ?? [];
    if (number === undefined) throw new Error(`${duration} is no duration that this provider reads`);
    return Number(number) * (unit === "s" ? 1e9 : 1e6);
}

function refuseOthers(what: string, others: Properties): void {
    const names = Object.keys(others).filter((key) => others[key] !== undefined);
    if (names.length > 0)
        throw new Error(`${what}: the provider of the tests does not know ${names.join(", ")}`);
}

function ignoreStopped(error: { statusCode?: number }): void {
    if (error.statusCode !== 304 && error.statusCode !== 404) throw error as Error;
}
