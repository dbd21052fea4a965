import { setTimeout as sleep } from "node:timers/promises";
import { ask, command, CommandError } from "./command";
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
        const problem = problemOf(url, health, path, version);
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
function problemOf(url: string, health: string, path: string, version: string): string | undefined {
    const healthy = answerOf(`${url}${health}`);
    if (healthy.status !== "200") return `GET ${health} answers ${healthy.status}: ${healthy.text}`;
    const { status, text } = answerOf(`${url}${path}`);
    // As a word: 1.2.3 is no part of 1.2.30.
    const words = text.split(/[^0-9A-Za-z.+-]+/);
    const isRight = version === "unknown" || words.includes(version) || words.includes(`v${version}`);
    return status === "200" && isRight ? undefined : `GET ${path} answers ${status}: ${text}`;
}

/** An answer, as far as an error shows it; of a redirect itself. 000 where nobody answers. */
function answerOf(url: string): { status: string; text: string } {
    // It knows the machine's proxies and certificates, and the names below localhost.
    const options = ["--silent", "--show-error", "--max-time", "10", "--write-out", "\n%{http_code}"];
    const { stdout, output } = ask("curl", ...options, url);
    const end = stdout.lastIndexOf("\n");
    const status = stdout.slice(end + 1);
    const text = status === "000" ? output.slice(stdout.length).trim() : stdout.slice(0, end);
    return { status, text: text.slice(0, 300).replaceAll("\0", "").trimEnd() };
}
