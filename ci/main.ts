import { text } from "node:stream/consumers";
import { type Place, post, PostError, SERVICES } from "./comments";
import { COMMENT, EVERYTHING, renderPreview } from "./previewComment";

// What bin/preview-comment runs.

const USAGE =
    "./bin/preview-comment STACK [--github OWNER/REPO NUMBER | --gitlab PROJECT NUMBER] < preview.json";

/** What is wrong with the command line or the environment. */
class UsageError extends Error {}

interface Target {
    service: keyof typeof SERVICES;
    place: Place;
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

function stackOf(stack = ""): string {
    if (/^[\w.-]+(\/[\w.-]+){0,2}$/.test(stack) && stack.length <= 300) return stack;
    throw new UsageError(`"${stack}" is no name of a stack: ${USAGE}`);
}

function targetOf(args: string[]): Target | undefined {
    const [flag, project = "", number = "", ...more] = args;
    if (flag === undefined) return undefined;
    const service = flag === "--github" ? "github" : "gitlab";
    const settings = SETTINGS[service];
    if (!["--github", "--gitlab"].includes(flag) || more.length > 0)
        throw new UsageError(`${[flag, ...more].join(" ")} is not understood: ${USAGE}`);
    if (!settings.project.test(project))
        throw new UsageError(`"${project}" is no project for ${flag}: ${USAGE}`);
    if (!/^[1-9]\d*$/.test(number)) throw new UsageError(`"${number}" is no number of a request: ${USAGE}`);
    const token = process.env[settings.token] ?? "";
    if (token === "") throw new UsageError(`${settings.token} is missing: the token that posts the comment`);
    const api = (process.env[settings.api] || settings.standard).replace(/\/+$/, "");
    return { service, place: { api, token, project, number: Number(number) } };
}

async function main([first, ...others]: string[]): Promise<number> {
    const stack = stackOf(first);
    const target = targetOf(others);
    const json = await text(process.stdin);
    const { markdown, failed } = renderPreview(stack, json, COMMENT);
    const everything = renderPreview(stack, json, EVERYTHING).markdown;
    // The job's log has what a comment has no room for.
    if (everything !== markdown) process.stderr.write(everything);
    if (target === undefined) process.stdout.write(markdown);
    else {
        const done = await post(SERVICES[target.service], target.place, markdown);
        const { project, number } = target.place;
        process.stderr.write(`preview-comment: the comment on ${project} ${number} is ${done}\n`);
    }
    return failed ? 2 : 0;
}

main(process.argv.slice(2)).then(
    (code) => (process.exitCode = code),
    (error: Error) => {
        if (!(error instanceof UsageError || error instanceof PostError)) throw error;
        process.stderr.write(`preview-comment: ${error.message}\n`);
        process.exitCode = 1;
    },
);
