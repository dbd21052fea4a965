export interface HealthCheckArgs {
    /** Port that the release listens on. */
    port: number;
    /** Path that answers 200 once the release can take requests. */
    path: string;
    /**
     * Host name that is asked for it.
     *
     * @default localhost
     */
    host?: string;
}

/** A health check as Docker has it. */
export interface HealthCheck {
    /** The command, after Docker's word for how to run it. */
    tests: ["CMD", ...string[]];
    interval: string;
    timeout: string;
    retries: number;
}

/**
 * The health check of a release, run inside its container: `GET path` has to answer 200. It needs bash and nothing else,
 * because slim images have neither curl nor wget. What it prints is the answer's status, and the health gate shows it.
 */
export function healthCheck({ port, path, host = "localhost" }: HealthCheckArgs): HealthCheck {
    // A release that forces https takes the check for a request that came through TLS.
    const request = `GET ${path} HTTP/1.1\\r\\nHost: ${host}\\r\\nX-Forwarded-Proto: https\\r\\nConnection: close\\r\\n\\r\\n`;
    const script = [
        `{ { exec 3<>/dev/tcp/127.0.0.1/${port}; } 2>/dev/null || { echo "nothing listens on port ${port}"; exit 1; }; }`,
        `printf '${request}' >&3`,
        `read -r _ status <&3`,
        `echo "GET ${path} answered $status"`,
        `[ "\${status%%[^0-9]*}" = 200 ]`,
    ].join(" && ");
    return { tests: ["CMD", "/bin/bash", "-c", script], interval: "1s", timeout: "5s", retries: 3 };
}
