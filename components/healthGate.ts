import { setTimeout as sleep } from "node:timers/promises";
import { containerLog, docker } from "./docker";

/** The part of `docker inspect` that tells how a container is. */
interface ContainerState {
    Name: string;
    State: {
        Status: string;
        ExitCode: number;
        OOMKilled: boolean;
        Health?: { Status: string; Log?: { Output: string }[] | null };
    };
}

export interface HealthGateArgs {
    /** Names of the containers that have to become healthy. */
    containers: string[];
    /** How long they may take, in seconds. */
    bootSeconds: number;
    /** Values that no error shows. */
    secrets: string[];
    /** Docker host. */
    host?: string;
}

/**
 * Waits until every container is healthy. Throws when one stops, which it notices at once, or when the time is over; the
 * error says what the last check got for an answer and shows the last lines of the container's log.
 */
export async function healthGate({ containers, bootSeconds, secrets, host }: HealthGateArgs): Promise<void> {
    const deadline = Date.now() + bootSeconds * 1000;
    for (;;) {
        const states = await inspect(host, containers);
        const late = Date.now() > deadline;
        for (const state of states) {
            const problem = stopped(state) ?? (late ? unhealthy(state, bootSeconds) : undefined);
            if (problem === undefined) continue;
            const name = state.Name.replace(/^\//, "");
            throw new Error(
                `the new release is not healthy, so it gets no traffic and the old one serves on: ` +
                    `container ${name} ${problem}. Its last lines:\n${await containerLog(host, name, secrets)}`,
            );
        }
        if (states.every(({ State }) => State.Health?.Status === "healthy")) return;
        await sleep(200);
    }
}

async function inspect(host: string | undefined, containers: string[]): Promise<ContainerState[]> {
    const { code, stdout, output } = await docker(host, ["container", "inspect", ...containers]);
    if (code !== 0)
        throw new Error(`the containers of the new release cannot be looked at: ${output.trim()}`);
    return JSON.parse(stdout) as ContainerState[];
}

/** What became of a container that does not run; Docker starts it again, and it would stop again. */
function stopped({ State }: ContainerState): string | undefined {
    if (!["restarting", "exited", "dead"].includes(State.Status)) return undefined;
    if (State.OOMKilled) return "was killed because it used more memory than its limit (memoryMb)";
    return `stopped at boot with exit code ${State.ExitCode}`;
}

function unhealthy({ State }: ContainerState, bootSeconds: number): string | undefined {
    if (State.Health?.Status === "healthy") return undefined;
    const answer = State.Health?.Log?.at(-1)?.Output.trim() ?? "no check has ended";
    return `did not become healthy within ${bootSeconds} s (bootSeconds); the last check said: ${answer}`;
}
