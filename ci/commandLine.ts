import { type Place, PostError } from "./apiClients";

/** What is wrong with the command line or the environment. */
export class UsageError extends Error {}

/** A service, and a project on it. */
interface Project {
    service: "github" | "gitlab";
    project: string;
}

/** Where the API and the token of a service come from, and how its project is written. */
const SETTINGS = {
    github: {
        token: "GITHUB_TOKEN",
        api: "GITHUB_API_URL",
        standard: "https://api.github.com",
        project: /^[^/\s]+\/[^/\s]+$/,
    },
    gitlab: {
        token: "GITLAB_TOKEN",
        api: "CI_API_V4_URL",
        standard: "https://gitlab.com/api/v4",
        project: /^[^\s]+$/,
    },
};

/** The name of a stack, which fits a comment of HTML too. */
export function readStack(stack = "", usage: string): string {
    if (/^[\w.-]+(\/[\w.-]+){0,2}$/.test(stack) && stack.length <= 300) return stack;
    throw new UsageError(`"${stack}" is no name of a stack: ${usage}`);
}

/** The project that `--github OWNER/REPO` or `--gitlab PROJECT` names; nothing may follow it. */
export function readProject([flag = "", project = "", ...more]: string[], usage: string): Project {
    if (!["--github", "--gitlab"].includes(flag) || more.length > 0)
        throw new UsageError(`${[flag, ...more].join(" ")} is not understood: ${usage}`);
    const service = flag === "--github" ? "github" : "gitlab";
    if (SETTINGS[service].project.test(project)) return { service, project };
    throw new UsageError(`"${project}" is no project for ${flag}: ${usage}`);
}

/**
 * Takes token and API of a project from the environment.
 *
 * @param purpose what the token does, for the error where there is none
 */
export function placeOf({ service, project }: Project, purpose: string): Place {
    const settings = SETTINGS[service];
    const token = process.env[settings.token] ?? "";
    if (token === "") throw new UsageError(`${settings.token} is missing: the token that ${purpose}`);
    const api = (process.env[settings.api] || settings.standard).replace(/\/+$/, "");
    return { api, token, project };
}

/** Runs a command, which gives its exit code: 1 where it could not do its work, and one line says why. */
export function run(name: string, command: (...args: string[]) => Promise<number>): void {
    command(...process.argv.slice(2)).then(
        (code) => (process.exitCode = code),
        (error: Error) => {
            if (!(error instanceof UsageError || error instanceof PostError)) throw error;
            process.stderr.write(`${name}: ${error.message}\n`);
            process.exitCode = 1;
        },
    );
}
