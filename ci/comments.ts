import { Gitlab } from "@gitbeaker/rest";
import { Octokit } from "@octokit/rest";
import { shorten } from "./markdown";

/** Where a comment goes, and who writes it. */
export interface Place {
    /** Address of the API, such as https://api.github.com or https://gitlab.com/api/v4. */
    api: string;
    token: string;
    /** OWNER/REPO on GitHub; the path or the number of a project on GitLab. */
    project: string;
    /** Number of the pull request or merge request. */
    number: number;
}

/** Why a comment could not be posted, in one line without the token. */
export class PostError extends Error {}

interface Comment {
    id: number;
    body?: string;
}

/** The comments of a pull request or a merge request. */
interface Thread {
    comments(): Promise<Comment[]>;
    create(body: string): Promise<unknown>;
    update(id: number, body: string): Promise<unknown>;
}

interface Service {
    name: string;
    open: (place: Place) => Thread;
    /** What to do where the API refuses, by status. */
    advice: (place: Place) => Record<number, string>;
}

/** What an API may take to answer, in milliseconds. */
const TIMEOUT = 60_000;

const GITHUB: Service = {
    name: "GitHub",
    open: ({ api, token, project, number }) => {
        const [owner = "", repo = ""] = project.split("/");
        const silent = () => undefined;
        const octokit = new Octokit({
            auth: token,
            baseUrl: api,
            log: { debug: silent, info: silent, warn: silent, error: silent },
            request: {
                fetch: (url: string, init: RequestInit) =>
                    fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT) }),
            },
        });
        const { issues } = octokit.rest;
        const where = { owner, repo, issue_number: number };
        return {
            comments: () => octokit.paginate(issues.listComments, { ...where, per_page: 100 }),
            create: (body) => issues.createComment({ ...where, body }),
            update: (id, body) => issues.updateComment({ owner, repo, comment_id: id, body }),
        };
    },
    advice: ({ project, number }) => ({
        401: "GITHUB_TOKEN is not valid",
        403: "GITHUB_TOKEN needs the permission pull-requests: write, and a pull request from a fork has none",
        404: `there is no pull request ${number} in ${project}, or GITHUB_TOKEN may not read it`,
    }),
};

const GITLAB: Service = {
    name: "GitLab",
    open: ({ api, token, project, number }) => {
        // The library adds it again.
        const host = api.replace(/\/api\/v4$/, "");
        const notes = new Gitlab({ host, token, queryTimeout: TIMEOUT }).MergeRequestNotes;
        return {
            comments: () => notes.all(project, number, { perPage: 100, sort: "asc", orderBy: "created_at" }),
            create: (body) => notes.create(project, number, body),
            update: (id, body) => notes.edit(project, number, id, { body }),
        };
    },
    advice: ({ project, number }) => ({
        401: "GITLAB_TOKEN needs the scope api",
        403: "GITLAB_TOKEN needs the scope api, and the role Reporter in the project",
        404: `there is no project ${project} or no merge request ${number} in it, or GITLAB_TOKEN may not read it`,
    }),
};

export const SERVICES = { github: GITHUB, gitlab: GITLAB };

/**
 * Makes a text the one comment with its first line: creates it, or updates it where it differs.
 *
 * @param body the comment; its first line is its own among all comments
 * @returns what was done
 * @throws PostError where the API refuses, or does not answer
 */
export async function post(
    service: Service,
    place: Place,
    body: string,
): Promise<"created" | "updated" | "unchanged"> {
    try {
        return await put(service.open(place), body);
    } catch (error) {
        const line = explain(service, place, error as Failure).replaceAll(/\s+/g, " ");
        throw new PostError(line.replaceAll(place.token, "[token]"));
    }
}

async function put(thread: Thread, body: string): Promise<"created" | "updated" | "unchanged"> {
    const [marker = ""] = body.split("\n");
    const comments = await thread.comments();
    const last = comments.find((comment) => comment.body?.split(/\r?\n/)[0] === marker);
    if (last === undefined) {
        await thread.create(body);
        return "created";
    }
    // Both services take the white space at the end away.
    if (last.body?.replaceAll("\r\n", "\n").trimEnd() === body.trimEnd()) return "unchanged";
    await thread.update(last.id, body);
    return "updated";
}

/** An error of either library: where the API has answered, the one has the response itself, the other as its cause. */
interface Failure extends Error {
    response?: { status: number };
    cause?: Failure;
}

function explain({ name, advice }: Service, place: Place, failure: Failure): string {
    const status = (failure.response ?? failure.cause?.response)?.status;
    if (status === undefined) {
        const why = shorten(rootOf(failure).message, 300);
        return `${name} does not answer at ${place.api} (${why}): see that the address is right, and try again`;
    }
    const said = failure.message === "" ? "" : ` ${shorten(failure.message, 300)}`;
    const isPassing = status === 429 || status >= 500;
    const otherwise = isPassing ? "try again later" : "what it says is all there is to know";
    const todo = advice(place)[status] ?? otherwise;
    return `${name} has refused the comment with ${status}${said}: ${todo}`;
}

/** `fetch` hides why it has failed in the cause of its error. */
function rootOf(failure: Failure): Failure {
    return failure.cause instanceof Error ? rootOf(failure.cause) : failure;
}
