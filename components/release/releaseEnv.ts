export interface ReleaseEnvArgs {
    /** Port that the release listens on. */
    port: number;
    /** Host name that visitors use. */
    domain: string;
    /** The app's own variables; they win over every default. */
    env?: Record<string, string>;
}

/** Variables in the order of their names, which is the same in every deploy. */
export function sortedVariables(variables: Record<string, string>): [name: string, value: string][] {
    return Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The plain environment of a release, the same on every target. The secret part is `ReleaseSecrets`. */
export function releaseEnv({ port, domain, env = {} }: ReleaseEnvArgs): Record<string, string> {
    return {
        PORT: `${port}`,
        // Phoenix starts its listener only with it; without it a release boots and never answers.
        PHX_SERVER: "true",
        // Phoenix refuses WebSockets whose origin has a different host, and browsers spell that in lower case.
        PHX_HOST: domain.toLowerCase(),
        // The root file system is read-only.
        RELEASE_TMP: "/tmp",
        // The VM sizes its table of ports by the limit on open files, which Docker may set to a thousand million: that
        // would cost gigabytes. Schedulers that wait busily use up a CPU quota.
        ERL_FLAGS: "+Q 65536 +sbwt none +sbwtdcpu none +sbwtdio none",
        // A dump holds the heap, secrets included, and delays the restart.
        ERL_CRASH_DUMP_BYTES: "0",
        ...env,
    };
}
