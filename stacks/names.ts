import type * as pulumi from "@pulumi/pulumi";
import type { SettingsReader } from "./config/settingsReader";

/** The role of what changes with every release; its resources had the release's bare name. */
const RELEASE = "release";

/**
 * Options for every component and resource of a stack, all of which are named by their role ("router", "release"), so that no
 * setting renames them. They take over what Decanter before 2026-11-26 named by the release ("hello-router", "hello").
 *
 * @param releases names of the releases whose resources the stack may still have
 * @param role what they are replaced by where a name begins with it; it is put behind them where not
 */
export function namedByRole(
    releases: (string | undefined)[],
    role = RELEASE,
): {
    transformations: pulumi.ResourceTransformation[];
} {
    const former = [...new Set(releases.filter((release) => release !== undefined))];
    // Every child gets aliases of its own: those that Pulumi derives from the parent are gone when an update was
    // interrupted between the two.
    const takeOver: pulumi.ResourceTransformation = ({ name, props, opts }) => {
        const own = (opts.aliases ?? []) as pulumi.Alias[];
        const names = [name, ...own.flatMap((alias) => (typeof alias.name === "string" ? alias.name : []))];
        const aliases = former
            .flatMap((release) => names.map((each) => formerName(each, role, release)))
            .filter((alias) => alias !== name)
            .map((alias) => ({ name: alias }));
        return { props, opts: { ...opts, aliases: [...own, ...aliases] } };
    };
    return { transformations: [takeOver] };
}

function formerName(name: string, role: string, release: string): string {
    const isOfRole = name === role || name.startsWith(`${role}-`);
    return isOfRole ? release + name.slice(role.length) : `${release}-${name}`;
}

/** What follows a stack's name in the longest of its containers' names, which Docker's DNS finds: a label of a host name has 63. */
const ROLES = {
    replica: "-release-1-1234567",
    edgeRouter: "-edge-router-1234567",
    certificate: "-router-1234567-certificate",
};

/** Notes a problem where a stack's name cannot be the beginning of its containers' names (`pulumi:autonaming` in Pulumi.yaml). */
export function checkStackName(
    settings: SettingsReader,
    stack: string,
    { edge, https }: { edge?: string; https?: object } = {},
): void {
    const role = https ? ROLES.certificate : edge === undefined ? ROLES.replica : ROLES.edgeRouter;
    const most = 63 - role.length;
    if (stack.length <= most && /^[a-z0-9][\w-]*(\.[\w-]+)*$/i.test(stack)) return;
    const rule =
        `must be at most ${most} letters, digits, hyphens, underscores and single dots, with a letter or a digit first, as its ` +
        "containers' host names begin with it";
    settings.refuse("the stack's name", rule, stack, "pulumi stack rename my-stack");
}
