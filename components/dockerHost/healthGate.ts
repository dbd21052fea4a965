import { setTimeout as sleep } from "node:timers/promises";
import type { DockerHost } from "../docker/dockerHost";
import { type ContainerState, inspect, lastCheck, report, stopped } from "./containerReport";

export interface HealthGateArgs {
    /** Names of the containers that have to become healthy. */
    containers: string[];
    /** How long they may take, in seconds. */
    bootSeconds: number;
    /** How long they have to stay healthy then, in seconds. */
    bakeSeconds: number;
    /** Values that no error shows. */
    secrets: string[];
    /** Docker host. */
    host: DockerHost;
}

/**
 * Waits until every container is healthy and has stayed so. Throws when one stops, which it notices at once, or when the
 * time is over; the error says what the last check got for an answer and shows the last lines of the container's log.
 */
export async function healthGate(args: HealthGateArgs): Promise<void> {
    const { containers, bootSeconds, bakeSeconds, secrets, host } = args;
    const deadline = Date.now() + bootSeconds * 1000;
    const first = await inspect(host, containers);
    let healthySince: number | undefined;
    for (let states = first; ; states = await inspect(host, containers)) {
        const late = Date.now() > deadline;
        for (const [index, state] of states.entries()) {
            const problem =
                (await stopped(host, state, first[index]?.RestartCount)) ??
                (healthySince !== undefined ? noLonger(state) : late ? never(state, bootSeconds) : undefined);
            if (problem === undefined) continue;
            throw new Error(
                `the new release is not healthy, so it gets no traffic: ${await report(host, state, problem, secrets)}`,
            );
        }
        if (states.every(isHealthy)) {
            healthySince ??= Date.now();
            if (Date.now() - healthySince >= bakeSeconds * 1000) return;
        }
        await sleep(200);
    }
}

function isHealthy({ State }: ContainerState): boolean {
    return State.Health?.Status === "healthy";
}

function noLonger(state: ContainerState): string | undefined {
    return isHealthy(state)
        ? undefined
        : `was healthy and is so no more (bakeSeconds); the last check said: ${lastCheck(state)}`;
}

function never(state: ContainerState, bootSeconds: number): string | undefined {
    return isHealthy(state)
        ? undefined
        : `did not become healthy within ${bootSeconds} s (bootSeconds); the last check said: ${lastCheck(state)}`;
}
