import * as pulumi from "@pulumi/pulumi";
import { SLOT_SIZE } from "../../components/dockerHost/slotSize";
import { checkStackName } from "../names";
import { visitorsNames } from "../visitors";
import { type CommonSettings, readCommon } from "./commonSettings";
import { type EdgeSettings, readEdge, readEdgeName } from "./edgeSettings";
import { type FargateSettings, readFargate } from "./fargateSettings";
import { type HostSettings, readHost } from "./hostSettings";
import { type HttpsSettings, readHttps } from "./httpsSettings";
import { set, SettingsReader } from "./settingsReader";

/** The settings of a stack with an app, checked. Pulumi.yaml describes each and holds the defaults. */
export type Config = CommonSettings & TargetSettings;

/** What differs between the targets. */
export type TargetSettings =
    | {
          readonly target: "docker";
          readonly https?: HttpsSettings;
          /** The edge in front of the router, by its name. */
          readonly edge?: string;
      }
    | { readonly target: "fargate"; readonly aws: FargateSettings }
    | { readonly target: "floating-ip"; readonly aws: HostSettings };

/** The settings of one target. */
export type ConfigOf<Target extends Config["target"]> = CommonSettings &
    Extract<TargetSettings, { target: Target }>;

/** Where a stack runs; `edge` has no app. */
const TARGETS = ["docker", "fargate", "floating-ip", "edge"] as const;

/**
 * Reads and checks every setting of the stack, and reports all that is wrong at once. Nothing else reads the stack's
 * configuration.
 */
export function readConfig(source = new pulumi.Config()): Config {
    const settings = new SettingsReader(source);
    const target = settings.oneOf("target", TARGETS) as Config["target"];
    const common = readCommon(settings, target === "docker" ? SLOT_SIZE : 1000);
    const config: Config = { ...common, ...readTarget(settings, target, common) };
    settings.finish();
    return config;
}

/** As `readConfig`, for a stack with the target `edge`; undefined for any other, of which it reads nothing. */
export function readEdgeConfig(source = new pulumi.Config()): EdgeSettings | undefined {
    const settings = new SettingsReader(source);
    if (settings.text("target") !== "edge") return undefined;
    const config = readEdge(settings);
    checkStackName(settings, pulumi.getStack());
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
    const edge = readEdgeName(settings, common.domain);
    if (target !== "docker" && edge !== undefined) {
        const rule = `must be empty with the target ${target}: an edge is on a Docker host`;
        settings.refuse("edge", rule, edge, "pulumi config rm edge");
    }
    switch (target) {
        case "fargate":
            return { target, aws: readFargate(settings, common) };
        case "floating-ip":
            return { target, aws: readHost(settings, common) };
        default: {
            const https = readHttps(settings, visitorsNames(common));
            checkStackName(settings, pulumi.getStack(), { edge, https });
            return { target, https, edge };
        }
    }
}
