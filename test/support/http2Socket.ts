import { createHash } from "node:crypto";
import { once } from "node:events";
import * as http2 from "node:http2";
import { Duplex } from "node:stream";
import * as tls from "node:tls";

/**
 * Opens a connection that WebSockets share.
 *
 * @param name host name, whose certificate may be anybody's
 * @returns the connection, once its server has said that it takes them
 */
export async function openSession(port: number, name: string): Promise<http2.ClientHttp2Session> {
    const options = { host: "127.0.0.1", port, servername: name, rejectUnauthorized: false };
    const session = http2.connect(`https://${name}`, {
        createConnection: () => tls.connect({ ...options, ALPNProtocols: ["h2"] }),
    });
    const [settings] = (await once(session, "remoteSettings")) as [http2.Settings];
    if (!settings.enableConnectProtocol) throw new Error("the server takes no extended CONNECT");
    return session;
}

/**
 * A stream of HTTP/2 (RFC 8441) for a client of WebSockets that speaks HTTP/1.1: what it asks for becomes an extended CONNECT, and what
 * is answered becomes an answer to its upgrade.
 */
export class Http2Socket extends Duplex {
    private head = "";
    private stream?: http2.ClientHttp2Stream;

    /** @param session what `openSession` opens */
    constructor(private readonly session: Promise<http2.ClientHttp2Session>) {
        super();
    }

    /** What a client asks of a socket of TCP. */
    setTimeout(): this {
        return this;
    }
    setNoDelay(): this {
        return this;
    }

    override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
        if (this.stream !== undefined) {
            this.stream.write(chunk, done);
            return;
        }
        this.head += chunk.toString("latin1");
        if (this.head.includes("\r\n\r\n")) this.connect().then(() => done(), done);
        else done();
    }

    override _final(done: () => void): void {
        this.stream?.end();
        done();
    }

    override _read(): void {
        this.stream?.resume();
    }

    override _destroy(error: Error | null, done: (error: Error | null) => void): void {
        this.stream?.close(http2.constants.NGHTTP2_CANCEL);
        done(error);
    }

    private async connect(): Promise<void> {
        const [start = "", ...lines] = this.head.split("\r\n");
        const headers = Object.fromEntries(
            lines.filter(Boolean).map((line) => {
                const colon = line.indexOf(":");
                return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
            }),
        );
        const accept = createHash("sha1")
            .update(`${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
            .digest("base64");
        const stream = (await this.session).request(
            {
                ":method": "CONNECT",
                ":protocol": "websocket",
                ":scheme": "https",
                ":authority": headers.host,
                ":path": start.split(" ")[1],
                "sec-websocket-version": headers["sec-websocket-version"],
            },
            { endStream: false },
        );
        stream.on("response", ({ ":status": status }) => {
            if (status === 200) {
                const agreed = [
                    "Upgrade: websocket",
                    "Connection: Upgrade",
                    `Sec-WebSocket-Accept: ${accept}`,
                ];
                this.push(`HTTP/1.1 101 Switching Protocols\r\n${agreed.join("\r\n")}\r\n\r\n`);
            } else this.push(`HTTP/1.1 ${status} -\r\nContent-Length: 0\r\n\r\n`);
        });
        stream.on("data", (data: Buffer) => {
            if (!this.push(data)) stream.pause();
        });
        stream.on("end", () => this.push(null));
        stream.on("error", (error) => this.destroy(error));
        stream.on("close", () => this.destroy());
        this.stream = stream;
    }
}
