import * as path from "node:path";
import dockerignore from "@balena/dockerignore";

/**
 * Tells whether the rules of a .dockerignore leave a path out.
 *
 * A rule without a wildcard concerns the path that it names and what lies below. The others alone are tried on every path, so
 * thousands of such rules cost nothing.
 */
export function ignorer(rules: string): (name: string) => boolean {
    const all = rules
        .split("\n")
        .map((rule) => rule.trim())
        .filter((rule) => rule !== "" && !rule.startsWith("#"));
    const literal = new Map<string, number[]>();
    const wild: number[] = [];
    for (const [index, rule] of all.entries()) {
        const name = literalOf(rule);
        if (name === undefined) wild.push(index);
        else literal.set(name, [...(literal.get(name) ?? []), index]);
    }
    const known = new Map<string, ReturnType<typeof dockerignore>>();
    return (name) => {
        const indices = upwards(name).flatMap((each) => literal.get(each) ?? []);
        const key = indices.join();
        let ignore = known.get(key);
        if (ignore === undefined) {
            const some = [...wild, ...indices].sort((one, other) => one - other);
            ignore = dockerignore({ ignorecase: false }).add(some.map((index) => all[index] ?? ""));
            known.set(key, ignore);
        }
        return ignore.ignores(name);
    };
}

/** The path that a rule without a wildcard names; undefined of another rule. */
function literalOf(rule: string): string | undefined {
    const pattern = rule.replace(/^!/, "");
    if (/[*?[]/.test(pattern.replace(/\\./g, ""))) return undefined;
    return path.posix.normalize(pattern.replace(/\\(.)/g, "$1")).replace(/^\/+|\/+$/g, "");
}

/** A path and those that it lies below. */
function upwards(name: string): string[] {
    const parts = name.split(path.sep);
    return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
