import * as pulumi from "@pulumi/pulumi";
import { SLOT_SIZE } from "../../components/dockerHost/slotSize";
import { checkStackName } from "../names";
import { type CommonSettings, readCommon } from "./commonSettings";
import { type FargateSettings, readFargate } from "./fargateSettings";
import { type HostSettings, readHost } from "./hostSettings";
import { type HttpsSettings, readHttps } from "./httpsSettings";
import { set, SettingsReader } from "./settingsReader";

/** The settings of a stack, checked. Pulumi.yaml describes each and holds the defaults. */
export type Config = CommonSettings & TargetSettings;

/** What differs between the targets. */
export type TargetSettings =
    | { readonly target: "docker"; readonly https?: HttpsSettings }
    | { readonly target: "fargate"; readonly aws: FargateSettings }
    | { readonly target: "floating-ip"; readonly aws: HostSettings };

/** The settings of one target. */
export type ConfigOf<Target extends Config["target"]> = CommonSettings &
    Extract<TargetSettings, { target: Target }>;

/**
 * Reads and checks every setting of the stack, and reports all that is wrong at once. Nothing else reads the stack's
 * configuration.
 */
export function readConfig(source = new pulumi.Config()): Config {
    const settings = new SettingsReader(source);
    const target = settings.oneOf("target", ["docker", "fargate", "floating-ip"]);
    const common = readCommon(settings, target === "docker" ? SLOT_SIZE : 1000);
    const config: Config = { ...common, ...readTarget(settings, target, common) };
    if (target === "docker") checkStackName(settings, pulumi.getStack());
    settings.finish();
    return config;
}

function readTarget(
    settings: SettingsReader,
    target: Config["target"],
    common: CommonSettings,
): TargetSettings {
    if (target !== "docker" && settings.text("https") === "acme") {
        const own = target === "fargate" ? "AWS has certificates, see zoneId" : "a host takes tlsCertificate";
        settings.refuse(
            "https",
            `must be none with the target ${target}: ${own}`,
            "acme",
            set("https", "none"),
        );
    }
    switch (target) {
        case "fargate":
            return { target, aws: readFargate(settings, common) };
        case "floating-ip":
            return { target, aws: readHost(settings, common) };
        default:
            return { target, https: readHttps(settings, common.domain) };
    }
}
