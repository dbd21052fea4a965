/** The settings that say where visitors of a Docker host arrive. */
export interface Visitors {
    /** Host name that is set, or its default. */
    domain: string;
    /** Address that the router listens on. */
    bindAddress: string;
}

/** The domain of a stack that has none. */
const DEFAULT = "localhost";

/**
 * The one host name by which visitors know a release on a Docker host: what the URL says, PHX_HOST, and so what Phoenix compares
 * the origin of a WebSocket with. It is the domain; without one it is the address that is bound, and `localhost` for the loopback
 * address that this stands for and for every address. Spelled as browsers spell it.
 */
export function visitorsHost({ domain, bindAddress }: Visitors): string {
    if (domain.toLowerCase() !== DEFAULT) return domain.toLowerCase();
    const address = new URL(`http://${bracketed(bindAddress)}`).hostname.replace(/^\[|\]$/g, "");
    return ["127.0.0.1", "::1", "0.0.0.0", "::"].includes(address) ? DEFAULT : address;
}

/** All names by which visitors know the release, the domain first. */
export function visitorsNames({
    domain,
    domainAliases,
}: {
    domain: string;
    domainAliases: string[];
}): string[] {
    return [...new Set([domain, ...domainAliases].map((name) => name.toLowerCase()))];
}

/** A host in a URL: an IPv6 address is in brackets there. */
export function bracketed(host: string): string {
    return host.includes(":") ? `[${host}]` : host;
}
