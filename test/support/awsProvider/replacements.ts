import { isDeepStrictEqual } from "node:util";
import { isChosen, nameProperty, short } from "./naming";
import type { Properties } from "./record";

/** Properties whose change replaces a resource: these, or all but some. A dot leads into an object, and [] into each item of a list. */
const REPLACING: Record<string, string[] | { allBut: string[] }> = {
    "acm:Certificate": ["domainName", "subjectAlternativeNames", "validationMethod", "keyAlgorithm"],
    "acm:CertificateValidation": { allBut: [] },
    "appautoscaling:Policy": ["name", "resourceId", "scalableDimension", "serviceNamespace"],
    "appautoscaling:Target": ["resourceId", "scalableDimension", "serviceNamespace"],
    "cloudwatch:LogGroup": ["name", "logGroupClass"],
    "ebs:Volume": ["availabilityZone", "encrypted", "kmsKeyId", "snapshotId"],
    "ec2:DefaultSecurityGroup": ["vpcId"],
    "ec2:Eip": ["domain", "networkBorderGroup", "publicIpv4Pool", "address"],
    "ec2:EipAssociation": { allBut: [] },
    "ec2:Instance": [
        "ami",
        "associatePublicIpAddress",
        "availabilityZone",
        "ebsBlockDevices",
        "ephemeralBlockDevices",
        "hibernation",
        "keyName",
        "launchTemplate",
        "networkInterfaces",
        "placementGroup",
        "privateIp",
        "rootBlockDevice.encrypted",
        "rootBlockDevice.kmsKeyId",
        "securityGroups",
        "subnetId",
        "tenancy",
    ],
    "ec2:InternetGateway": [],
    "ec2:LaunchTemplate": ["name"],
    "ec2:NatGateway": ["subnetId", "allocationId", "connectivityType"],
    "ec2:Route": [
        "routeTableId",
        "destinationCidrBlock",
        "destinationIpv6CidrBlock",
        "destinationPrefixListId",
    ],
    "ec2:RouteTable": ["vpcId"],
    "ec2:RouteTableAssociation": ["subnetId", "gatewayId"],
    "ec2:SecurityGroup": ["name", "namePrefix", "description", "vpcId"],
    "ec2:SecurityGroupRule": { allBut: ["description"] },
    "ec2:Subnet": ["vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId"],
    "ec2:Vpc": ["cidrBlock"],
    "ec2:VpcEndpoint": ["vpcId", "serviceName", "vpcEndpointType"],
    "ecr:LifecyclePolicy": { allBut: [] },
    "ecr:Repository": ["name", "encryptionConfigurations"],
    "ecs:Cluster": ["name"],
    "ecs:ClusterCapacityProviders": ["clusterName"],
    "ecs:Service": ["name", "cluster", "launchType", "schedulingStrategy", "deploymentController", "iamRole"],
    "ecs:TaskDefinition": { allBut: ["tags", "skipDestroy", "trackLatest"] },
    "iam:InstanceProfile": ["name", "path"],
    "iam:Policy": ["name", "path", "description"],
    "iam:Role": ["name", "namePrefix", "path"],
    "iam:RolePolicy": ["name", "role"],
    "iam:RolePolicyAttachment": { allBut: [] },
    "lb:Listener": ["loadBalancerArn"],
    "lb:ListenerCertificate": { allBut: [] },
    "lb:ListenerRule": ["listenerArn"],
    "lb:LoadBalancer": ["name", "namePrefix", "internal", "loadBalancerType"],
    "lb:TargetGroup": [
        "name",
        "namePrefix",
        "port",
        "protocol",
        "protocolVersion",
        "targetType",
        "vpcId",
        "ipAddressType",
    ],
    "lb:TargetGroupAttachment": { allBut: [] },
    "route53:Record": ["zoneId", "name"],
    "s3:Bucket": ["bucket", "bucketPrefix", "objectLockEnabled"],
    "servicediscovery:PrivateDnsNamespace": ["name", "vpc"],
    "servicediscovery:Service": [
        "name",
        "namespaceId",
        "dnsConfig.namespaceId",
        "dnsConfig.routingPolicy",
        "dnsConfig.dnsRecords[].type",
        "healthCheckCustomConfig",
    ],
    "ssm:Parameter": ["name"],
    "vpc:SecurityGroupEgressRule": ["securityGroupId"],
    "vpc:SecurityGroupIngressRule": ["securityGroupId"],
};

/** Types that the real provider deletes before it creates the next one, whatever their names. */
const DELETED_FIRST = ["ec2:SecurityGroupRule", "ecr:LifecyclePolicy", "iam:RolePolicyAttachment"];

/** Blocks that the real provider neither sends nor reads back while they are empty. */
const LOST_WHEN_EMPTY: Record<string, string[]> = { "servicediscovery:Service": ["healthCheckCustomConfig"] };

export interface Difference {
    /** Properties that differ. */
    changed: string[];
    /** Those of them that replace the resource. */
    replaces: string[];
    /** Whether the old resource goes before the new one comes. */
    deleteBeforeReplace: boolean;
}

/** What an update would do. */
export function difference(type: string, given: Properties, news: Properties): Difference {
    const lost = LOST_WHEN_EMPTY[short(type)] ?? [];
    const olds = Object.fromEntries(
        Object.entries(given).filter(([key, value]) => !lost.includes(key) || !isDeepStrictEqual(value, {})),
    );
    const changed = [...new Set([...Object.keys(olds), ...Object.keys(news)])]
        .filter((key) => !key.startsWith("__") && !isDeepStrictEqual(olds[key], news[key]))
        .sort();
    const replaces = changed.filter((key) => isReplacing(type, key, olds, news));
    // What has a name of the program's own cannot be there twice.
    const name = nameProperty(type);
    const named = name !== undefined && news[name] !== undefined && !isChosen(news, name);
    const deletedFirst = named || DELETED_FIRST.includes(short(type));
    return { changed, replaces, deleteBeforeReplace: replaces.length > 0 && deletedFirst };
}

function isReplacing(type: string, key: string, olds: Properties, news: Properties): boolean {
    if (key === "region") return true;
    const kind = short(type);
    if (kind === "ec2:Instance" && key.startsWith("userData") && key !== "userDataReplaceOnChange") {
        return news.userDataReplaceOnChange === true;
    }
    if (kind === "ecs:Service" && key === "capacityProviderStrategies")
        return news.forceNewDeployment !== true;
    const replacing = REPLACING[kind] ?? (kind.startsWith("s3:") ? ["bucket"] : ["name"]);
    if (!Array.isArray(replacing)) return !replacing.allBut.includes(key);
    return replacing.some((where) => {
        const steps = where.split(".");
        return steps[0] === key && !isDeepStrictEqual(at(olds, steps), at(news, steps));
    });
}

/** What a path leads to. */
function at(value: any, [step, ...steps]: string[]): unknown {
    if (step === undefined || value === undefined) return value;
    if (!step.endsWith("[]")) return at(value[step], steps);
    return (value[step.slice(0, -2)] as unknown[] | undefined)?.map((item) => at(item, steps));
}
