import { createHash } from "node:crypto";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { restoreEnvironment } from "./environment";

/** An error as S3 sends it. */
interface Refusal {
    status: number;
    code: string;
    message: string;
}

/** A server on this machine that takes objects in place of S3, into any bucket, and compares their checksums as S3 does. */
export class FakeS3 {
    /** Environment of who is to ask it. */
    readonly env: Record<string, string>;
    /** What was asked, such as "PUT hello-archive/0.1.0/hello.tar.gz". */
    readonly asked: string[] = [];
    /** The objects, by bucket and key. */
    readonly objects = new Map<string, Buffer>();
    /** What it refuses instead of answering, if anything. */
    refuse: (request: string) => Refusal | undefined = () => undefined;
    /** Whether what is sent arrives as something else. */
    garbles = false;

    private constructor(private readonly server: http.Server) {
        this.env = {
            AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            AWS_ACCESS_KEY_ID: "fake",
            AWS_SECRET_ACCESS_KEY: "fake",
        };
        server.on("request", (request, response) => {
            void buffer(request).then((body) => {
                const answer = this.answer(request, body);
                response.writeHead(answer.status, { "content-type": "application/xml" });
                response.end(answer.body);
            });
        });
    }

    static async start(): Promise<FakeS3> {
        const server = http.createServer();
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        return new FakeS3(server);
    }

    async stop(): Promise<void> {
        this.server.closeAllConnections();
        await new Promise((resolve) => this.server.close(resolve));
    }

    private answer({ method, url = "", headers }: http.IncomingMessage, body: Buffer) {
        const { pathname, searchParams } = new URL(url, "http://s3");
        const path = decodeURIComponent(pathname.slice(1)).replace(/\/$/, "");
        const prefix = searchParams.get("prefix");
        const request = `${method} ${path}${prefix === null ? "" : `?prefix=${prefix}`}`;
        this.asked.push(request);
        const refusal = this.refuse(request);
        if (refusal !== undefined) return refused(refusal);
        if (method === "GET" && prefix !== null) {
            const keys = [...this.objects.keys()]
                .filter((key) => key.startsWith(`${path}/${prefix}`))
                .map((key) => `<Contents><Key>${key.slice(path.length + 1)}</Key></Contents>`);
            return { status: 200, body: `<ListBucketResult>${keys.join("")}</ListBucketResult>` };
        }
        if (method === "PUT") {
            const expected = headers["x-amz-checksum-sha256"];
            const arrived = this.garbles ? Buffer.from("garbled") : body;
            if (createHash("sha256").update(arrived).digest("base64") !== expected) {
                const message = "The SHA256 you specified did not match the calculated checksum.";
                return refused({ status: 400, code: "BadDigest", message });
            }
            this.objects.set(path, body);
            return { status: 200, body: "" };
        }
        return refused({ status: 405, code: "MethodNotAllowed", message: `nothing answers ${request}` });
    }
}

function refused({ status, code, message }: Refusal) {
    return { status, body: `<Error><Code>${code}</Code><Message>${message}</Message></Error>` };
}

/** Runs something that asks S3 with `FakeS3` in its place. */
export async function withFakeS3<T>(run: (s3: FakeS3) => Promise<T>): Promise<T> {
    const s3 = await FakeS3.start();
    const before = { ...process.env };
    Object.assign(process.env, s3.env);
    try {
        return await run(s3);
    } finally {
        restoreEnvironment(before);
        await s3.stop();
    }
}
