import type { NetworkArgs } from "../../components/aws/network";
import { set, type SettingsReader } from "./settingsReader";

/** Reads and checks the settings of a network on AWS: of one that is there, or of one to make. */
export function readNetwork(settings: SettingsReader): NetworkArgs {
    const subnets = [/^subnet-[0-9a-f]+$/, "ids of subnets", "subnet-0123456789abcdef0"] as const;
    const vpcId = settings.optionalMatching(
        "vpcId",
        /^vpc-[0-9a-f]+$/,
        "must be the id of a VPC",
        "vpc-0123456789abcdef0",
    );
    const publicSubnetIds = settings.list("publicSubnetIds", ...subnets);
    const privateSubnetIds = settings.list("privateSubnetIds", ...subnets);
    const zones = settings.whole("zones", 2, 6, 2);
    const natGateways = settings.whole("natGateways", 0, 6, 1);
    if (vpcId !== undefined) {
        if (publicSubnetIds.length < 2) {
            const rule = "must be two or more, in two zones, where vpcId is set";
            const remedy = "pulumi config set --path 'publicSubnetIds[0]' subnet-0123456789abcdef0";
            settings.refuse("publicSubnetIds", rule, publicSubnetIds, remedy);
        }
        return { existing: { vpcId, publicSubnetIds, privateSubnetIds } };
    }
    if (publicSubnetIds.length + privateSubnetIds.length > 0) {
        const rule = "must be set where there are subnets";
        settings.refuseUnseen("vpcId", rule, set("vpcId", "vpc-0123456789abcdef0"));
    }
    if (![0, 1, zones].includes(natGateways)) {
        const rule = `must be 0, 1, or one for each of the ${zones} zones`;
        settings.refuse("natGateways", rule, natGateways, set("natGateways", 1));
    }
    return { zones, natGateways };
}
