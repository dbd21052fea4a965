import { randomInt } from "node:crypto";
import { next, type Properties } from "./record";

export const ACCOUNT = "123456789012";

/** What a resource is made of. */
interface Given {
    /** Inputs, with the name that check chose. */
    inputs: Properties;
    /** Name in the program. */
    name: string;
    region: string;
    /** Hexadecimal digits that AWS would choose. */
    hex: string;
    /** Whether it is only planned. */
    preview: boolean;
}

/** What AWS computes of a resource, its id among it. */
type Computed = Properties & { id: string };

/** The part of AWS that a region is in: accounts, roles and names of one mean nothing in a different one. */
export function partitionOf(region: string): string {
    return region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/** The domain of AWS's hosts in a region. */
export function domainOf(region: string): string {
    return partitionOf(region) === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
}

/** An ARN of the stand-in's account. */
export function arnOf(service: string, { region }: Pick<Given, "region">, resource: string): string {
    return `arn:${partitionOf(region)}:${service}:${service === "iam" ? "" : region}:${ACCOUNT}:${resource}`;
}

/** A resource of EC2's: its id has a prefix, its ARN its kind. */
function ec2(prefix: string, kind: string, more: (given: Given) => Properties = () => ({})) {
    return (given: Given): Computed => {
        const id = `${prefix}-${given.hex.slice(0, 17)}`;
        return { id, arn: arnOf("ec2", given, `${kind}/${id}`), ownerId: ACCOUNT, ...more(given) };
    };
}

/** A resource whose id is its ARN. */
function byArn(
    service: string,
    resource: (given: Given) => string,
    more: (given: Given) => Properties = () => ({}),
) {
    return (given: Given): Computed => {
        const arn = arnOf(service, given, resource(given));
        return { id: arn, arn, ...more(given) };
    };
}

/** A resource whose id is one of its inputs. */
function byInput(property: string, more: (given: Given) => Properties) {
    return (given: Given): Computed => ({ id: String(given.inputs[property]), ...more(given) });
}

const address = (network: string) => `${network}.${randomInt(1, 255)}`;
const balancer = ({ inputs, hex }: Given) => `app/${inputs.name}/${hex.slice(0, 16)}`;
const targets = ({ inputs, hex }: Given) => `targetgroup/${inputs.name}/${hex.slice(0, 16)}`;
const identity = (kind: string, prefix: string) => (given: Given) => ({
    arn: arnOf("iam", given, `${kind}/${given.inputs.name}`),
    uniqueId: `${prefix}${given.hex.slice(0, 17).toUpperCase()}`,
    createDate: "2026-01-01T00:00:00Z",
});

/** What AWS computes, by short type. */
export const COMPUTED: Record<string, (given: Given) => Computed> = {
    "acm:Certificate": byArn(
        "acm",
        ({ hex }) => `certificate/${hex}`,
        ({ inputs }) => ({
            status: "PENDING_VALIDATION",
            domainValidationOptions: [inputs.domainName, ...(inputs.subjectAlternativeNames ?? [])].map(
                (domain) => ({
                    domainName: domain,
                    resourceRecordName: `_stand-in.${String(domain).replace("*.", "")}.`,
                    resourceRecordType: "CNAME",
                    resourceRecordValue: "_stand-in.acm-validations.aws.",
                }),
            ),
        }),
    ),
    "acm:CertificateValidation": byInput("certificateArn", () => ({})),
    "appautoscaling:Policy": byInput("name", (given) => ({
        arn: arnOf("autoscaling", given, `scalingPolicy:${given.hex}:${given.inputs.name}`),
        alarmArns: [],
    })),
    "appautoscaling:Target": byInput("resourceId", (given) => ({
        arn: arnOf("application-autoscaling", given, `scalable-target/${given.hex}`),
    })),
    "cloudwatch:LogGroup": byInput("name", (given) => ({
        arn: arnOf("logs", given, `log-group:${given.inputs.name}`),
    })),
    "ebs:Volume": ec2("vol", "volume"),
    "ec2:Eip": (given) => {
        const made = ec2("eipalloc", "elastic-ip", () => ({ publicIp: address("198.51.100") }))(given);
        return { ...made, allocationId: made.id, publicDns: `ec2-${made.publicIp}.stand-in` };
    },
    "ec2:EipAssociation": ec2("eipassoc", "eip-association"),
    "ec2:Instance": ec2("i", "instance", ({ inputs, region }) => ({
        publicIp: inputs.associatePublicIpAddress === false ? "" : address("203.0.113"),
        privateIp: address("10.0.0"),
        availabilityZone: `${region}a`,
        instanceState: "running",
    })),
    "ec2:InternetGateway": ec2("igw", "internet-gateway"),
    "ec2:LaunchTemplate": ec2("lt", "launch-template", () => ({ latestVersion: 1, defaultVersion: 1 })),
    "ec2:NatGateway": ec2("nat", "natgateway", () => ({ publicIp: address("198.51.100") })),
    "ec2:RouteTable": ec2("rtb", "route-table"),
    "ec2:RouteTableAssociation": ec2("rtbassoc", "route-table-association"),
    "ec2:SecurityGroup": ec2("sg", "security-group"),
    "ec2:Subnet": ec2("subnet", "subnet"),
    "ec2:Vpc": ec2("vpc", "vpc", ({ hex }) => ({
        defaultSecurityGroupId: `sg-${hex.slice(0, 17)}`,
        mainRouteTableId: `rtb-${hex.slice(0, 17)}`,
    })),
    "ec2:VpcEndpoint": ec2("vpce", "vpc-endpoint"),
    "ecr:Repository": byInput("name", (given) => ({
        arn: arnOf("ecr", given, `repository/${given.inputs.name}`),
        registryId: ACCOUNT,
        repositoryUrl: `${ecrHost(given.region)}/${given.inputs.name}`,
    })),
    "ecs:Cluster": byArn("ecs", ({ inputs }) => `cluster/${inputs.name}`),
    "ecs:Service": byArn(
        "ecs",
        ({ inputs }) => `service/${String(inputs.cluster).split("/").at(-1)}/${inputs.name}`,
    ),
    "ecs:TaskDefinition": byInput("family", (given) => {
        const { family } = given.inputs;
        const revision = given.preview ? 0 : next(`task-definition ${family}`);
        const arnWithoutRevision = arnOf("ecs", given, `task-definition/${family}`);
        return { arn: `${arnWithoutRevision}:${revision}`, arnWithoutRevision, revision };
    }),
    "iam:InstanceProfile": byInput("name", identity("instance-profile", "AIPA")),
    "iam:Policy": byArn(
        "iam",
        ({ inputs }) => `policy/${inputs.name}`,
        ({ hex }) => ({ policyId: `ANPA${hex.slice(0, 17).toUpperCase()}` }),
    ),
    "iam:Role": byInput("name", identity("role", "AROA")),
    "iam:RolePolicy": (given) => ({ id: `${given.inputs.role}:${given.inputs.name}` }),
    "lb:Listener": byArn("elasticloadbalancing", ({ hex }) => `listener/app/${hex}`),
    "lb:ListenerRule": byArn("elasticloadbalancing", ({ hex }) => `listener-rule/app/${hex}`),
    "lb:LoadBalancer": byArn(
        "elasticloadbalancing",
        (given) => `loadbalancer/${balancer(given)}`,
        (given) => ({
            arnSuffix: balancer(given),
            dnsName: `${given.inputs.name}-${given.hex.slice(0, 8)}.${given.region}.elb.amazonaws.com`,
            zoneId: "Z35SXDOTRQ7X7K",
        }),
    ),
    "lb:TargetGroup": byArn("elasticloadbalancing", targets, (given) => ({ arnSuffix: targets(given) })),
    "route53:Record": ({ inputs }) => ({
        id: `${inputs.zoneId}_${inputs.name}_${inputs.type}`,
        fqdn: String(inputs.name).replace(/\.$/, ""),
    }),
    "s3:Bucket": byInput("bucket", ({ inputs, region }) => ({
        arn: `arn:${partitionOf(region)}:s3:::${inputs.bucket}`,
        bucketDomainName: `${inputs.bucket}.s3.amazonaws.com`,
        bucketRegionalDomainName: `${inputs.bucket}.s3.${region}.amazonaws.com`,
    })),
    "servicediscovery:PrivateDnsNamespace": (given) => {
        const id = `ns-${given.hex.slice(0, 16)}`;
        return {
            id,
            arn: arnOf("servicediscovery", given, `namespace/${id}`),
            hostedZone: "Z0123456789ABCDEFGHIJ",
        };
    },
    "servicediscovery:Service": (given) => {
        const id = `srv-${given.hex.slice(0, 16)}`;
        return { id, arn: arnOf("servicediscovery", given, `service/${id}`) };
    },
    "ssm:Parameter": byInput("name", (given) => ({
        arn: arnOf("ssm", given, `parameter/${String(given.inputs.name).replace(/^\//, "")}`),
        version: 1,
    })),
    "vpc:SecurityGroupEgressRule": ec2("sgr", "security-group-rule"),
    "vpc:SecurityGroupIngressRule": ec2("sgr", "security-group-rule"),
};

/** Host of ECR: the test's own registry where it has one. */
export function ecrHost(region: string): string {
    return process.env.DECANTER_AWS_REGISTRY ?? `${ACCOUNT}.dkr.ecr.${region}.${domainOf(region)}`;
}
