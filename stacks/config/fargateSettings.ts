import type { TaskLimits } from "../../components/fargate/taskContainer";
import { type AwsSettings, readAws } from "./awsSettings";
import type { CommonSettings } from "./commonSettings";
import { set, type SettingsReader } from "./settingsReader";

/** The settings of the target `fargate`. */
export interface FargateSettings extends AwsSettings {
    readonly limits: TaskLimits;
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
export function readFargate(settings: SettingsReader, common: CommonSettings): FargateSettings {
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
    const { replicas, drainSeconds, health } = common;
    if (health.host !== "localhost") {
        const rule = "must be localhost on Fargate, whose load balancer asks each replica by its address";
        settings.refuse("healthHost", rule, health.host, "pulumi config rm healthHost");
    }
    const { cpus = "0", memoryMb = 0 } = common.limits;
    const sizes = SIZES.get(cpus);
    if (sizes === undefined) {
        const rule = `must be one of Fargate's: ${[...SIZES.keys()].join(", ")}`;
        settings.refuse("cpus", rule, cpus, set("cpus", "0.5"));
    } else if (!sizes.includes(memoryMb)) {
        const rule = `must be one of Fargate's for ${cpus} CPUs: ${sizes.join(", ")}`;
        settings.refuse("memoryMb", rule, memoryMb, set("memoryMb", sizes[0] ?? 0));
    }
    if (drainSeconds > 120) {
        const rule = "must be 120 at most on Fargate";
        settings.refuse("drainSeconds", rule, drainSeconds, set("drainSeconds", 120));
    }
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
        ...readAws(settings, common),
        limits: { ...common.limits, cpus, memoryMb },
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

function steps(from: number, to: number, by: number): number[] {
    return Array.from({ length: (to - from) / by + 1 }, (_, index) => from + index * by);
}
