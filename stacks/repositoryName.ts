import { createHash } from "node:crypto";

/** A part of a repository's path: https://github.com/distribution/reference */
const COMPONENT = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;

/**
 * Name of a release's repository in a registry: the release's own, where a registry takes it. Mix takes names that registries
 * do not, such as `shop_` and `a___b`; these lose what is too much and get a hash of all of it, so that no two are the same.
 */
export function repositoryName(release: string): string {
    if (COMPONENT.test(release) && release.length <= 128) return release;
    const hash = createHash("sha256").update(release).digest("hex").slice(0, 8);
    const words = release.toLowerCase().match(/[a-z0-9]+/g) ?? [];
    return [words.join("_").slice(0, 100).replace(/_$/, ""), hash].filter((part) => part !== "").join("-");
}
