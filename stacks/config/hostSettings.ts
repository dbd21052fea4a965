import type * as pulumi from "@pulumi/pulumi";
import { type AwsSettings, readAws } from "./awsSettings";
import { readCertificate } from "./certificateSetting";
import type { CommonSettings } from "./commonSettings";
import { set, type SettingsReader } from "./settingsReader";

/** The settings of the target `floating-ip`. */
export interface HostSettings extends AwsSettings {
    readonly ami: string;
    readonly instanceType: string;
    readonly diskGb: number;
    readonly tlsCertificate?: pulumi.Output<string>;
}

/** Reads and checks the settings of the target `floating-ip`. */
export function readHost(settings: SettingsReader, common: CommonSettings): HostSettings {
    if (common.replicas !== 1) {
        settings.refuse("replicas", "must be 1 with one host", common.replicas, set("replicas", 1));
    }
    const natGateways = settings.text("natGateways");
    if (natGateways !== "0") {
        const rule = "must be 0 with a floating IP, as its host is in a public subnet";
        settings.refuse("natGateways", rule, natGateways, set("natGateways", 0));
    }
    const cpu = settings.text("platform") === "linux/arm64" ? "arm64" : "x86_64";
    const latest = `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${cpu}`;
    return {
        ...readAws(settings, common),
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
        tlsCertificate: readCertificate(settings),
    };
}
