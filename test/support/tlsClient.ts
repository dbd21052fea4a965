import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import { text } from "node:stream/consumers";
import * as tls from "node:tls";

/** What a client of https is told. */
export interface TlsAnswer {
    status: number;
    headers: Record<string, string | string[] | undefined>;
    body: string;
}

/** Where a client connects to, and for which name. It takes every certificate: what it is shown is asserted by the tests. */
export interface TlsTarget {
    port: number;
    name: string;
}

const optionsOf = ({ port, name }: TlsTarget): tls.ConnectionOptions => ({
    host: "127.0.0.1",
    port,
    servername: name,
    rejectUnauthorized: false,
});

/** The certificate that a handshake shows; rejects where there is no handshake. */
export async function shown(
    target: TlsTarget,
    more: tls.ConnectionOptions = {},
): Promise<tls.DetailedPeerCertificate> {
    const socket = tls.connect({ ...optionsOf(target), ...more });
    await once(socket, "secureConnect");
    const certificate = socket.getPeerCertificate(true);
    socket.destroy();
    return certificate;
}

/** A request by HTTP/1.1 on a connection of its own, or on the agent's. */
export async function get1(target: TlsTarget, path: string, agent?: https.Agent): Promise<TlsAnswer> {
    const request = https.get({ ...optionsOf(target), path, agent, headers: { host: target.name } });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

/** A request by HTTP/2 on a connection of its own. */
export async function get2(target: TlsTarget, path: string, headers = {}): Promise<TlsAnswer> {
    const session = http2.connect(`https://${target.name}`, {
        createConnection: () => tls.connect({ ...optionsOf(target), ALPNProtocols: ["h2"] }),
    });
    try {
        const stream = session.request({ ":path": path, ...headers });
        const [answer] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
        return { status: Number(answer[":status"]), headers: answer, body: await text(stream) };
    } finally {
        session.destroy();
    }
}
