import { find, type Posts, put } from "./posts";
import { ask, gitlabFor, octokitFor, type Place, type Service } from "./apiClients";

/** The open issues of a project with the label `drift`. */
interface Issues extends Omit<Posts, "create"> {
    create(title: string, text: string): Promise<unknown>;
    /** Closes one, with another text. */
    close(id: number, text: string): Promise<unknown>;
}

/** What is looked for, and what both services make where it is not there yet. */
const LABEL = "drift";

const GITHUB: Service<Place, Issues> = {
    name: "GitHub",
    what: "issue",
    open: (place) => {
        const octokit = octokitFor(place);
        const { issues } = octokit.rest;
        const [owner = "", repo = ""] = place.project.split("/");
        const where = { owner, repo };
        return {
            list: async () => {
                const all = await octokit.paginate(issues.listForRepo, {
                    ...where,
                    state: "open",
                    labels: LABEL,
                    sort: "created",
                    direction: "asc",
                    per_page: 100,
                });
                // To GitHub a pull request is an issue too.
                const found = all.filter(({ pull_request }) => pull_request === undefined);
                return found.map(({ number, body }) => ({ id: number, text: body }));
            },
            create: (title, body) => issues.create({ ...where, title, body, labels: [LABEL] }),
            update: (id, body) => issues.update({ ...where, issue_number: id, body }),
            close: (id, body) => issues.update({ ...where, issue_number: id, body, state: "closed" }),
        };
    },
    advice: ({ project }) => ({
        401: "GITHUB_TOKEN is not valid",
        403: "GITHUB_TOKEN needs the permission issues: write",
        404: `there is no repository ${project}, or GITHUB_TOKEN may not read it`,
        410: `${project} has no issues: switch them on in its settings`,
    }),
};

const GITLAB: Service<Place, Issues> = {
    name: "GitLab",
    what: "issue",
    open: (place) => {
        const { project } = place;
        const issues = gitlabFor(place).Issues;
        return {
            list: async () => {
                const all = await issues.all({
                    projectId: project,
                    state: "opened",
                    labels: LABEL,
                    orderBy: "created_at",
                    sort: "asc",
                    perPage: 100,
                });
                return all.map(({ iid, description }) => ({ id: iid, text: description }));
            },
            create: (title, description) => issues.create(project, title, { description, labels: LABEL }),
            update: (id, description) => issues.edit(project, id, { description }),
            close: (id, description) => issues.edit(project, id, { description, stateEvent: "close" }),
        };
    },
    advice: ({ project }) => ({
        401: "GITLAB_TOKEN needs the scope api",
        403: `GITLAB_TOKEN needs the scope api and the role Reporter in ${project}, which must have its issues switched on`,
        404: `there is no project ${project}, or GITLAB_TOKEN may not read it`,
    }),
};

/** The issues of a project, by service. */
export const ISSUES = { github: GITHUB, gitlab: GITLAB };

/**
 * Makes a text the one open issue with its first line: creates it, or updates it where it differs.
 *
 * @param title of an issue that is created
 * @param text its first line is its own among all issues
 * @returns what was done
 * @throws PostError where the API refuses, or does not answer
 */
export function putIssue(
    service: Service<Place, Issues>,
    place: Place,
    title: string,
    text: string,
): Promise<"created" | "updated" | "unchanged"> {
    return ask(service, place, (issues) =>
        put({ ...issues, create: (created) => issues.create(title, created) }, text),
    );
}

/**
 * Closes the open issue with a first line, if there is one.
 *
 * @param last what its text becomes, of what it is
 * @returns whether there was one
 * @throws PostError where the API refuses, or does not answer
 */
export function closeIssue(
    service: Service<Place, Issues>,
    place: Place,
    line: string,
    last: (text: string) => string,
): Promise<boolean> {
    return ask(service, place, async (issues) => {
        const found = await find(issues, line);
        if (found !== undefined) await issues.close(found.id, last(found.text));
        return found !== undefined;
    });
}
