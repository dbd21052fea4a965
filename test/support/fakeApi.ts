import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import * as http from "node:http";
import type { AddressInfo } from "node:net";

/** The token that the API takes. It may be found in nothing that is printed. */
export const TOKEN = "canary-token-2f9c";

/** What is asked of an API. */
interface Call {
    method: string;
    path: string;
    body: Record<string, string | string[] | undefined>;
}

/** An answer; text is a page of HTML. */
interface Answer {
    status: number;
    body: object | string;
}

interface FakeComment {
    id: number;
    body: string;
}

/** An issue of either service; to GitHub a pull request is one too. */
export interface FakeIssue {
    number: number;
    title: string;
    text: string | null;
    labels: string[];
    open: boolean;
    isPullRequest?: boolean;
}

/** A local server that plays the APIs of GitHub and GitLab, as far as comments and issues go, with pages as theirs. */
export class FakeApi {
    comments: FakeComment[] = [];
    issues: FakeIssue[] = [];
    calls: Call[] = [];
    /** Answers a call instead; undefined leaves it to the others. */
    refuse: (call: Call) => Answer | "hang up" | undefined = () => undefined;
    private readonly server = http.createServer((request, response) => this.answer(request, response));

    async start(): Promise<void> {
        await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    }

    get url(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    stop(): void {
        this.server.closeAllConnections();
        this.server.close();
    }

    /** The calls in short that change something, such as "POST /repos/acme/shop/issues/7/comments". */
    changes(): string[] {
        return this.calls
            .filter(({ method }) => method !== "GET")
            .map(({ method, path }) => `${method} ${path}`);
    }

    private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
            const { pathname: path, searchParams } = new URL(request.url ?? "", this.url);
            const text = Buffer.concat(chunks).toString();
            const body = (text === "" ? {} : JSON.parse(text)) as Call["body"];
            const call = { method: request.method ?? "", path, body };
            this.calls.push(call);
            const { authorization, "private-token": own } = request.headers;
            const isKnown = [`token ${TOKEN}`, TOKEN].includes(authorization ?? String(own));
            const refused =
                this.refuse(call) ?? (isKnown ? undefined : { status: 401, body: { message: "who?" } });
            if (refused === "hang up") {
                request.socket.destroy();
                return;
            }
            const { status, body: said } = refused ?? this.carryOut(call, searchParams, response);
            response.writeHead(status, {
                "Content-Type": typeof said === "string" ? "text/html" : "application/json",
            });
            response.end(typeof said === "string" ? said : JSON.stringify(said));
        });
    }

    private carryOut(call: Call, query: URLSearchParams, response: http.ServerResponse): Answer {
        const isAboutComments = /\/(comments|notes)\b/.test(call.path);
        if (call.method === "GET") {
            const found = isAboutComments ? this.comments : this.listIssues(call, query);
            return { status: 200, body: this.page(found, call, query, response) };
        }
        const changed = isAboutComments ? this.changeComment(call) : this.changeIssue(call);
        if (changed === undefined) return { status: 404, body: { message: "Not Found" } };
        return { status: call.method === "POST" ? 201 : 200, body: changed };
    }

    private page(found: object[], { path }: Call, query: URLSearchParams, response: http.ServerResponse) {
        const [page, size] = [Number(query.get("page") ?? 1), Number(query.get("per_page") ?? 20)];
        if (page * size < found.length) {
            query.set("page", String(page + 1));
            response.setHeader("Link", `<${this.url}${path}?${query.toString()}>; rel="next"`);
        }
        return found.slice((page - 1) * size, page * size);
    }

    private changeComment({ method, path, body: { body } }: Call): FakeComment | undefined {
        if (method === "POST") this.comments.push({ id: this.comments.length + 1, body: "" });
        const id = method === "POST" ? this.comments.length : numberOf(path);
        const comment = this.comments.find((one) => one.id === id);
        if (comment !== undefined) comment.body = String(body);
        return comment;
    }

    private listIssues({ path }: Call, query: URLSearchParams): object[] {
        const labels = query.get("labels")?.split(",") ?? [];
        // GitHub lists the open ones where nothing is said, GitLab all.
        const state = query.get("state") ?? (isGithub(path) ? "open" : "all");
        const found = this.issues.filter(
            (issue) =>
                labels.every((label) => issue.labels.includes(label)) &&
                (state === "all" || issue.open === state.startsWith("open")),
        );
        const [by, order] = [query.get("sort"), query.get("direction") ?? query.get("order_by")];
        // Both list the newest first where nothing else is said.
        const isOldestFirst = `${by} ${order}` === (isGithub(path) ? "created asc" : "asc created_at");
        const sorted = isOldestFirst ? found : [...found].reverse();
        return sorted.map((issue) => (isGithub(path) ? asGithub(issue) : asGitlab(issue)));
    }

    private changeIssue({ method, path, body }: Call): object | undefined {
        const isNew = method === "POST";
        const made = { number: this.issues.length + 1, title: "", text: null, labels: [], open: true };
        if (isNew) this.issues.push(made);
        const issue = this.issues.find(({ number }) => number === (isNew ? made.number : numberOf(path)));
        if (issue === undefined) return undefined;
        const { title, state, state_event, labels } = body;
        const text = isGithub(path) ? body.body : body.description;
        if (title !== undefined) issue.title = String(title);
        if (text !== undefined) issue.text = String(text);
        if (labels !== undefined) issue.labels = [labels].flat();
        if (state === "closed" || state_event === "close") issue.open = false;
        return isGithub(path) ? asGithub(issue) : asGitlab(issue);
    }
}

const isGithub = (path: string) => path.includes("/repos/");
const numberOf = (path: string) => Number(path.split("/").at(-1));

/** What names an issue among those of all projects, and not within its own. */
const idOf = ({ number }: FakeIssue) => 1000 + number;

function asGithub(issue: FakeIssue): object {
    const { number, title, text: body, open, isPullRequest } = issue;
    const labels = issue.labels.map((name) => ({ name }));
    const state = open ? "open" : "closed";
    const own = { id: idOf(issue), number, title, body, state, labels };
    return isPullRequest ? { ...own, pull_request: { url: "https://example.com" } } : own;
}

function asGitlab(issue: FakeIssue): object {
    const { number: iid, title, text: description, labels, open } = issue;
    return { id: idOf(issue), iid, title, description, labels, state: open ? "opened" : "closed" };
}

/** Runs a command to its end; nothing of what it prints may hold the token. */
export async function run(file: string, args: string[], input: string, env: Record<string, string> = {}) {
    const { GITHUB_TOKEN: _github, GITLAB_TOKEN: _gitlab, ...clean } = process.env;
    const child = spawn(file, args, { env: { ...clean, ...env } });
    const printed = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (printed.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (printed.stderr += chunk.toString()));
    // It may end before it has read everything.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const code = await new Promise<number | null>((done) => child.on("close", done));
    assert.ok(!`${printed.stdout}${printed.stderr}`.includes(TOKEN), "the token was printed");
    return { code, ...printed };
}
