import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface CertificateArgs {
    /** Host name that it is for. */
    domain: string;
    /** Hosted zone in Route 53 that validates it. */
    zoneId: pulumi.Input<string>;
}

/** A certificate in ACM, validated by DNS; AWS renews it for as long as the record is there. */
export class Certificate extends pulumi.ComponentResource {
    /** Its ARN, once it is valid. */
    public readonly arn: pulumi.Output<string>;

    constructor(name: string, { domain, zoneId }: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:Certificate", name, {}, opts);

        const certificate = new aws.acm.Certificate(
            name,
            { domainName: domain, validationMethod: "DNS" },
            { parent: this },
        );
        // One domain has one.
        const option = certificate.domainValidationOptions.apply(
            ([only]) => only as NonNullable<typeof only>,
        );
        const record = new aws.route53.Record(
            `${name}-validation`,
            {
                zoneId,
                name: option.resourceRecordName,
                type: option.resourceRecordType,
                records: [option.resourceRecordValue],
                ttl: 60,
                // ACM asks for the same record for every certificate of the domain, also for those of other stacks.
                allowOverwrite: true,
            },
            { parent: this },
        );
        const validation = new aws.acm.CertificateValidation(
            name,
            { certificateArn: certificate.arn, validationRecordFqdns: [record.fqdn] },
            { parent: this },
        );
        this.arn = validation.certificateArn;
        this.registerOutputs({ arn: this.arn });
    }
}
