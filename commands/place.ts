import { type Place, PostError } from "../ci/apiClients";
import { CommandError } from "./command";

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
    throw new CommandError(`"${stack}" is no name of a stack: ${usage}`);
}

/** The project that `--github OWNER/REPO` or `--gitlab PROJECT` names; nothing may follow it. */
export function readProject([flag = "", project = "", ...more]: string[], usage: string): Project {
    if (!["--github", "--gitlab"].includes(flag) || more.length > 0)
        throw new CommandError(`${[flag, ...more].join(" ")} is not understood: ${usage}`);
    const service = flag === "--github" ? "github" : "gitlab";
    if (SETTINGS[service].project.test(project)) return { service, project };
    throw new CommandError(`"${project}" is no project for ${flag}: ${usage}`);
}

/**
 * Takes token and API of a project from the environment.
 *
 * @param purpose what the token does, for the error where there is none
 */
export function placeOf({ service, project }: Project, purpose: string): Place {
    const settings = SETTINGS[service];
    const token = process.env[settings.token] ?? "";
    if (token === "") throw new CommandError(`${settings.token} is missing: the token that ${purpose}`);
    const api = (process.env[settings.api] || settings.standard).replace(/\/+$/, "");
    return { api, token, project };
}

/** Waits for what an API does; one that refuses ends the command. */
export async function posted<T>(work: Promise<T>): Promise<T> {
    try {
        return await work;
    } catch (error) {
        throw error instanceof PostError ? new CommandError(error.message) : error;
    }
}
