import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { ImageRepository } from "../components/aws/imageRepository";
import { ReleaseParameters } from "../components/aws/releaseParameters";
import { FloatingIp } from "../components/floatingIp/floatingIp";
import { hostBoot } from "../components/floatingIp/hostBoot";
import { hostHooks } from "../components/floatingIp/hostHooks";
import { HostRole } from "../components/floatingIp/hostRole";
import { ReleaseHost } from "../components/floatingIp/releaseHost";
import { TlsProxy } from "../components/floatingIp/tlsProxy";
import { readyAfter } from "../components/release/readyAfter";
import { valueOf } from "../components/release/valueOf";
import { type AwsPast, type AwsRelease, awsRelease, envOf } from "./awsRelease";
import type { ConfigOf } from "./config/config";
import { type Outputs, releaseOutputs } from "./outputs";

/** How long a host may take until it migrates, in seconds: it starts, and installs and pulls what it needs. */
const START_SECONDS = 600;

type Config = ConfigOf<"floating-ip">;

/** The outputs of a stack with this target. */
export interface HostOutputs extends Outputs {
    /** The address, for an A record of the domain where zoneId is not set. */
    address: pulumi.Output<string>;
}

/** The target `floating-ip`: a release on a host of EC2, and an address that moves there once the host is healthy. */
export function floatingIp(config: Config, past: AwsPast = {}): HostOutputs {
    const { release, domain, health, migration, aws: settings } = config;
    const { region, zoneId, protect } = settings;
    const base = awsRelease(config, past);
    const { name, opts, network, parameters, logGroup } = base;

    const tls = tlsOf(config, base);
    const versions = [parameters.version, ...(tls ? [tls.certificate.version] : [])];
    const role = new HostRole(
        name,
        {
            parameterArns: [parameters.pathArn, ...(tls ? [tls.certificate.pathArn] : [])],
            pullArns: tls
                ? pulumi.all([base.pullArns, tls.repository.arn]).apply(([arns, proxy]) => [...arns, proxy])
                : base.pullArns,
            logGroupArn: logGroup.arn,
        },
        opts,
    );
    const userData = hostBoot({
        release,
        region,
        image: base.image,
        proxyImage: tls?.proxy.ref,
        parameters: parameters.path,
        parametersVersion: pulumi.all(versions).apply((all) => all.join("-")),
        secretNames: Object.keys(parameters.arns),
        env: envOf(config),
        logGroup: logGroup.name,
        health,
        limits: config.limits,
        migration,
        drainSeconds: config.drainSeconds,
        behindProxy: config.behindProxy,
    });
    const host = new ReleaseHost(
        name,
        {
            network,
            userData,
            ami: settings.ami,
            instanceType: settings.instanceType,
            diskGb: settings.diskGb,
            profileName: role.profileName,
            ports: tls ? [80, 443] : [80],
            beforeStartHooks: base.beforeStartHooks,
            beforeStartDependencies: base.beforeStartDependencies,
        },
        opts,
    );

    const seconds = START_SECONDS + (migration?.seconds ?? 0) + health.bootSeconds + health.bakeSeconds;
    const { instanceId } = host;
    const hooks = hostHooks(name, async () => {
        const [id, group] = await Promise.all([valueOf(instanceId), valueOf(logGroup.name)]);
        return { region, instanceId: id, logGroup: group, seconds };
    });
    const floating = new FloatingIp(name, { instanceId, hooks, domain, zoneId, protect }, opts);

    const { address } = floating;
    return {
        target: config.target,
        url: `${tls ? "https" : "http"}://${domain}`,
        version: config.version,
        ...releaseOutputs(readyAfter(base.releases, address)),
        containers: readyAfter(instanceId, address).apply((id) => [id]),
        console: `sudo docker exec --interactive --tty ${release} bin/${release} remote`,
        logs: logGroup.name,
        ...(base.archive && { archive: base.archive }),
        securityGroup: host.securityGroupId,
        address,
    };
}

/** What terminates TLS, where the stack has a certificate. */
function tlsOf(config: Config, { name, opts, parameters }: AwsRelease) {
    const { tlsCertificate, protect } = config.aws;
    if (tlsCertificate === undefined) return undefined;
    const provider = new docker.Provider("docker-tls", { host: config.host });
    const repository = new ImageRepository(`${name}-tls`, { protect }, opts);
    const proxy = new TlsProxy(
        `${name}-tls`,
        {
            image: config.routerImage,
            repository,
            platform: config.platform,
            builder: config.builder,
        },
        pulumi.mergeOptions(opts, { providers: { docker: provider } }),
    );
    const certificate = new ReleaseParameters(
        `${name}-tls`,
        {
            // Beside the path of the release's own secrets, which must not hold it.
            path: `${parameters.path}-tls`,
            names: ["TLS_CERTIFICATE"],
            values: tlsCertificate.apply((pem): Record<string, string> => ({ TLS_CERTIFICATE: pem })),
        },
        opts,
    );
    return { repository, proxy, certificate };
}
