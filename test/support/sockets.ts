import type { ClientHttp2Session } from "node:http2";
import type { createConnection } from "node:net";
import { WebSocket } from "ws";
import { Http2Socket, openSession } from "./http2Socket";

/** The life of one WebSocket. Times are in milliseconds since the clients began. */
export interface Life {
    /** When it was greeted, which is when it can be used; undefined if it never was. */
    openedAt?: number;
    /** What it was greeted with: the release names itself. */
    greeting?: string;
    /** Messages that came back. */
    echoes: number;
    /** The longest that a message took to come back, in milliseconds. */
    slowestMs: number;
    /** Messages that came back out of turn or never, but for those that may have met the close on their way. */
    lost: number;
    /** When it was closed, or could not be opened; undefined if the client ended it. */
    closedAt?: number;
    /** Close code; 1006 is a connection that broke without one, or was never there. */
    code?: number;
    /** Why it broke or could not be opened. */
    error?: string;
}

/** What one client went through. */
export interface SocketRecord {
    first: Life;
    /** The one reconnect, made as soon as the first was closed. */
    second?: Life;
}

export interface SocketsOptions {
    port: number;
    /** Host name for https, whose certificate may be anybody's; without one it is plain http. */
    https?: string;
    /** By HTTP/2 (RFC 8441), with https: some share a connection, as those of a browser's tabs do. */
    http2?: boolean;
    /** How many are opened, all at once. */
    count: number;
    /**
     * Time from one message of a socket to its next, in milliseconds.
     *
     * @default 1000
     */
    everyMs?: number;
}

/** A message that is younger at the close of its socket may have met the close on its way. */
const ON_ITS_WAY_MS = 5000;

/** WebSockets that share a connection by HTTP/2. */
const SHARED = 10;

/** Clients that hold a WebSocket to /socket open, talk all the time, and reconnect once when it is closed. */
export class Sockets {
    readonly records: SocketRecord[];
    private readonly started = performance.now();
    private readonly clients: { opened: Promise<void>; reconnected: Promise<void> }[];
    private readonly open = new Map<WebSocket, Promise<void>>();
    private readonly sessions: Promise<ClientHttp2Session>[] = [];
    private streams = 0;
    private running = true;

    constructor(private readonly options: SocketsOptions) {
        this.records = Array.from({ length: options.count }, () => ({ first: newLife() }));
        this.clients = this.records.map((record) => this.client(record));
    }

    /** Milliseconds since the clients began. */
    now(): number {
        return performance.now() - this.started;
    }

    /** Waits until each has been greeted, or could not connect. */
    async opened(): Promise<void> {
        await Promise.all(this.clients.map(({ opened }) => opened));
    }

    /** Waits until each has lost its first socket, and has been greeted on another or could not connect. */
    async reconnected(): Promise<void> {
        await Promise.all(this.clients.map(({ reconnected }) => reconnected));
    }

    /** Ends all that are open. */
    async close(): Promise<SocketRecord[]> {
        this.running = false;
        for (const socket of this.open.keys()) socket.close();
        await Promise.all(this.open.values());
        for (const session of this.sessions) (await session).destroy();
        return this.records;
    }

    private client(record: SocketRecord) {
        const first = this.connect(record.first);
        const reconnected = first.closed.then(() => {
            if (!this.running) return;
            record.second = newLife();
            return this.connect(record.second).opened;
        });
        return { opened: first.opened, reconnected };
    }

    /** A connection by HTTP/2 for one more. */
    private session(): Promise<ClientHttp2Session> {
        const { port, https = "" } = this.options;
        if (this.streams++ % SHARED === 0) this.sessions.push(openSession(port, https));
        return this.sessions.at(-1) as Promise<ClientHttp2Session>;
    }

    private connect(life: Life): { opened: Promise<void>; closed: Promise<void> } {
        const { port, https, http2 = false, everyMs = 1000 } = this.options;
        const options = { perMessageDeflate: false, handshakeTimeout: 30_000 };
        // It takes any stream, and its types a socket alone.
        const stream = (() => new Http2Socket(this.session())) as unknown as typeof createConnection;
        const tls = {
            ...options,
            servername: https,
            rejectUnauthorized: false,
            ...(http2 && { createConnection: stream }),
        };
        const socket =
            https === undefined
                ? new WebSocket(`ws://127.0.0.1:${port}/socket`, options)
                : new WebSocket(`wss://127.0.0.1:${port}/socket`, tls);
        const sent: { text: string; at: number }[] = [];
        let number = 0;
        let timer: NodeJS.Timeout | undefined;
        const talk = () => {
            const text = `wine ${++number}`;
            sent.push({ text, at: this.now() });
            socket.send(text);
            timer = setTimeout(talk, everyMs);
        };
        const listen = (text: string) => {
            if (life.openedAt === undefined) {
                life.openedAt = this.now();
                life.greeting = text;
                // Spreads the messages of all clients over time.
                timer = setTimeout(talk, Math.random() * everyMs);
                return;
            }
            while (sent.length > 0 && sent[0]?.text !== text) {
                sent.shift();
                life.lost++;
            }
            const message = sent.shift();
            if (message === undefined) return;
            life.echoes++;
            life.slowestMs = Math.max(life.slowestMs, this.now() - message.at);
        };

        const closed = new Promise<void>((resolve) => {
            socket.on("error", (error) => {
                if (this.running) life.error = error.message;
            });
            socket.on("close", (code) => {
                clearTimeout(timer);
                this.open.delete(socket);
                life.lost += sent.filter(({ at }) => this.now() - at > ON_ITS_WAY_MS).length;
                if (this.running) {
                    life.closedAt = this.now();
                    life.code = code;
                }
                resolve();
            });
        });
        const greeted = new Promise<void>((resolve) => {
            socket.on("message", (data: Buffer) => {
                listen(data.toString());
                resolve();
            });
        });
        this.open.set(socket, closed);
        return { opened: Promise.race([greeted, closed]), closed };
    }
}

/** From the first reconnect to the last, in milliseconds. */
export function reconnectSpread(records: SocketRecord[]): number {
    const times = records.flatMap(({ second }) => second?.openedAt ?? []).sort((a, b) => a - b);
    return (times.at(-1) ?? NaN) - (times[0] ?? NaN);
}

function newLife(): Life {
    return { echoes: 0, slowestMs: 0, lost: 0 };
}
