import type { LookupAddress } from "node:dns";
import * as dns from "node:dns/promises";

/** Looks up all addresses of a name. */
type Lookup = (name: string, options: { all: true }) => Promise<LookupAddress[]>;

/**
 * What is wrong with the records in DNS of names that visitors use, a line each, as this machine sees them: a CA that asks by http
 * asks where they lead. It is a hint, as DNS may say different things elsewhere.
 *
 * @param names host names; those with a wildcard are left out
 * @param host Docker host, such as `ssh://user@host`; with any other nothing is known of its address
 */
export async function namesThatLeadElsewhere(
    names: string[],
    host: string | undefined,
    lookup: Lookup = dns.lookup,
): Promise<string[]> {
    const server = host?.startsWith("ssh://") ? new URL(host).hostname.replace(/^\[|\]$/g, "") : undefined;
    if (server === undefined) return [];
    const addressesOf = async (name: string) =>
        (await lookup(name, { all: true }).catch(() => [])).map(({ address }) => address);
    const own = await addressesOf(server);
    if (own.length === 0) return [];
    const lines = names
        .filter((name) => !name.startsWith("*"))
        .map(async (name) => {
            const addresses = await addressesOf(name);
            if (addresses.some((address) => own.includes(address))) return [];
            const now = addresses.length === 0 ? "has no address" : `leads to ${addresses.join(", ")}`;
            return [
                `${name} ${now}, and the server ${server} is ${own.join(", ")}: give it a record in DNS with that`,
            ];
        });
    return (await Promise.all(lines)).flat();
}
