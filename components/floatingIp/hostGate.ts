import { setTimeout as sleep } from "node:timers/promises";
import { missingVariable } from "../release/logExcerpt";
import { FAILED, HEALTHY, HostTalk, type HostTalkArgs, SERVES, STOPPED } from "./hostTalk";

/** Lines of a host that an error shows. */
const LINES = 30;

export interface HostGateArgs extends HostTalkArgs {
    /** How long the host may take, in seconds. */
    seconds: number;
}

/**
 * Waits until a host says that its release is healthy. Throws when it says why that is not so, or when the time is over; the
 * host is told to stop the release then.
 *
 * Where an earlier deploy has refused the host, it is told to try again: the cause may have been mended elsewhere.
 */
export async function hostGate(args: HostGateArgs): Promise<void> {
    const talk = new HostTalk(args);
    try {
        await healthy(talk, args);
    } catch (error) {
        // Also after a failure: what fails in the network is tried again, and would end in a release that runs.
        throw new Error(`${(error as Error).message}\n${await stopRelease(talk)}`, { cause: error });
    } finally {
        talk.close();
    }
}

/** Tells a host to stop its release, which it does unless it has the address. Gives what becomes of the release. */
export async function stopRelease(talk: HostTalk): Promise<string> {
    try {
        await talk.say("decanter: stop");
        return "The host stops the release, keeps it for docker logs, and waits for the next pulumi up.";
    } catch (error) {
        return (
            "The host stops the release by itself only where it fails, or the address does not come to it: " +
            (error as Error).message
        );
    }
}

async function healthy(talk: HostTalk, { region, instanceId, seconds }: HostGateArgs): Promise<void> {
    const refused = (problem: string) =>
        new Error(`the new host ${instanceId} does not get the address: ${problem}`);
    const deadline = Date.now() + seconds * 1000;
    const all = await talk.hear();
    const before = lastState(all);
    const isStopped = (await talk.lastWord()) === "decanter: stop";
    if (before === SERVES || (before === HEALTHY && !isStopped)) return;
    // It may have heard the stop or not: to a start it answers with what has become of it.
    if (before !== undefined || isStopped) await talk.say("decanter: start");
    for (;;) {
        if (Date.now() > deadline) {
            const late = `it did not get healthy within ${seconds} s. `;
            throw refused(late + lastWords(all, `--region ${region} --instance-id ${instanceId}`));
        }
        await sleep(1000);
        const said = await talk.hear();
        all.push(...said);
        const state = lastState(said);
        if (state === HEALTHY || state === SERVES) return;
        if (state?.startsWith(FAILED)) throw refused(explained(state));
    }
}

/** What the host has said last about its release; undefined while it has said nothing about it. */
function lastState(said: string[]): string | undefined {
    const states = [HEALTHY, SERVES, FAILED, STOPPED];
    return said.filter((line) => states.some((state) => line.startsWith(state))).at(-1);
}

/** A failure with what to do about it, where the log tells that. */
function explained(failure: string): string {
    const problem = failure.slice(FAILED.length);
    const remedy = /exec format error/i.test(problem)
        ? "The image is for another CPU: set platform, ami and instanceType to the same one."
        : missingVariable(problem).trim();
    return [problem, remedy].filter((part) => part !== "").join("\n");
}

function lastWords(said: string[], options: string): string {
    const failure = said.filter((line) => line.startsWith(FAILED)).at(-1);
    if (failure !== undefined) return `It said: ${explained(failure)}`;
    if (said.length > 0) return `It said:\n${said.slice(-LINES).join("\n")}`;
    return (
        "It said nothing at all: it has no way to AWS, or did not start. " +
        `aws ec2 get-console-output --latest ${options} --output text shows what it printed.`
    );
}
