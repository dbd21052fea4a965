import { strict as assert } from "node:assert";
import { violations } from "../../policy/rules";
import type { Recorded } from "./mockPulumi";

/** The settings that a stack on AWS cannot be without, by target. */
export const fargateStack = {
    target: "fargate",
    region: "eu-central-1",
    domain: "www.example.com",
    zoneId: "Z1",
    platform: "linux/arm64",
    cpus: "0.5",
};
export const floatingIpStack = {
    target: "floating-ip",
    region: "eu-central-1",
    domain: "www.example.com",
    platform: "linux/arm64",
    ami: "ami-0123456789abcdef0",
};

/** Tests what holds for every stack on AWS, whatever its settings. */
export function itIsAnAwsStack(what: string, declared: () => Promise<Recorded[]>): void {
    it(`breaks no rule of the policy pack with ${what}`, async () => {
        const broken = (await declared())
            .filter(({ type }) => type.startsWith("aws:"))
            .flatMap(({ type, inputs }) => violations(type, inputs));
        assert.deepEqual(broken, []);
    });

    it(`has a parent for every resource but the log group, with ${what}`, async () => {
        const orphans = (await declared()).filter(
            ({ type, options }) => type.startsWith("aws:") && options?.parent === "",
        );
        assert.deepEqual(
            orphans.map(({ name, type }) => [name, type]),
            [["decanter-test", "aws:cloudwatch/logGroup:LogGroup"]],
        );
    });
}
