import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { privateBucket } from "../aws/privateBucket";

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

/** A private bucket for the access logs of a load balancer. */
export class AccessLogs extends pulumi.ComponentResource {
    /** Name of the bucket, once load balancers may write to it. */
    public readonly bucket: pulumi.Output<string>;

    constructor(
        name: string,
        { days, protect = false }: AccessLogsArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("decanter:index:AccessLogs", name, {}, opts);

        const child = { parent: this };
        const { accountId } = aws.getCallerIdentityOutput({}, child);
        // The load balancer tries to write before it takes the setting.
        this.bucket = privateBucket(
            name,
            {
                days,
                protect,
                // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
                statements: ({ arn }) => [
                    {
                        Effect: "Allow",
                        Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
                        Action: "s3:PutObject",
                        Resource: pulumi.interpolate`${arn}/AWSLogs/${accountId}/*`,
                    },
                ],
            },
            child,
        );
        this.registerOutputs({ bucket: this.bucket });
    }
}
