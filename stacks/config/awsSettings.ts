import type { NetworkArgs } from "../../components/aws/network";
import type { CommonSettings } from "./commonSettings";
import { readNetwork } from "./networkSettings";
import { set, type SettingsReader } from "./settingsReader";

/** The settings of a stack on AWS, whichever target. */
export interface AwsSettings {
    readonly region: string;
    readonly network: Readonly<NetworkArgs>;
    /** CPU that the image is for: `linux/amd64` or `linux/arm64`. */
    readonly platform: string;
    readonly zoneId?: string;
    readonly protect: boolean;
    readonly logDays: number;
    readonly keepFor: string[];
    readonly archiveDays: number;
}

/** How long AWS keeps logs, in days: no other number of days is accepted. */
const LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731];

/** Reads and checks the settings that both targets on AWS have. */
export function readAws(settings: SettingsReader, common: CommonSettings): AwsSettings {
    const platform = settings.oneOf("platform", ["linux/amd64", "linux/arm64"]);
    if (common.domain === "localhost") {
        settings.refuse("domain", "must be what visitors use", "localhost", set("domain", "www.example.com"));
    }
    if (common.registry !== undefined) {
        const rule = "must be empty on AWS, where the stack has a repository in ECR";
        settings.refuseUnseen("registryAddress", rule, "pulumi config rm registryAddress");
    }
    for (const [name, bytes] of Object.entries(common.secretSizes)) {
        if (bytes >= 1 && bytes <= 8192) continue;
        const rule = `must have 1 to 8192 bytes for AWS's Parameter Store, and has ${bytes}`;
        settings.refuseUnseen(
            `secrets.${name}`,
            rule,
            `pulumi config set --secret --path secrets.${name} value`,
        );
    }
    const keepFor = settings.list("keepFor", /^[\w.-]+$/, "names of stacks", "prod");
    const keep = common.keepReleases;
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
        platform,
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
