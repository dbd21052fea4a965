import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface ImageRepositoryArgs {
    /**
     * Whether it is kept from being deleted; otherwise it goes with all its images.
     *
     * @default false
     */
    protect?: boolean;
}

/** A repository in ECR for the images of a release. A tag never moves to another image. */
export class ImageRepository extends pulumi.ComponentResource {
    /** Registry and path, such as `123456789012.dkr.ecr.eu-central-1.amazonaws.com/hello-1a2b3c4`. */
    public readonly url: pulumi.Output<string>;
    public readonly arn: pulumi.Output<string>;
    /** Login at the registry, good for 12 hours. */
    public readonly login: { username: pulumi.Output<string>; password: pulumi.Output<string> };
    /** Its name, without the registry's. */
    public readonly repositoryName: pulumi.Output<string>;

    constructor(
        name: string,
        { protect = false }: ImageRepositoryArgs = {},
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("decanter:index:ImageRepository", name, {}, opts);

        const repository = new aws.ecr.Repository(
            name,
            {
                imageTagMutability: "IMMUTABLE",
                imageScanningConfiguration: { scanOnPush: true },
                encryptionConfigurations: [{ encryptionType: "AES256" }],
                forceDelete: !protect,
            },
            { parent: this, protect },
        );
        this.url = repository.repositoryUrl;
        this.arn = repository.arn;
        this.repositoryName = repository.name;
        const token = aws.ecr.getAuthorizationTokenOutput(
            { registryId: repository.registryId },
            { parent: this },
        );
        this.login = { username: token.userName, password: pulumi.secret(token.password) };
        this.registerOutputs({ url: this.url, arn: this.arn, repositoryName: this.repositoryName });
    }
}

/**
 * Which images of a repository stay: those with one of the tags, however many are pushed after them, and the newest.
 *
 * @param tags 49 at most, because a lifecycle policy has 50 rules at most
 * @param newest how many of the newest stay, whatever their tags
 */
export function imageLifecycle(
    name: string,
    repository: ImageRepository,
    tags: pulumi.Input<string[]>,
    newest: number,
): aws.ecr.LifecyclePolicy {
    return new aws.ecr.LifecyclePolicy(
        name,
        {
            repository: repository.repositoryName,
            policy: pulumi.output(tags).apply((all) => policy(all, newest)),
        },
        { parent: repository },
    );
}

/**
 * A lifecycle policy that expires what has none of the tags. An image that a rule selects is kept from all rules after it,
 * and a rule with several tags selects only what has them all: so each tag has a rule, which never expires anything.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
 */
function policy(tags: string[], newest: number): string {
    const rule = (selection: object, index: number, description: string) => ({
        rulePriority: index + 1,
        description,
        selection,
        action: { type: "expire" },
    });
    const kept = tags.map((tag, index) => {
        const never = { countType: "imageCountMoreThan", countNumber: 9999 };
        return rule({ tagStatus: "tagged", tagPatternList: [tag], ...never }, index, `keep ${tag}`);
    });
    const rest = { tagStatus: "any", countType: "imageCountMoreThan", countNumber: newest };
    return JSON.stringify({ rules: [...kept, rule(rest, kept.length, "keep the newest")] });
}

/**
 * ARN of the ECR repository that an image is in; undefined for an image elsewhere.
 *
 * @param partition the stack's, such as `aws-cn`: no role reaches into a different one
 */
export function repositoryArnOf(
    image: string,
    partition: pulumi.Input<string>,
): pulumi.Output<string> | undefined {
    const ecr = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+\/([^:@]+)/.exec(image);
    if (ecr === null) return undefined;
    const [, account, region, name] = ecr;
    return pulumi.interpolate`arn:${partition}:ecr:${region}:${account}:repository/${name}`;
}
