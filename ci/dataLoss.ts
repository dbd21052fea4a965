/** What a resource holds that is lost with it, by type; a `*` stands for any text. The first that fits counts. */
const DATA_LOSS: [type: string, loss: string][] = [
    ["aws:rds/*", "its data"],
    ["aws:docdb/*", "its data"],
    ["aws:neptune/*", "its data"],
    ["aws:redshift/*", "its data"],
    ["aws:opensearch/domain:*", "its data"],
    ["aws:dynamodb/*", "its data"],
    ["aws:elasticache/*", "its data"],
    ["aws:memorydb/*", "its data"],
    ["aws:efs/*", "its files"],
    ["aws:ebs/volume:*", "its files"],
    ["aws:backup/vault:*", "its backups"],
    // Not what belongs to a bucket, such as its policy.
    ["aws:s3/bucket:*", "its files"],
    ["aws:s3/bucketV2:*", "its files"],
    ["aws:s3/bucketObject*", "its files"],
    ["docker:index/volume:Volume", "its files"],
    ["aws:ecr/repository:*", "its images"],
    ["aws:cloudwatch/logGroup:*", "its logs"],
    ["aws:sqs/queue:*", "its messages"],
    ["aws:cognito/userPool:*", "its users"],
    // Not its association, which moves on every deploy.
    ["aws:ec2/eip:Eip", "its address"],
    ["aws:lb/loadBalancer:*", "its address"],
    ["aws:globalaccelerator/accelerator:*", "its address"],
    ["aws:route53/zone:*", "its names, and its name servers"],
    ["aws:ssm/parameter:*", "its value"],
    ["aws:secretsmanager/secret:*", "its value"],
    ["aws:kms/key:*", "what it has encrypted"],
    ["tls:index/privateKey:*", "its key"],
    ["random:index/randomPassword:*", "its secret"],
    ["random:*", "its value, and what is named after it"],
];

/** What is lost where a resource of a type is replaced or deleted, such as "its data"; undefined where nothing is. */
export function lossOf(type: string): string | undefined {
    return DATA_LOSS.find(([pattern]) => fits(pattern, type))?.[1];
}

function fits(pattern: string, type: string): boolean {
    return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
