import { once } from "node:events";
import * as http2 from "node:http2";
import * as net from "node:net";
import * as tls from "node:tls";

/**
 * Load from raw sockets. It never sends a request again: a request that was sent and not answered in full has failed,
 * even where an HTTP library would hide it by trying once more.
 */

interface Request {
    method: "GET" | "POST";
    path: string;
    body: string;
}

/** What a connection does with a request. */
interface Exchanger {
    /** Sends a request and returns the body of a 200; throws otherwise. */
    exchange(request: Request): Promise<string>;
    close(): void;
}

/** What a request is part of. */
export type Kind = "busy" | "idle" | "post" | "slow";

/** The fate of one request. */
export interface Fate {
    kind: Kind;
    /** When it was due, in milliseconds since the load began; a late client does not hide a slow answer. */
    at: number;
    /** From when it was due to its last byte, in milliseconds. */
    latency: number;
    /** Body of the answer; the release that answered names itself there. */
    body?: string;
    /** Why it failed, where it did. */
    failure?: string;
}

export interface LoadOptions {
    port: number;
    host?: string;
    /**
     * Host name that requests are for.
     *
     * @default that of https, or localhost
     */
    name?: string;
    /** Host name for https, whose certificate may be anybody's; without one it is plain http. */
    https?: string;
    /**
     * By HTTP/2, with https: each request is a stream of its own. A server that goes away (GOAWAY) says which streams it has not
     * taken: they alone are sent again, as RFC 9113 allows.
     */
    http2?: boolean;
    /** Busy connections; each sends one request after the other, or waits for its turn if there is a rate. */
    busy?: number;
    /** Requests per second of all busy connections together, at fixed times; without it each sends as fast as it can. */
    rate?: number;
    /** Connections that idle between their requests. */
    idle?: number;
    /** How long they idle at most, in seconds. */
    idleSeconds?: number;
    /** Connections that send POSTs to /echo and want the body back. */
    post?: number;
    /** Time limit of a request, in seconds. */
    timeoutSeconds?: number;
}

/** A connection that sends one request at a time and is opened again when the server has closed it in between. */
class Connection implements Exchanger {
    private socket?: net.Socket;

    constructor(
        private readonly open: () => Promise<net.Socket>,
        private readonly name: string,
        private readonly timeoutSeconds: number,
    ) {}

    async exchange(request: Request): Promise<string> {
        this.socket ??= await this.connect();
        const socket = this.socket;
        try {
            const { status, body, close } = await answer(
                socket,
                written(request, this.name),
                this.timeoutSeconds,
            );
            if (close) this.close();
            if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 80)}`);
            return body;
        } catch (error) {
            this.close();
            throw error;
        }
    }

    close(): void {
        this.socket?.destroy();
        this.socket = undefined;
    }

    private async connect(): Promise<net.Socket> {
        const socket = await this.open();
        // A server may close a connection that idles; the next request then opens another one.
        socket.on("close", () => {
            if (this.socket === socket) this.socket = undefined;
        });
        return socket;
    }
}

/** A connection by HTTP/2, which is opened again when the server has closed it, or is going to. */
class Streams implements Exchanger {
    private session?: http2.ClientHttp2Session;

    constructor(
        private readonly open: () => Promise<net.Socket>,
        private readonly name: string,
        private readonly timeoutSeconds: number,
    ) {}

    async exchange(request: Request): Promise<string> {
        for (;;) {
            const session = await this.ready();
            const body = await this.stream(session, request);
            if (body !== undefined) return body;
        }
    }

    close(): void {
        this.session?.destroy();
        this.session = undefined;
    }

    /** A session that takes streams. */
    private async ready(): Promise<http2.ClientHttp2Session> {
        if (this.session && !this.session.closed && !this.session.destroyed) return this.session;
        const socket = await this.open();
        const session = http2.connect(`https://${this.name}`, { createConnection: () => socket });
        session.on("error", () => undefined);
        // What it has taken it answers; the next request opens another one.
        session.on("goaway", () => {
            if (this.session === session) this.session = undefined;
        });
        await once(session, "remoteSettings");
        return (this.session = session);
    }

    /** The body of a 200; nothing where the server has not taken the stream. */
    private async stream(session: http2.ClientHttp2Session, request: Request): Promise<string | undefined> {
        const stream = session.request(
            {
                ":method": request.method,
                ":path": request.path,
                ...(request.body !== "" && { "content-length": request.body.length }),
            },
            { endStream: request.body === "" },
        );
        if (request.body !== "") stream.end(request.body);
        stream.setTimeout(this.timeoutSeconds * 1000, () => stream.close(http2.constants.NGHTTP2_CANCEL));
        let status = 0;
        let body = "";
        stream.on("response", (headers) => (status = Number(headers[":status"])));
        stream.setEncoding("utf8").on("data", (part: string) => (body += part));
        return new Promise((resolve, reject) => {
            let isWhole = false;
            stream.on("end", () => (isWhole = status !== 0));
            stream.on("error", () => undefined);
            stream.on("close", () => {
                if (stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM) resolve(undefined);
                else if (!isWhole || stream.rstCode !== 0)
                    reject(
                        new Error(
                            `stream reset (${stream.rstCode}) after ${body.length} bytes of the answer`,
                        ),
                    );
                else if (status !== 200) reject(new Error(`status ${status}: ${body.slice(0, 80)}`));
                else resolve(body);
            });
        });
    }
}

interface Answer {
    status: number;
    body: string;
    close: boolean;
}

function answer(socket: net.Socket, request: string, timeoutSeconds: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
        let received = "";
        const done = (result: Answer | Error) => {
            clearTimeout(timer);
            socket.off("data", onData).off("end", onEnd).off("close", onEnd).off("error", onEnd);
            if (result instanceof Error) reject(result);
            else resolve(result);
        };
        const onEnd = (error?: unknown) => {
            const why = error instanceof Error ? error.message : "connection closed";
            done(new Error(`${why} after ${received.length} bytes of the answer`));
        };
        const onData = (data: Buffer) => {
            received += data.toString("latin1");
            const head = received.indexOf("\r\n\r\n");
            if (head < 0) return;
            const headers = received.slice(0, head).toLowerCase();
            const length = Number(/\r\ncontent-length: *(\d+)/.exec(headers)?.[1] ?? NaN);
            if (received.length < head + 4 + length) return;
            const status = Number(headers.slice(9, 12));
            const close = /\r\nconnection: *close/.test(headers);
            done({ status, close, body: received.slice(head + 4, head + 4 + length) });
        };
        const timer = setTimeout(
            () => onEnd(new Error(`no answer in ${timeoutSeconds} s`)),
            timeoutSeconds * 1000,
        );
        socket.on("data", onData).on("end", onEnd).on("close", onEnd).on("error", onEnd);
        socket.write(request);
    });
}

/** Runs until it is stopped; then every request that has begun is waited for and counted. */
export class Load {
    readonly fates: Fate[] = [];
    private readonly started = performance.now();
    private readonly clients: Promise<void>[] = [];
    private readonly wakers = new Set<() => void>();
    private running = true;

    constructor(private readonly options: LoadOptions) {
        const { busy = 0, rate, idle = 0, idleSeconds = 15, post = 0 } = options;
        for (let i = 0; i < busy; i++) {
            if (rate === undefined)
                this.client(
                    "busy",
                    () => get("/"),
                    () => 0,
                );
            // Each takes every nth tick of the clock.
            else this.scheduled("busy", () => get("/"), (busy * 1000) / rate, (i * 1000) / rate);
        }
        for (let i = 0; i < idle; i++)
            this.client(
                "idle",
                () => get("/"),
                () => Math.random() * idleSeconds * 1000,
            );
        for (let i = 0; i < post; i++) this.client("post", echo, () => 20 + Math.random() * 60);
    }

    /** Milliseconds since the load began. */
    now(): number {
        return performance.now() - this.started;
    }

    /** Sends one request of its own, at once. */
    one(path: string): Promise<Fate> {
        const connection = this.connection();
        return this.send(connection, "slow", () => get(path), this.now()).finally(() => connection.close());
    }

    async stop(): Promise<Fate[]> {
        this.running = false;
        for (const wake of this.wakers) wake();
        await Promise.all(this.clients);
        return this.fates;
    }

    private connection(): Exchanger {
        const { https, name = https ?? "localhost", timeoutSeconds = 30 } = this.options;
        const Exchange = this.options.http2 ? Streams : Connection;
        return new Exchange(() => connect(this.options), name, timeoutSeconds);
    }

    /** Sends, waits for the answer, pauses, and sends again. */
    private client(kind: Kind, request: () => Request, pause: () => number): void {
        const run = async () => {
            const connection = this.connection();
            await this.sleep(kind === "busy" ? 0 : pause());
            while (this.running) {
                const fate = await this.send(connection, kind, request, this.now());
                await this.sleep(fate.failure === undefined ? pause() : 100);
            }
            connection.close();
        };
        this.clients.push(run());
    }

    /** Sends at fixed times, whether or not the last answer was late. */
    private scheduled(kind: Kind, request: () => Request, every: number, first: number): void {
        const run = async () => {
            const connection = this.connection();
            for (let due = first; this.running; due += every) {
                if (due > this.now()) await this.sleep(due - this.now());
                if (this.running) await this.send(connection, kind, request, due);
            }
            connection.close();
        };
        this.clients.push(run());
    }

    private async send(connection: Exchanger, kind: Kind, request: () => Request, at: number): Promise<Fate> {
        const fate: Fate = { kind, at, latency: 0 };
        try {
            const sent = request();
            fate.body = await connection.exchange(sent);
            if (sent.method === "POST" && fate.body !== sent.body)
                throw new Error(`another body came back: ${fate.body}`);
        } catch (error) {
            fate.failure = error instanceof Error ? error.message : String(error);
        }
        fate.latency = this.now() - at;
        this.fates.push(fate);
        return fate;
    }

    private sleep(milliseconds: number): Promise<void> {
        if (milliseconds <= 0 || !this.running) return Promise.resolve();
        return new Promise((resolve) => {
            const wake = () => {
                clearTimeout(timer);
                this.wakers.delete(wake);
                resolve();
            };
            const timer = setTimeout(wake, milliseconds);
            this.wakers.add(wake);
        });
    }
}

/** How many requests were sent and failed, and the slowest, by kind. */
export function summarize(
    fates: Fate[],
): Record<string, { sent: number; failed: number; slowestMs: number }> {
    const kinds = [...new Set(fates.map(({ kind }) => kind))].sort();
    return Object.fromEntries(
        kinds.map((kind) => {
            const own = fates.filter((fate) => fate.kind === kind);
            return [
                kind,
                {
                    sent: own.length,
                    failed: own.filter(({ failure }) => failure !== undefined).length,
                    slowestMs: Math.round(
                        own.reduce((slowest, { latency }) => Math.max(slowest, latency), 0),
                    ),
                },
            ];
        }),
    );
}

function get(path: string): Request {
    return { method: "GET", path, body: "" };
}

/** A POST that wants its body back. */
function echo(): Request {
    return { method: "POST", path: "/echo", body: `wine ${Math.random()}` };
}

/** A request as HTTP/1.1 writes it. */
function written({ method, path, body }: Request, name: string): string {
    const length = method === "POST" ? `Content-Length: ${body.length}\r\n` : "";
    return `${method} ${path} HTTP/1.1\r\nHost: ${name}\r\n${length}\r\n${body}`;
}

/** A connection on which requests can be sent. */
async function connect({
    host = "127.0.0.1",
    port,
    https,
    http2: isHttp2,
}: LoadOptions): Promise<net.Socket> {
    const place = { host, port, noDelay: true };
    const socket =
        https === undefined
            ? net.connect(place)
            : tls.connect({
                  ...place,
                  servername: https,
                  rejectUnauthorized: false,
                  ALPNProtocols: [isHttp2 ? "h2" : "http/1.1"],
              });
    try {
        await once(socket, https === undefined ? "connect" : "secureConnect");
    } catch (error) {
        throw new Error(`cannot connect: ${(error as Error).message}`, { cause: error });
    }
    socket.on("error", () => undefined);
    return socket;
}
