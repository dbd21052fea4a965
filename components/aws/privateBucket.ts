import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { policyDocument } from "./policyDocument";

export interface PrivateBucketArgs {
    /** How long an object is kept, in days. */
    days: number;
    /** Whether the bucket is kept from being deleted; otherwise it goes with all its objects. */
    protect: boolean;
    /**
     * Who else may do something with the bucket, as statements of IAM.
     *
     * @default nobody
     */
    statements?: (bucket: aws.s3.Bucket) => object[];
}

/**
 * A bucket that is encrypted, reached over TLS alone, emptied by age, and owned, with all its objects, by the account; nobody
 * can make it public. It keeps no versions, as what uses it writes no object twice.
 *
 * @returns its name, known once it is all of this
 */
export function privateBucket(
    name: string,
    { days, protect, statements }: PrivateBucketArgs,
    child: { parent: pulumi.Resource },
): pulumi.Output<string> {
    const bucket = new aws.s3.Bucket(name, { forceDestroy: !protect }, { ...child, protect });
    const access = new aws.s3.BucketPublicAccessBlock(
        name,
        {
            bucket: bucket.id,
            blockPublicAcls: true,
            blockPublicPolicy: true,
            ignorePublicAcls: true,
            restrictPublicBuckets: true,
        },
        child,
    );
    const ownership = new aws.s3.BucketOwnershipControls(
        name,
        { bucket: bucket.id, rule: { objectOwnership: "BucketOwnerEnforced" } },
        child,
    );
    const encryption = new aws.s3.BucketServerSideEncryptionConfiguration(
        name,
        // Load balancers write to no bucket with a KMS key.
        {
            bucket: bucket.id,
            rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
        },
        child,
    );
    const lifecycle = new aws.s3.BucketLifecycleConfiguration(
        name,
        {
            bucket: bucket.id,
            rules: [
                {
                    id: "expire",
                    status: "Enabled",
                    filter: { prefix: "" },
                    expiration: { days },
                    abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
                },
            ],
        },
        child,
    );
    const overTls = {
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucket.arn, pulumi.interpolate`${bucket.arn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
    };
    const policy = new aws.s3.BucketPolicy(
        name,
        { bucket: bucket.id, policy: policyDocument(...(statements?.(bucket) ?? []), overTls) },
        child,
    );
    const ready = [access, ownership, encryption, lifecycle, policy].map(({ id }) => id);
    return pulumi.all([bucket.bucket, ...ready]).apply(([known]) => known ?? "");
}
