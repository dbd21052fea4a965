import * as pulumi from "@pulumi/pulumi";

/**
 * Throws where an argument of a component is not what it has to be. Call it before `super`, so that nothing is declared then.
 *
 * @param component type and name, such as `DockerService web`
 * @param rule what the argument must be, such as `a path that begins with /`
 * @param given its value, which is shown: never that of a secret
 */
export function mustBe(
    isGood: boolean,
    component: string,
    argument: string,
    rule: string,
    given: unknown,
): void {
    if (!isGood)
        throw new pulumi.RunError(`${component}: ${argument} must be ${rule}, got ${JSON.stringify(given)}`);
}

/** As `mustBe`, for a whole number within bounds. Without one there is nothing to check. */
export function mustBeWhole(
    given: number | undefined,
    [least, most]: readonly [least: number, most: number],
    component: string,
    argument: string,
): void {
    const isGood = given === undefined || (Number.isInteger(given) && given >= least && given <= most);
    mustBe(isGood, component, argument, `a whole number from ${least} to ${most}`, given);
}
