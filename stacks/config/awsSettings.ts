import * as pulumi from "@pulumi/pulumi";
import type { NetworkArgs } from "../../components/aws/network";
import { readNetwork } from "./networkSettings";
import { set, type Settings } from "./settingsReader";

/** The settings of a stack on AWS, whichever target. */
export interface AwsSettings {
    readonly region: string;
    readonly network: Readonly<NetworkArgs>;
    readonly zoneId?: string;
    readonly protect: boolean;
    readonly logDays: number;
    readonly keepFor: string[];
    readonly archiveDays: number;
}

/** The settings of the target `fargate`. */
export interface FargateSettings extends AwsSettings {
    readonly certificateArn?: string;
    readonly accessLogDays: number;
    readonly maxReplicas: number;
    readonly scaleCpuPercent: number;
    readonly scaleRequests: number;
    readonly spot: boolean;
    readonly strategy: "rolling" | "blue-green";
    readonly clustering: "none" | "together" | "apart";
    readonly console: boolean;
    readonly taskPolicyArns: string[];
}

/** The settings of the target `floating-ip`. */
export interface HostSettings extends AwsSettings {
    readonly ami: string;
    readonly instanceType: string;
    readonly diskGb: number;
    readonly tlsCertificate?: pulumi.Output<string>;
}

/** How long AWS keeps logs, in days: no other number of days is accepted. */
const LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731];

/** Fargate's sizes: memory in MiB that a number of CPUs may have. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html */
const SIZES = new Map([
    ["0.25", [512, 1024, 2048]],
    ["0.5", steps(1024, 4096, 1024)],
    ["1", steps(2048, 8192, 1024)],
    ["2", steps(4096, 16_384, 1024)],
    ["4", steps(8192, 30_720, 1024)],
    ["8", steps(16_384, 61_440, 4096)],
    ["16", steps(32_768, 122_880, 8192)],
]);

/** Reads and checks the settings of the target `fargate`. */
export function readFargate(settings: Settings, secrets: Record<string, string>): FargateSettings {
    const certificateArn = settings.optionalMatching(
        "certificateArn",
        /^arn:aws[\w-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
        "must be the ARN of a certificate in ACM",
        "arn:aws:acm:eu-central-1:123456789012:certificate/...",
    );
    if (certificateArn === undefined && settings.optional("zoneId") === undefined) {
        const rule = "must be set for a certificate to be made, or certificateArn to one that is there";
        settings.refuseUnseen("zoneId", rule, set("zoneId", "Z0123456789ABCDEFGHIJ"));
    }
    const cpus = settings.text("cpus");
    const memoryMb = Number(settings.text("memoryMb"));
    const sizes = SIZES.get(cpus);
    if (sizes === undefined) {
        const rule = `must be one of Fargate's: ${[...SIZES.keys()].join(", ")}`;
        settings.refuse("cpus", rule, cpus, set("cpus", "0.5"));
    } else if (!sizes.includes(memoryMb)) {
        const rule = `must be one of Fargate's for ${cpus} CPUs: ${sizes.join(", ")}`;
        settings.refuse("memoryMb", rule, memoryMb, set("memoryMb", sizes[0] ?? 0));
    }
    const drain = Number(settings.text("drainSeconds"));
    if (drain > 120) {
        settings.refuse("drainSeconds", "must be 120 at most on Fargate", drain, set("drainSeconds", 120));
    }
    const replicas = Number(settings.text("replicas"));
    const maxReplicas = settings.whole("maxReplicas", 0, 1000, 0);
    if (maxReplicas > 0 && maxReplicas < replicas) {
        const rule = `must be 0, or at least replicas (${replicas})`;
        settings.refuse("maxReplicas", rule, maxReplicas, set("maxReplicas", replicas * 2));
    }
    const strategy = settings.oneOf("strategy", ["rolling", "blue-green"]);
    const scaleRequests = settings.whole("scaleRequests", 0, 1_000_000, 1000);
    if (strategy === "blue-green" && scaleRequests > 0) {
        // AWS counts requests by target group, and every deploy changes to the other one.
        const rule = "must be 0 with the strategy blue-green";
        settings.refuse("scaleRequests", rule, scaleRequests, set("scaleRequests", 0));
    }
    return {
        ...readAws(settings, secrets),
        certificateArn,
        accessLogDays: settings.whole("accessLogDays", 0, 3650, 90),
        maxReplicas,
        scaleCpuPercent: settings.whole("scaleCpuPercent", 0, 100, 60),
        scaleRequests,
        spot: settings.flag("spot"),
        strategy,
        clustering: settings.oneOf("clustering", ["none", "together", "apart"]),
        console: settings.flag("console"),
        taskPolicyArns: settings.list(
            "taskPolicyArns",
            /^arn:aws[\w-]*:iam::(\d{12}|aws):policy\/\S+$/,
            "ARNs of policies in IAM",
            "arn:aws:iam::123456789012:policy/uploads",
        ),
    };
}

/** Reads and checks the settings of the target `floating-ip`. */
export function readHost(settings: Settings, secrets: Record<string, string>): HostSettings {
    const replicas = settings.text("replicas");
    if (replicas !== "1") {
        settings.refuse("replicas", "must be 1 with one host", replicas, set("replicas", 1));
    }
    const natGateways = settings.text("natGateways");
    if (natGateways !== "0") {
        const rule = "must be 0 with a floating IP, as its host is in a public subnet";
        settings.refuse("natGateways", rule, natGateways, set("natGateways", 0));
    }
    const certificate = settings.optional("tlsCertificate");
    const setCertificate = "pulumi config set --secret tlsCertificate < chain-and-key.pem";
    settings.mustBeSecret("tlsCertificate", certificate !== undefined, setCertificate);
    if (certificate !== undefined && !isCertificate(certificate)) {
        const rule = "must be a certificate with its chain, and its private key, as PEM";
        settings.refuseUnseen("tlsCertificate", rule, setCertificate);
    }
    const cpu = settings.text("platform") === "linux/arm64" ? "arm64" : "x86_64";
    const latest = `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${cpu}`;
    return {
        ...readAws(settings, secrets),
        ami: settings.matching(
            "ami",
            /^ami-[0-9a-f]{8,17}$/,
            "must be the id of an image of Amazon Linux 2023 in the stack's region",
            `"$(aws ssm get-parameter --name ${latest} --query Parameter.Value --output text)"`,
        ),
        instanceType: settings.matching(
            "instanceType",
            /^[a-z0-9-]+\.[a-z0-9]+$/,
            "must be a type of EC2 instance",
            cpu === "arm64" ? "t4g.small" : "t3.small",
        ),
        diskGb: settings.whole("diskGb", 8, 16_384, 20),
        tlsCertificate: certificate === undefined ? undefined : pulumi.secret(certificate),
    };
}

function readAws(settings: Settings, secrets: Record<string, string>): AwsSettings {
    settings.oneOf("platform", ["linux/amd64", "linux/arm64"]);
    if (settings.text("domain") === "localhost") {
        settings.refuse("domain", "must be what visitors use", "localhost", set("domain", "www.example.com"));
    }
    if (settings.optional("registryAddress") !== undefined) {
        const rule = "must be empty on AWS, where the stack has a repository in ECR";
        settings.refuseUnseen("registryAddress", rule, "pulumi config rm registryAddress");
    }
    for (const [name, value] of Object.entries(secrets)) {
        const bytes = Buffer.byteLength(value);
        if (bytes >= 1 && bytes <= 8192) continue;
        const rule = `must have 1 to 8192 bytes for AWS's Parameter Store, and has ${bytes}`;
        settings.refuseUnseen(
            `secrets.${name}`,
            rule,
            `pulumi config set --secret --path secrets.${name} value`,
        );
    }
    const keepFor = settings.list("keepFor", /^[\w.-]+$/, "names of stacks", "prod");
    const keep = Number(settings.text("keepReleases"));
    // ECR's lifecycle policies have 50 rules at most, and each release takes one.
    const most = Math.floor(40 / (1 + keepFor.length));
    if (keep > most) {
        const whose = keepFor.length > 0 ? ` with ${keepFor.length} in keepFor` : "";
        settings.refuse(
            "keepReleases",
            `must be ${most} at most on AWS${whose}`,
            keep,
            set("keepReleases", 5),
        );
    }
    const region = /^[a-z]{2}(-[a-z]+)+-\d$/;
    const logDays = settings.whole("logDays", 1, 731, 30);
    if (!LOG_DAYS.includes(logDays)) {
        settings.refuse("logDays", `must be one of ${LOG_DAYS.join(", ")}`, logDays, set("logDays", 30));
    }
    return {
        region: settings.matching("region", region, "must be a region of AWS", "eu-central-1"),
        network: readNetwork(settings),
        zoneId: settings.optionalMatching(
            "zoneId",
            /^Z[A-Z0-9]+$/,
            "must be the id of a hosted zone in Route 53",
            "Z0123456789ABCDEFGHIJ",
        ),
        protect: settings.flag("protect"),
        logDays,
        keepFor,
        archiveDays: settings.whole("archiveDays", 1, 3650, 365),
    };
}

function isCertificate(pem: string): boolean {
    return /-----BEGIN CERTIFICATE-----/.test(pem) && /-----BEGIN (\w+ )?PRIVATE KEY-----/.test(pem);
}

function steps(from: number, to: number, by: number): number[] {
    return Array.from({ length: (to - from) / by + 1 }, (_, index) => from + index * by);
}
