import type * as pulumi from "@pulumi/pulumi";

/** The role of what changes with every release; its resources had the release's bare name. */
const RELEASE = "release";

/**
 * Options for every component and resource of a stack, all of which are named by their role ("router", "release"), so that no
 * setting renames them. They take over what Decanter before 2026-11-26 named by the release ("hello-router", "hello").
 *
 * @param releases names of the releases whose resources the stack may still have
 */
export function namedByRole(releases: (string | undefined)[]): {
    transformations: pulumi.ResourceTransformation[];
} {
    const former = [...new Set(releases.filter((release) => release !== undefined))];
    // Every child gets aliases of its own: those that Pulumi derives from the parent are gone when an update was
    // interrupted between the two.
    const takeOver: pulumi.ResourceTransformation = ({ name, props, opts }) => {
        const aliases = former
            .map((release) => formerName(name, release))
            .filter((alias) => alias !== name)
            .map((alias) => ({ name: alias }));
        return { props, opts: { ...opts, aliases: [...(opts.aliases ?? []), ...aliases] } };
    };
    return { transformations: [takeOver] };
}

function formerName(name: string, release: string): string {
    const isOfRelease = name === RELEASE || name.startsWith(`${RELEASE}-`);
    return isOfRelease ? release + name.slice(RELEASE.length) : `${release}-${name}`;
}
