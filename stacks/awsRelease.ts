import * as aws from "@pulumi/aws";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { archiveHook } from "../components/archive/archiveHook";
import { ReleaseArchive } from "../components/archive/releaseArchive";
import { imageLifecycle, ImageRepository, repositoryArnOf } from "../components/aws/imageRepository";
import { Network } from "../components/aws/network";
import { ReleaseParameters } from "../components/aws/releaseParameters";
import { DockerHost } from "../components/docker/dockerHost";
import { isAttested } from "../components/image/attestations";
import { bootCheckHook } from "../components/image/bootCheck";
import { ReleaseImage } from "../components/image/releaseImage";
import { imageReference, registryOf } from "../components/release/imageReference";
import { releaseEnv } from "../components/release/releaseEnv";
import { ReleaseSecrets } from "../components/release/releaseSecrets";
import { awsName, formerAwsName } from "./awsNames";
import { archiveArgs, bootCheckArgs, imageArgs, secretNames } from "./build";
import type { ConfigOf } from "./config/config";
import { namedByRole } from "./names";
import { archiveFolder, type Release, releasesUpTo } from "./outputs";

/** The settings of a stack on AWS. */
export type AwsConfig = ConfigOf<"fargate"> | ConfigOf<"floating-ip">;

/** What a stack on AWS has to know of earlier deploys. */
export interface AwsPast {
    /** The releases that ran here, the newest first. */
    pastReleases?: Release[];
    /** Those that other stacks run with images of this one. */
    otherStacksReleases?: Release[];
    /** The log group that the stack has. */
    logs?: string;
}

/** What both targets on AWS start from. */
export interface AwsRelease {
    /** First part of the names of all resources. */
    name: string;
    /** Options of every component: the providers, and the names. */
    opts: pulumi.ComponentResourceOptions;
    network: Network;
    repository: ImageRepository;
    /** The image, by digest. */
    image: pulumi.Output<string>;
    /** ARNs of the repositories that it may be pulled from. */
    pullArns: pulumi.Output<string[]>;
    /** All secrets by the name of the environment variable; secret as a whole. */
    secrets: pulumi.Output<Record<string, string>>;
    parameters: ReleaseParameters;
    logGroup: aws.cloudwatch.LogGroup;
    /** Prove that the release starts, and archive it; throw where it does not, or where that fails. */
    beforeStartHooks: pulumi.ResourceHook[];
    /** What has to be there before they run. */
    beforeStartDependencies: pulumi.Resource[];
    /** Address of the archive, where there is one. */
    archive?: pulumi.Output<string>;
    /** The releases to keep, this one first. */
    releases: pulumi.Output<Release[]>;
}

/**
 * Declares what both targets on AWS start from: the network, the image in ECR, the secrets and the logs.
 */
export function awsRelease(
    config: AwsConfig,
    { pastReleases = [], otherStacksReleases = [], logs }: AwsPast,
): AwsRelease {
    const { release, aws: settings } = config;
    const [project, stack] = [pulumi.getProject(), pulumi.getStack()];
    const name = awsName(project, stack);
    // A different name would be a different log group, and other parameters, of which those that serve read the old ones.
    const path = logs ?? `/${project}/${stack}/release`;
    const former = [pastReleases[0]?.release, release].flatMap((one) =>
        one ? [formerAwsName(one), one] : [],
    );
    const tags = { project, stack, release };
    const provider = new aws.Provider("aws", { region: settings.region, defaultTags: { tags } });
    const naming = namedByRole(former, name);
    const opts = { providers: { aws: provider }, ...naming };
    const { protect } = settings;

    const network = new Network(`${name}-network`, settings.network, opts);
    const repository = new ImageRepository(name, { protect }, opts);
    const archive = config.archive
        ? new ReleaseArchive(`${name}-archive`, { days: settings.archiveDays, protect }, opts)
        : undefined;
    const built = imageOf(config, { repository, archive }, pastReleases, { name, opts });
    const { image, tag, beforeStartHooks } = built;
    const { version, keepReleases } = config;
    const releases = pulumi
        .all([image, tag])
        .apply(([ref, known]) =>
            releasesUpTo({ release, version, image: ref, tag: known }, pastReleases, keepReleases),
        );
    imageLifecycle(
        name,
        repository,
        releases.apply((all) => [
            ...new Set([...all, ...otherStacksReleases].flatMap((kept) => kept.tag ?? [])),
        ]),
        keepReleases,
    );
    const { partition } = aws.getPartitionOutput({}, { provider });
    // What serves, and what ECS may go back to, is pulled again whenever a replica is started anew.
    const images = [config.image, ...pastReleases.map(({ image: earlier }) => earlier)];

    const secrets = new ReleaseSecrets(
        name,
        { secrets: config.secrets, version: config.secretsVersion },
        naming,
    );
    const parameters = new ReleaseParameters(
        name,
        {
            path,
            names: secretNames(config),
            values: secrets.env,
        },
        opts,
    );
    const logGroup = new aws.cloudwatch.LogGroup(
        name,
        { name: path, retentionInDays: settings.logDays },
        { provider, protect, deleteBeforeReplace: false, ...naming },
    );
    return {
        name,
        opts,
        network,
        repository,
        image,
        pullArns: pulumi
            .all([repository.arn, ...images.flatMap((one) => repositoryArnOf(one ?? "", partition) ?? [])])
            .apply((arns) => [...new Set(arns)]),
        secrets: secrets.env,
        parameters,
        logGroup,
        beforeStartHooks,
        beforeStartDependencies: archive ? [archive] : [],
        archive: archive && pulumi.interpolate`s3://${archive.bucket}`,
        releases,
    };
}

/** The plain environment of a release on AWS. */
export function envOf({ health, domain, env }: AwsConfig): Record<string, string> {
    return releaseEnv({ port: health.port, domain, env });
}

/** The image of the release: the one that is given, or one that is built and pushed to the repository. */
function imageOf(
    config: AwsConfig,
    { repository, archive }: { repository: ImageRepository; archive?: ReleaseArchive },
    before: Release[],
    { name, opts }: Pick<AwsRelease, "name" | "opts">,
): {
    image: pulumi.Output<string>;
    tag: pulumi.Output<string | undefined>;
    beforeStartHooks: pulumi.ResourceHook[];
} {
    if (config.image !== undefined) {
        const { repository: address, tag, digest } = imageReference(config.image);
        const image = `${address}@${digest}`;
        const known = tag ?? before.find((earlier) => earlier.image === image)?.tag;
        return { image: pulumi.output(image), tag: pulumi.output(known), beforeStartHooks: [] };
    }
    const { url, login } = repository;
    // Made only for a build: it wants a Docker host that answers.
    const registry = url.apply(registryOf);
    // Who asks the registry for the digest of an attested image has the login of this machine's Docker.
    const registryAuth = isAttested(config) ? [{ address: registry }] : undefined;
    const provider = new docker.Provider("docker", { host: config.host, registryAuth });
    const host = new DockerHost(provider.host);
    const built = new ReleaseImage(
        name,
        {
            ...imageArgs(config),
            repository: url,
            immutableTags: true,
            registryUsername: login.username,
            registryPassword: login.password,
        },
        pulumi.mergeOptions(opts, { providers: { docker: provider } }),
    );
    const check = bootCheckArgs(host, config, built.ref, envOf(config));
    const beforeStartHooks = check.isBootable ? [bootCheckHook(name, { ...check, runsElsewhere: true })] : [];
    if (archive !== undefined) {
        const { region } = config.aws;
        // The repository lets no tag move, so it is one image's, and so is the folder.
        const place = pulumi
            .all([archive.bucket, built.tag])
            .apply(([bucket, folder]) => ({ region, bucket, folder }));
        const archived = archiveArgs(host, config, built.ref, archiveFolder());
        beforeStartHooks.push(archiveHook(name, { ...archived, place, login: pulumi.output(login) }));
    }
    return { image: built.ref, tag: built.tag, beforeStartHooks };
}
