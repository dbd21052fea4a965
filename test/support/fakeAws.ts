import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { restoreEnvironment } from "./environment";

/** What an action is asked, and what it answers; an error has a name and a message, as AWS sends it. */
type Answer = object | { __type: string; message: string };
type Answers = Record<string, (request: Record<string, any>, call: number) => Answer>;

/** Runs something that asks AWS with `FakeAws` in its place. It is handed a function that tells the requests of an action so far. */
export async function withFakeAws<T>(
    answers: Answers,
    run: (requests: (action: string) => Record<string, any>[]) => Promise<T>,
): Promise<T> {
    const fake = await FakeAws.start(answers);
    const before = { ...process.env };
    Object.assign(process.env, fake.env);
    try {
        return await run((action) => fake.requests(action));
    } finally {
        restoreEnvironment(before);
        await fake.stop();
    }
}

/** A server on this machine that answers AWS's JSON protocol in place of AWS: by action, such as RunTask. */
export class FakeAws {
    /** Environment of who is to ask it. */
    readonly env: Record<string, string>;
    private readonly asked: { action: string; body: Record<string, any> }[] = [];

    private constructor(
        private readonly server: http.Server,
        /** What it answers; may be changed. */
        public answers: Answers,
    ) {
        this.env = {
            AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            AWS_ACCESS_KEY_ID: "fake",
            AWS_SECRET_ACCESS_KEY: "fake",
        };
        server.on("request", (request, response) => {
            let text = "";
            request.on("data", (part: Buffer) => (text += part.toString()));
            request.on("end", () => {
                const action = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
                const body = JSON.parse(text || "{}") as Record<string, any>;
                this.asked.push({ action, body });
                const unknown = {
                    __type: "UnknownOperationException",
                    message: `nothing answers ${action}`,
                };
                const answer = this.answers[action]?.(body, this.requests(action).length) ?? unknown;
                const status = "__type" in answer ? 400 : 200;
                response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
                response.end(JSON.stringify(answer));
            });
        });
    }

    static async start(answers: Answers): Promise<FakeAws> {
        const server = http.createServer();
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        return new FakeAws(server, answers);
    }

    /** The requests of an action so far. */
    requests(action: string): Record<string, any>[] {
        return this.asked.filter((request) => request.action === action).map(({ body }) => body);
    }

    /** Forgets the requests so far. */
    clear(): void {
        this.asked.length = 0;
    }

    async stop(): Promise<void> {
        this.server.closeAllConnections();
        await new Promise((resolve) => this.server.close(resolve));
    }
}
