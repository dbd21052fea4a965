import { encryptionRules } from "./encryption";
import { hostRules } from "./hosts";
import { imageRules } from "./images";
import { networkRules } from "./network";
import { permissionRules } from "./permissions";
import { plain, type Rule } from "./properties";
import { secretRules } from "./secrets";

/** Every rule of the pack. */
export const rules: readonly Rule[] = [
    ...networkRules,
    ...encryptionRules,
    ...hostRules,
    ...permissionRules,
    ...imageRules,
    ...secretRules,
];

/**
 * What a resource does wrong, each with the name of its rule.
 *
 * @param type the resource's type, such as aws:ec2/instance:Instance
 * @param properties its inputs, as a program or Pulumi's mocks have them
 */
export function violations(type: string, properties: Record<string, unknown>): string[] {
    const given = plain(properties);
    return rules.flatMap(({ name, check }) => check(type, given).map((message) => `${name}: ${message}`));
}
