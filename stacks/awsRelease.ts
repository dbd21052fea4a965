import * as aws from "@pulumi/aws";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { archiving } from "../components/archiving";
import { isAttested } from "../components/attestations";
import { bootCheck } from "../components/bootCheck";
import { ImageRepository, repositoryArnOf } from "../components/imageRepository";
import { Network } from "../components/network";
import { ReleaseArchive } from "../components/releaseArchive";
import { releaseEnv } from "../components/releaseEnv";
import { ReleaseImage } from "../components/releaseImage";
import { ReleaseParameters } from "../components/releaseParameters";
import { ReleaseSecrets } from "../components/releaseSecrets";
import type { ConfigOf } from "./config";
import { archiveFolder, type Release, releasesUpTo } from "./outputs";

/** The settings of a stack on AWS. */
export type AwsConfig = ConfigOf<"fargate"> | ConfigOf<"floating-ip">;

/** What both targets on AWS start from. */
export interface AwsRelease {
    /** First part of the names of all resources. */
    name: string;
    /** Options of every component: the providers. */
    opts: pulumi.ComponentResourceOptions;
    network: Network;
    repository: ImageRepository;
    /** The image, by digest. */
    image: pulumi.Output<string>;
    /** ARNs of the repositories that it may be pulled from. */
    pullArns: pulumi.Output<string>[];
    /** All secrets by the name of the environment variable; secret as a whole. */
    secrets: pulumi.Output<Record<string, string>>;
    parameters: ReleaseParameters;
    logGroup: aws.cloudwatch.LogGroup;
    /** Prove that the release starts, and archive it; throw where it does not, or where that fails. */
    proven: pulumi.ResourceHook[];
    /** What has to be there before they run. */
    provenAfter: pulumi.Resource[];
    /** Address of the archive, where there is one. */
    archive?: pulumi.Output<string>;
    /** The releases to keep, this one first. */
    releases: pulumi.Output<Release[]>;
}

/**
 * Declares what both targets on AWS start from: the network, the image in ECR, the secrets and the logs.
 *
 * @param before the releases that ran here
 * @param elsewhere those that other stacks run with images of this one
 */
export function awsRelease(config: AwsConfig, before: Release[], elsewhere: Release[]): AwsRelease {
    const { release, aws: settings } = config;
    const name = nameOf(release);
    const [project, stack] = [pulumi.getProject(), pulumi.getStack()];
    const tags = { project, stack, release };
    const provider = new aws.Provider("aws", { region: settings.region, defaultTags: { tags } });
    const opts = { providers: { aws: provider } };
    const { protect } = settings;

    const network = new Network(`${name}-network`, settings.network, opts);
    const repository = new ImageRepository(name, { protect }, opts);
    const archive = config.archive
        ? new ReleaseArchive(`${name}-archive`, { days: settings.archiveDays, protect }, opts)
        : undefined;
    const { image, tag, proven } = imageOf(config, { repository, archive }, before, opts);
    const { version, keepReleases } = config;
    const releases = pulumi
        .all([image, tag])
        .apply(([ref, known]) =>
            releasesUpTo({ release, version, image: ref, tag: known }, before, keepReleases),
        );
    repository.keep(
        releases.apply((all) => [...new Set([...all, ...elsewhere].flatMap((kept) => kept.tag ?? []))]),
        keepReleases,
    );
    const { partition } = aws.getPartitionOutput({}, { provider });
    const given = config.image && repositoryArnOf(config.image, partition);

    const secrets = new ReleaseSecrets(name, { secrets: config.secrets, version: config.secretsVersion });
    const parameters = new ReleaseParameters(
        name,
        {
            path: `/${project}/${stack}/${release}`,
            names: [...new Set([...ReleaseSecrets.generated, ...config.secretNames])],
            values: secrets.env,
        },
        opts,
    );
    const logGroup = new aws.cloudwatch.LogGroup(
        name,
        { name: `/${project}/${stack}/${release}`, retentionInDays: settings.logDays },
        { provider, protect },
    );
    return {
        name,
        opts,
        network,
        repository,
        image,
        pullArns: [repository.arn, ...(given ? [given] : [])],
        secrets: secrets.env,
        parameters,
        logGroup,
        proven,
        provenAfter: archive ? [archive] : [],
        archive: archive && pulumi.interpolate`s3://${archive.bucket}`,
        releases,
    };
}

/**
 * First part of the names of a release's resources. AWS takes only letters, digits and hyphens in the name of a load balancer
 * or a target group, and 32 of them, of which what comes behind needs 18.
 */
export function nameOf(release: string): string {
    return release.toLowerCase().replaceAll("_", "-").slice(0, 14).replace(/-+$/, "");
}

/** The image of the release: the one that is given, or one that is built and pushed to the repository. */
function imageOf(
    config: AwsConfig,
    { repository, archive }: { repository: ImageRepository; archive?: ReleaseArchive },
    before: Release[],
    opts: pulumi.ComponentResourceOptions,
): { image: pulumi.Output<string>; tag: pulumi.Output<string | undefined>; proven: pulumi.ResourceHook[] } {
    const { release, host } = config;
    if (config.image !== undefined) {
        const [, path = "", tag, digest = ""] = /^(.+?)(?::([^/@]+))?(@.*)$/.exec(config.image) ?? [];
        const image = path + digest;
        const known = tag ?? before.find((earlier) => earlier.image === image)?.tag;
        return { image: pulumi.output(image), tag: pulumi.output(known), proven: [] };
    }
    const { url, login } = repository;
    // Made only for a build: it wants a Docker host that answers.
    const registry = url.apply((address) => address.replace(/\/.*/, ""));
    // Who asks the registry for the digest of an attested image has the login of this machine's Docker.
    const registryAuth = isAttested(config) ? [{ address: registry }] : undefined;
    const provider = new docker.Provider("docker", { host, registryAuth });
    const built = new ReleaseImage(
        release,
        {
            ...config,
            repository: url,
            immutableTags: true,
            registryUsername: login.username,
            registryPassword: login.password,
        },
        pulumi.mergeOptions(opts, { providers: { docker: provider } }),
    );
    const starts = config.dockerfile === undefined && config.bootCheck;
    const check = {
        image: built.ref,
        starts,
        env: releaseEnv(config),
        secretNames: [...ReleaseSecrets.generated, ...config.secretNames],
        readOnly: config.readOnly,
        host,
        elsewhere: true,
    };
    const proven = starts ? [bootCheck(release, check)] : [];
    if (archive !== undefined) {
        const { region } = config.aws;
        // The repository lets no tag move, so it is one image's, and so is the folder.
        const place = pulumi
            .all([archive.bucket, built.tag])
            .apply(([bucket, folder]) => ({ region, bucket, folder }));
        const args = {
            image: built.ref,
            folder: archiveFolder(),
            place,
            login: pulumi.output(login),
        };
        proven.push(archiving(release, { ...config, ...args }));
    }
    return { image: built.ref, tag: built.tag, proven };
}
