import * as http from "node:http";
import * as https from "node:https";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { command, CommandError } from "./command";
import { Stack } from "./stack";

// STACK PATH, for bin/smoke.

/** What a stack says of the release that it serves. */
interface Served {
    url?: string;
    version?: string;
}

/** How often the answers have to be right, one after the other. */
const TIMES = 5;

command(async (name = "", path = "") => {
    const stack = new Stack(name);
    const { url, version = "unknown" } = stack.outputs() as Served;
    if (url === undefined) {
        throw new CommandError(
            `nothing has been deployed in the stack ${name} yet, or its state cannot be read: ./bin/pulumi stack output --stack ${name}`,
        );
    }
    const health = stack.setting("healthPath");
    const deadline = Date.now() + Number(process.env.SMOKE_SECONDS ?? 60) * 1000;
    for (let right = 0; right < TIMES;) {
        const problem = await problemOf(url, health, path, version);
        if (problem === undefined) {
            right += 1;
            continue;
        }
        if (Date.now() >= deadline) {
            throw new CommandError(
                `the stack ${name} does not serve release ${version} at ${url}. ${problem}\n` +
                    `(the app has to answer ${path} with its version (RELEASE_VSN); another path is one more argument)`,
            );
        }
        right = 0;
        await sleep(1000);
    }
    process.stdout.write(
        version === "unknown"
            ? `${url} answers; which version that is was not checked, as mix.exs computes it (set version, as with ./bin/version)\n`
            : `${url} serves release ${version}\n`,
    );
});

/** What is wrong with the answers, if anything is. */
async function problemOf(
    url: string,
    health: string,
    path: string,
    version: string,
): Promise<string | undefined> {
    const healthy = await answerOf(`${url}${health}`);
    if (healthy.status !== 200) return `GET ${health} answers ${healthy.status}: ${healthy.text}`;
    const { status, text } = await answerOf(`${url}${path}`);
    // As a word: 1.2.3 is no part of 1.2.30.
    const words = text.split(/[^0-9A-Za-z.+-]+/);
    const isRight = version === "unknown" || words.includes(version) || words.includes(`v${version}`);
    return status === 200 && isRight ? undefined : `GET ${path} answers ${status}: ${text}`;
}

/** An answer, as far as an error shows it; of a redirect itself. 000 where nobody answers. */
function answerOf(url: string): Promise<{ status: number | "000"; text: string }> {
    return new Promise((resolve) => {
        // fetch() refuses some ports.
        const { get } = url.startsWith("https:") ? https : http;
        const signal = AbortSignal.timeout(10_000);
        const failed = ({ message }: Error) => resolve({ status: "000", text: message });
        get(url, { signal, agent: false }, (response) => {
            buffer(response).then((body) => {
                const text = body.subarray(0, 300).toString().replaceAll("\0", "");
                resolve({ status: response.statusCode ?? "000", text });
            }, failed);
        }).on("error", failed);
    });
}
