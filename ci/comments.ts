import { type Posts, put } from "./posts";
import { ask, gitlabFor, octokitFor, type Place, type Service } from "./apiClients";

/** A pull request on GitHub, or a merge request on GitLab. */
export interface PullRequest extends Place {
    number: number;
}

const GITHUB: Service<PullRequest, Posts> = {
    name: "GitHub",
    what: "comment",
    open: ({ number, ...place }) => {
        const octokit = octokitFor(place);
        const { issues } = octokit.rest;
        const [owner = "", repo = ""] = place.project.split("/");
        const where = { owner, repo, issue_number: number };
        return {
            list: async () => {
                const comments = await octokit.paginate(issues.listComments, { ...where, per_page: 100 });
                return comments.map(({ id, body }) => ({ id, text: body }));
            },
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

const GITLAB: Service<PullRequest, Posts> = {
    name: "GitLab",
    what: "comment",
    open: ({ number, ...place }) => {
        const { project } = place;
        const notes = gitlabFor(place).MergeRequestNotes;
        return {
            list: async () => {
                const options = { perPage: 100, sort: "asc", orderBy: "created_at" } as const;
                const all = await notes.all(project, number, options);
                return all.map(({ id, body }) => ({ id, text: body }));
            },
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

/** The comments of a pull request, by service. */
export const COMMENTS = { github: GITHUB, gitlab: GITLAB };

/**
 * Makes a text the one comment with its first line: creates it, or updates it where it differs.
 *
 * @param text the comment; its first line is its own among all comments
 * @returns what was done
 * @throws PostError where the API refuses, or does not answer
 */
export function putComment(
    service: Service<PullRequest, Posts>,
    pullRequest: PullRequest,
    text: string,
): Promise<"created" | "updated" | "unchanged"> {
    return ask(service, pullRequest, (comments) => put(comments, text));
}
