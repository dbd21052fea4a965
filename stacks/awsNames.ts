/** Letters that AWS leaves for the first part of a name: of the 32 of a load balancer, Decanter and Pulumi put 18 behind it. */
const MOST = 14;

/**
 * First part of the names of a stack's resources on AWS, which no setting changes. AWS takes only letters, digits and hyphens in
 * many of them, no two hyphens in a row, and neither `internal-` nor `sg-` at the beginning.
 */
export function awsName(project: string, stack: string): string {
    return cut(`${project}-${stack}`.replace(/^(?=(internal|sg)\W)/i, "a-"), MOST);
}

/** What Decanter before 2026-11-26 had as this first part. */
export function formerAwsName(release: string): string {
    return release.toLowerCase().replaceAll("_", "-").slice(0, 14).replace(/-+$/, "");
}

/** A name of letters, digits and single hyphens, none of them at an end. */
export function cut(name: string, most: number): string {
    const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
    return words.join("-").slice(0, most).replace(/-$/, "");
}
