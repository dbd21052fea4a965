import * as net from "node:net";

/**
 * Load from raw sockets. It never sends a request again: a request that was sent and not answered in full has failed,
 * even where an HTTP library would hide it by trying once more.
 */

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
class Connection {
    private socket?: net.Socket;

    constructor(
        private readonly host: string,
        private readonly port: number,
        private readonly timeoutSeconds: number,
    ) {}

    /** Sends a request and returns the body of a 200; throws otherwise. */
    async exchange(request: string): Promise<string> {
        this.socket ??= await this.open();
        const socket = this.socket;
        try {
            const { status, body, close } = await answer(socket, request, this.timeoutSeconds);
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

    private open(): Promise<net.Socket> {
        return new Promise((resolve, reject) => {
            const socket = net.connect({ host: this.host, port: this.port, noDelay: true });
            socket.once("connect", () => {
                // A server may close a connection that idles; the next request then opens another one.
                socket.on("close", () => {
                    if (this.socket === socket) this.socket = undefined;
                });
                socket.on("error", () => undefined);
                resolve(socket);
            });
            socket.once("error", (error) => reject(new Error(`cannot connect: ${error.message}`)));
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
            if (rate === undefined) this.client("busy", get("/"), () => 0);
            // Each takes every nth tick of the clock.
            else this.scheduled("busy", get("/"), (busy * 1000) / rate, (i * 1000) / rate);
        }
        for (let i = 0; i < idle; i++)
            this.client("idle", get("/"), () => Math.random() * idleSeconds * 1000);
        for (let i = 0; i < post; i++) this.client("post", undefined, () => 20 + Math.random() * 60);
    }

    /** Milliseconds since the load began. */
    now(): number {
        return performance.now() - this.started;
    }

    /** Sends one request of its own, at once. */
    one(path: string): Promise<Fate> {
        const connection = this.connection();
        return this.send(connection, "slow", get(path), this.now()).finally(() => connection.close());
    }

    async stop(): Promise<Fate[]> {
        this.running = false;
        for (const wake of this.wakers) wake();
        await Promise.all(this.clients);
        return this.fates;
    }

    private connection(): Connection {
        const { host = "127.0.0.1", port, timeoutSeconds = 30 } = this.options;
        return new Connection(host, port, timeoutSeconds);
    }

    /** Sends, waits for the answer, pauses, and sends again. */
    private client(kind: Kind, request: string | undefined, pause: () => number): void {
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
    private scheduled(kind: Kind, request: string, every: number, first: number): void {
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

    private async send(
        connection: Connection,
        kind: Kind,
        request: string | undefined,
        at: number,
    ): Promise<Fate> {
        const fate: Fate = { kind, at, latency: 0 };
        try {
            const body = `wine ${Math.random()}`;
            fate.body = await connection.exchange(request ?? post("/echo", body));
            if (request === undefined && fate.body !== body)
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

function get(path: string): string {
    return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

function post(path: string, body: string): string {
    return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
