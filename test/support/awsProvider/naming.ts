import { randomBytes } from "node:crypto";
import type { Properties } from "./record";

/** A type in short: ec2:Instance for aws:ec2/instance:Instance. */
export function short(type: string): string {
    const [, module = "", name = ""] = type.split(":");
    return `${module.split("/")[0]?.replace("alb", "lb")}:${name}`;
}

/** Types that the real provider names, in short, with the property and the longest name. */
const NAMED: Record<string, { property: string; max?: number; form?: (name: string) => string }> = {
    "appautoscaling:Policy": { property: "name" },
    "autoscaling:Group": { property: "name" },
    "cloudwatch:EventRule": { property: "name", max: 64 },
    "cloudwatch:LogGroup": { property: "name" },
    "cloudwatch:MetricAlarm": { property: "name" },
    "ec2:LaunchTemplate": { property: "name" },
    "ec2:SecurityGroup": { property: "name" },
    "ecr:Repository": { property: "name", form: (name) => name.toLowerCase() },
    "ecs:Cluster": { property: "name" },
    "ecs:Service": { property: "name" },
    "iam:InstanceProfile": { property: "name" },
    "iam:Policy": { property: "name" },
    "iam:Role": { property: "name", max: 64 },
    "iam:RolePolicy": { property: "name" },
    "kms:Alias": { property: "name", form: (name) => `alias/${name}` },
    "lambda:Function": { property: "name", max: 64 },
    "lb:LoadBalancer": { property: "name", max: 32 },
    "lb:TargetGroup": { property: "name", max: 32 },
    "s3:Bucket": { property: "bucket", max: 63, form: (name) => name.toLowerCase() },
    "secretsmanager:Secret": { property: "name" },
    "servicediscovery:PrivateDnsNamespace": { property: "name" },
    "servicediscovery:Service": { property: "name" },
    "sns:Topic": { property: "name" },
    "sqs:Queue": { property: "name" },
    "ssm:Parameter": { property: "name" },
};

/** The property that holds a resource's name in AWS. */
export function nameProperty(type: string): string | undefined {
    return NAMED[short(type)]?.property;
}

/** Inputs with a name, as the real provider's check gives them: `__defaults` says which it has chosen. */
export function withName(type: string, name: string, olds: Properties, news: Properties): Properties {
    const naming = NAMED[short(type)];
    if (naming === undefined) return { ...news, __defaults: [] };
    const { property, max = 255, form = (text: string) => text } = naming;
    if (news[property] !== undefined || news[`${property}Prefix`] !== undefined)
        return { ...news, __defaults: [] };
    const chosen = `${name.slice(0, max - 8)}-${randomBytes(4).toString("hex").slice(0, 7)}`;
    const kept = isChosen(olds, property) ? (olds[property] as string) : form(chosen);
    return { ...news, [property]: kept, __defaults: [property] };
}

/** Whether the provider has chosen a property itself. */
export function isChosen(inputs: Properties, property: string): boolean {
    return ((inputs.__defaults ?? []) as string[]).includes(property);
}
