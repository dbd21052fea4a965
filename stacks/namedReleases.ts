import type { Release } from "./outputs";

/** The releases of a stack's outputs, each by its name: Decanter before 2026-11-26 knew one for all, which the console's command holds. */
export function namedReleases({ releases, console }: { releases?: Release[]; console?: string }): Release[] {
    const [, only = ""] = /bin\/(\S+) remote/.exec(console ?? "") ?? [];
    return (releases ?? []).map((one) => ({ ...one, release: one.release ?? only }));
}
