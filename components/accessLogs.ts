import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { policyDocument } from "./policyDocument";

export interface AccessLogsArgs {
    /** How long they are kept, in days. */
    days: number;
    /**
     * Whether they are kept from being deleted.
     *
     * @default false
     */
    protect?: boolean;
}

/** A bucket for the access logs of a load balancer: encrypted, not public, and emptied by age. */
export class AccessLogs extends pulumi.ComponentResource {
    /** Name of the bucket, once load balancers may write to it. */
    public readonly bucket: pulumi.Output<string>;

    constructor(
        name: string,
        { days, protect = false }: AccessLogsArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("decanter:index:AccessLogs", name, {}, opts);

        const bucket = new aws.s3.Bucket(name, { forceDestroy: !protect }, { parent: this, protect });
        const child = { parent: this };
        new aws.s3.BucketPublicAccessBlock(
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
        new aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            // Load balancers write to no bucket with a KMS key.
            {
                bucket: bucket.id,
                rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
            },
            child,
        );
        new aws.s3.BucketLifecycleConfiguration(
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
        const { accountId } = aws.getCallerIdentityOutput({}, child);
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
        const policy = new aws.s3.BucketPolicy(
            name,
            {
                bucket: bucket.id,
                policy: policyDocument(
                    {
                        Effect: "Allow",
                        Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
                        Action: "s3:PutObject",
                        Resource: pulumi.interpolate`${bucket.arn}/AWSLogs/${accountId}/*`,
                    },
                    {
                        Effect: "Deny",
                        Principal: "*",
                        Action: "s3:*",
                        Resource: [bucket.arn, pulumi.interpolate`${bucket.arn}/*`],
                        Condition: { Bool: { "aws:SecureTransport": "false" } },
                    },
                ),
            },
            child,
        );
        // The load balancer tries to write before it takes the setting.
        this.bucket = pulumi.all([bucket.bucket, policy.id]).apply(([id]) => id);
        this.registerOutputs({ bucket: this.bucket });
    }
}
