import { mustBe, mustBeWhole } from "./arguments";

/** How a release tells that it can take requests, and how long it has for that. */
export interface Health {
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
    /**
     * How long the release may take to become healthy, in seconds.
     *
     * @default 60
     */
    bootSeconds?: number;
    /**
     * How long the release has to stay healthy before it gets the traffic, and then again with the traffic before the
     * old one goes, in seconds.
     *
     * @default 3
     */
    bakeSeconds?: number;
}

/** The health of a release, with the default of what is not said. */
export function wholeHealth(health: Health): Required<Health> {
    const { port, path, host = "localhost", bootSeconds = 60, bakeSeconds = 3 } = health;
    return { port, path, host, bootSeconds, bakeSeconds };
}

/** What a port and times may be, of a component and of a stack. */
export const HEALTH_BOUNDS = { port: [1, 65535], bootSeconds: [1, 3600], bakeSeconds: [0, 3600] } as const;

/** What a path may be: it stands in a shell script and in the router's configuration. */
export const HEALTH_PATH = /^\/[\w./~?=&-]*$/;

/** Throws where the health of a component's release cannot be: a port, a path, times. */
export function checkHealth({ port, path, bootSeconds, bakeSeconds }: Health, component: string): void {
    mustBeWhole(port, HEALTH_BOUNDS.port, component, "health.port");
    mustBe(
        HEALTH_PATH.test(path),
        component,
        "health.path",
        "a path that begins with /, without quotes and spaces",
        path,
    );
    mustBeWhole(bootSeconds, HEALTH_BOUNDS.bootSeconds, component, "health.bootSeconds");
    mustBeWhole(bakeSeconds, HEALTH_BOUNDS.bakeSeconds, component, "health.bakeSeconds");
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
export function healthCheck(health: Health): HealthCheck {
    const { port, path, host } = wholeHealth(health);
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
