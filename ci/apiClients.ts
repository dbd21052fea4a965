import { Gitlab } from "@gitbeaker/rest";
import { Octokit } from "@octokit/rest";
import { shorten } from "./markdown";

/** A project, and who writes there. */
export interface Place {
    /** Address of the API, such as https://api.github.com or https://gitlab.com/api/v4. */
    api: string;
    token: string;
    /** OWNER/REPO on GitHub; the path or the number of a project on GitLab. */
    project: string;
}

/** What a service is asked for, such as the comments of a pull request. */
export interface Service<P extends Place, T> {
    name: string;
    /** What is written there, such as "comment", for errors. */
    what: string;
    open: (place: P) => T;
    /** What to do where the API refuses, by status. */
    advice: (place: P) => Record<number, string>;
}

/** Why nothing could be written, in one line without the token. */
export class PostError extends Error {}

/** What an API may take to answer, in milliseconds. */
const TIMEOUT = 60_000;

/** Client of GitHub's API. */
export function octokitFor({ api, token }: Place): Octokit {
    const silent = () => undefined;
    return new Octokit({
        auth: token,
        baseUrl: api,
        log: { debug: silent, info: silent, warn: silent, error: silent },
        request: {
            fetch: (url: string, init: RequestInit) =>
                fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT) }),
        },
    });
}

/** Client of GitLab's API. */
export function gitlabFor({ api, token }: Place): Gitlab {
    // The library adds it again.
    const host = api.replace(/\/api\/v4$/, "");
    return new Gitlab({ host, token, queryTimeout: TIMEOUT });
}

/**
 * Does something with a service.
 *
 * @throws PostError where the API refuses, or does not answer
 */
export async function ask<P extends Place, T, R>(
    service: Service<P, T>,
    place: P,
    work: (opened: T) => Promise<R>,
): Promise<R> {
    try {
        return await work(service.open(place));
    } catch (error) {
        throw new PostError(explain(service, place, error as Failure).replaceAll(/\s+/g, " "));
    }
}

/** An error of either library: where the API has answered, the one has the response itself, the other as its cause. */
interface Failure extends Error {
    response?: { status: number };
    cause?: Failure;
}

function explain<P extends Place>(
    { name, what, advice }: Service<P, unknown>,
    place: P,
    failure: Failure,
): string {
    const quote = ({ message }: Error) => shorten(message.replaceAll(place.token, "[token]"), 300);
    const status = (failure.response ?? failure.cause?.response)?.status;
    if (status === undefined) {
        const why = quote(rootOf(failure));
        return `${name} does not answer at ${place.api} (${why}): see that the address is right, and try again`;
    }
    const said = failure.message === "" ? "" : ` ${quote(failure)}`;
    const isPassing = status === 429 || status >= 500;
    const otherwise = isPassing ? "try again later" : "what it says is all there is to know";
    const todo = advice(place)[status] ?? otherwise;
    return `${name} has refused the ${what} with ${status}${said}: ${todo}`;
}

/** `fetch` hides why it has failed in the cause of its error. */
function rootOf(failure: Failure): Failure {
    return failure.cause instanceof Error ? rootOf(failure.cause) : failure;
}
