import { strict as assert } from "node:assert";
import * as net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { Load, summarize } from "../../bench/load";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerService } from "../../components/dockerHost/dockerService";
import { Router } from "../../components/dockerHost/router";
import { engine } from "../support/dockerProvider";
import { baseImages, freePort } from "../support/machine";
import { MiniEngine } from "../support/miniEngine";
import { settingsOf } from "../support/mockPulumi";
import { buildUpstream } from "../support/upstream";

/** A request as the release read it. */
interface Seen {
    /** "complete", "cut" where its connection closed before its end, or "malformed". */
    ending: string;
    requestLine: string;
    headers: [name: string, value: string][];
    body: string;
}

/** What attackers want to be taken for a request of its own. */
const INNER = "GET /inner HTTP/1.1\r\nHost: localhost\r\n\r\n";
const SIZE = INNER.length;
const get = (headers: string, start = "GET /outer HTTP/1.1") =>
    `${start}\r\nHost: localhost\r\n${headers}\r\n`;
const post = (headers: string, body: string) => get(headers, "POST /outer HTTP/1.1") + body;
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const END = "0\r\n\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const upgrade = (protocol: string) =>
    `Connection: Upgrade\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABk\r\n` +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

const length = (value: string): [string] => [post(`Content-Length: ${value}\r\n`, INNER)];
const header = (line: string): [string] => [post(`${line}\r\nContent-Length: ${5 + SIZE}\r\n`, END + INNER)];
const coding = (value: string) => header(`Transfer-Encoding:${value}`);

describe("the router, seen from outside", function () {
    this.timeout(120_000);

    const name = `router-test-${process.pid}`;
    const upstream = `${name}-upstream`;
    const settings = settingsOf(baseImages());
    let port: number;
    let behindProxy = false;
    const stack = new MiniEngine(name, () => {
        const health = { port: 4000, path: "/health", host: "shop.example", bakeSeconds: 0 };
        const image = settings["decanter:routerImage"] ?? "";
        const router = new Router(name, { image, publicPort: port, health });
        const service = new DockerService(upstream, {
            image: upstream,
            version: "1.0.0",
            router,
            health,
            behindProxy,
            env: { HEALTH_HOST: "shop.example" },
            secrets: pulumi.output<Record<string, string>>({}),
            drainSeconds: 1,
        });
        return { router: router.containerId, containers: service.containers };
    });

    before(async () => {
        port = await freePort();
        await buildUpstream(upstream);
        await stack.up({});
    });
    after(async () => {
        await stack.destroy();
        await dockerCli(undefined, ["rmi", "-f", name, upstream]);
    });

    beforeEach(() => seen());

    /** Connects; the answer is all that comes back until both sides have closed, and says if that never happens. */
    const connect = () => {
        const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
        const answer = new Promise<string>((resolve) => {
            let received = "";
            socket.on("data", (data) => (received += data.toString("latin1")));
            socket.on("end", () => socket.end());
            // A router that closes with bytes unread resets.
            socket.on("error", () => undefined);
            socket.on("close", () => resolve(received));
            socket.setTimeout(60_000, () => {
                received = `silent for 60 s, after "${received}"`;
                socket.destroy();
            });
        });
        return { socket, answer };
    };
    const send = (bytes: string) => {
        const { socket, answer } = connect();
        socket.end(bytes, "latin1");
        return answer;
    };
    const seen = async (): Promise<Seen[]> => {
        const [, lines = ""] = (await send(get("", "GET /seen HTTP/1.1"))).split("\r\n\r\n");
        return lines.split("\n").flatMap((line) => {
            const [ending = "", ...fields] = line.split(" ");
            const [head = "", body = ""] = fields.map((field) =>
                Buffer.from(field, "base64").toString("latin1"),
            );
            const [requestLine = "", ...headers] = head.split("\r\n");
            const pairs = headers.map((header): [string, string] => {
                const [, key = "", value = ""] = /^([^\s:]+): ?(.*)$/s.exec(header) ?? [];
                return [key, value];
            });
            return ending === "" ? [] : [{ ending, requestLine, headers: pairs, body }];
        });
    };
    const inside = async (container: string, script: string, ...args: string[]) => {
        const { output } = await dockerCli(undefined, ["exec", container, "bash", "-c", script, ...args]);
        return output;
    };
    const inRouter = (script: string, ...args: string[]) =>
        inside(stack.outputs.router as string, script, ...args);
    const admin = (command: string) =>
        inRouter('exec 3<> /dev/tcp/127.0.0.1/9999; echo "$0" >&3; cat <&3', command);
    const info = async (key: string) =>
        Number(new RegExp(`^${key}: (\\d+)$`, "m").exec(await admin("show info"))?.[1]);
    const itServes = async () => assert.match(await send(get("")), /^HTTP\/1\.1 200 /);

    it("runs without any privilege", async () => {
        const processes = await inRouter("grep -hE '^(Name|Uid|Gid|Cap...|NoNewPrivs):' /proc/[0-9]*/status");
        assert.match(processes, /^Name:\thaproxy$/m);
        for (const [line] of processes.matchAll(/^[UG]id:.*$/gm)) assert.doesNotMatch(line, /\t0\b/);
        for (const [line] of processes.matchAll(/^Cap.*$/gm)) assert.match(line, /\t0{16}$/);
        for (const [line] of processes.matchAll(/^NoNewPrivs.*$/gm)) assert.match(line, /\t1$/);
    });

    it("may write to its volume, and nowhere else", async () => {
        const writable =
            "find / -path /proc -prune -o '(' -type d -o -type f ')' -writable -print 2> /dev/null";
        const files = (await inRouter(writable)).trim().split("\n");
        assert.deepEqual(files.sort(), [
            "/var/lib/haproxy",
            ...["blue.release", "live.cfg"].map((file) => `/var/lib/haproxy/${file}`),
        ]);
        assert.equal(await inRouter("touch /var/lib/haproxy/x && rm /var/lib/haproxy/x"), "");
    });

    it("listens on one port, and on loopback for its own administration", async () => {
        const sockets = await inRouter("cat /proc/net/tcp /proc/net/tcp6");
        const listening = [...sockets.matchAll(/^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A /gm)]
            .map(([, address = "", hex = ""]) => [address, parseInt(hex, 16)] as const)
            // Docker's own name server.
            .filter(([address]) => address !== "0B00007F");
        assert.deepEqual(
            new Set(listening.map(([address, at]) => `${address} ${at}`)),
            new Set(["00000000 8080", "0100007F 9998", "0100007F 9999"]),
        );
        const { NetworkSettings } = await engine.getContainer(stack.outputs.router as string).inspect();
        assert.deepEqual(Object.keys(NetworkSettings.Ports), ["8080/tcp"]);
    });

    it("lets nobody outside of it administer it", async () => {
        const { Name, NetworkSettings } = await engine.getContainer(stack.outputs.router as string).inspect();
        const addresses = Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress);
        const [release = ""] = stack.outputs.containers as string[];
        for (const host of [Name.slice(1), ...addresses]) {
            const tries = [8080, 9999].map((at) =>
                inside(release, `exec 3<> /dev/tcp/$0/${at} && echo connected`, host),
            );
            const [open, closed] = await Promise.all(tries);
            assert.equal(open, "connected\n");
            assert.match(closed ?? "", /Connection refused/);
        }
        for (const host of addresses) {
            const refused = await new Promise<NodeJS.ErrnoException>((resolve) =>
                net.connect({ host, port: 9999 }).on("error", resolve),
            );
            assert.equal(refused.code, "ECONNREFUSED");
        }
        assert.match(await send("show info\n"), /^HTTP\/1\.1 400 /);
        assert.match(await admin("show info"), /^Name: HAProxy$/m);
    });

    /** By kind: what is sent, and what a reader to the letter of RFC 9112 sees; nothing where it has to refuse. */
    const tricks: Record<string, [bytes: string, ...requests: string[]][]> = {
        "two lengths": [
            [post(`Content-Length: ${5 + SIZE}\r\n${CHUNKED}`, END + INNER), "POST /outer ", "GET /inner "],
            [post(`${CHUNKED}Content-Length: 4\r\n`, chunk(INNER) + END), `POST /outer ${INNER}`],
            [post(`${CHUNKED}Content-Length: 4\r\n`, chunk(INNER) + END).replace("1.1", "1.0")],
            [post(CHUNKED, `0\r\nContent-Length: ${SIZE}\r\n\r\n${INNER}`), "POST /outer ", "GET /inner "],
            [get(`Content-Length: ${SIZE}\r\n`) + INNER, `GET /outer ${INNER}`],
            [get(`Content-Length: ${SIZE}\r\n`, "GET /outer HTTP/1.0") + INNER, `GET /outer ${INNER}`],
        ],
        "a length that is none": [
            ...["", `+${SIZE}`, "-1", "0x28", `${SIZE}.0`, "4 0", `\x0b${SIZE}`, `0, ${SIZE}`].map(length),
            length(`0\r\nContent-Length: ${SIZE}`),
            // 2^64 and the two after it, which some count as 0, 1 and 2.
            ...["18446744073709551616", "18446744073709551617", "18446744073709551618"].map(length),
            [...length(`${SIZE}, ${SIZE}`), `POST /outer ${INNER}`],
            [...length(`${SIZE}\r\nContent-Length: ${SIZE}`), `POST /outer ${INNER}`],
        ],
        "a coding in disguise": [
            ...["", " xchunked", " \x0bchunked", ' "chunked"', " chunked;a=b", " chunked, chunked"].map(
                coding,
            ),
            ...[" identity, chunked", " chunked, identity", " chunked\r\nTransfer-Encoding: identity"].map(
                coding,
            ),
            ...[" identity\r\nTransfer-Encoding: chunked", " chunked\r\nTransfer-Encoding: chunked"].map(
                coding,
            ),
            ...["X: x\rTransfer-Encoding: chunked", "Transfer-Encoding : chunked"].map(header),
            ...["\tchunked", " CHUNKED", "\r\n chunked"]
                .map(coding)
                .map(([bytes]): [string, ...string[]] => [bytes, "POST /outer ", "GET /inner "]),
            [...header("X: x\nTransfer-Encoding: chunked"), "POST /outer ", "GET /inner "],
            [get("X: a\r\n\tTransfer-Encoding: chunked\r\n"), "GET /outer "],
        ],
        "a chunk that is none": [
            ...["10000000000000005", "100000005", "0x5", "-5", "+5", "5;a\n", '5;a="\r\n'].map(
                (size): [string] => [post(CHUNKED, `${size}\r\nabcde\r\n${END}${INNER}`)],
            ),
            [post(CHUNKED, `5\rXabcde\r\n${END}`)],
            [post(CHUNKED, "5\nabcde\n0\n\n")],
            [post(CHUNKED, `5\r\nabcdeXX${END}`)],
            [post(CHUNKED, `2;\nxx\r\n${SIZE.toString(16)}\r\n${END}${INNER}`)],
            [post(CHUNKED, `5;a=b\r\nabcde\r\n${END}${INNER}`), "POST /outer abcde", "GET /inner "],
        ],
        "a header that is none": [
            ...["X Y: a", "X : a", ": a", "X", "X\0Y: a", "X: a\0b", "X: a\rb", "X\xe9: a"].map(
                (line): [string] => [get(`${line}\r\n`)],
            ),
            [get("X: a\r\n b\r\n"), "GET /outer "],
        ],
        "two hosts": [
            [get("Host: other\r\n")],
            [get("").replace("localhost", "localhost, other")],
            [get("").replace("localhost", "localhost/other")],
            [get("").replace(/Host.*\r\n/, "")],
            [get("", "GET http://other/outer HTTP/1.1")],
            [get("", "GET http://localhost/outer HTTP/1.1"), "GET http://localhost/outer "],
        ],
        "another protocol": [
            ["GET /outer\r\n"],
            ["PROXY TCP4 192.0.2.1 192.0.2.1 1 2\r\n" + get("")],
            ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"],
            ...[
                "GET /outer /x HTTP/1.1",
                "GET /ou\0ter HTTP/1.1",
                "GET /outer http/1.1",
                "GET outer HTTP/1.1",
            ].map((start): [string] => [get("", start)]),
        ],
        "a tunnel": [
            [`CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n${INNER}`, "GET /inner "],
            ...["h2c", "TLS/1.0", "xwebsocket"].map((protocol): [string, ...string[]] => [
                get(upgrade(protocol)) + INNER,
                "GET /outer ",
                "GET /inner ",
            ]),
            [get(upgrade("websocket"), "GET /426 HTTP/1.1") + INNER, "GET /426 ", "GET /inner "],
        ],
    };
    for (const [kind, tries] of Object.entries(tricks)) {
        it(`hides no request behind ${kind}`, async () => {
            for (const [bytes, ...requests] of tries) {
                const trick = JSON.stringify(bytes);
                const answer = await send(bytes);
                const all = await seen();
                for (const request of all) assertPlain(request, trick);
                const whole = all
                    .filter(({ ending }) => ending === "complete")
                    .map(({ requestLine, body }) => `${requestLine.replace(/HTTP\/1\.[01]$/, "")}${body}`);
                // It may refuse more, or close after the first.
                assert.deepEqual(whole, requests.slice(0, whole.length), trick);
                if (whole.length === 0) assert.match(answer, /^(HTTP\/1\.1 4\d\d |$)/, trick);
            }
            await itServes();
        });
    }

    it("opens a tunnel for a WebSocket", async () => {
        for (const connection of ["Upgrade", "keep-alive, Upgrade, X-Forwarded-For"]) {
            const handshake = get(upgrade("websocket").replace("Upgrade", connection));
            assert.match(await send(handshake), /^HTTP\/1\.1 101 /);
            const [request] = await seen();
            const said = request?.headers.filter(([key]) => ["connection", "upgrade"].includes(key));
            assert.deepEqual(said?.sort(), [
                ["connection", "upgrade"],
                ["upgrade", "websocket"],
            ]);
        }
    });

    it("passes headers of 64 KB both ways", async () => {
        const cookies = ["Cookie: ", ...Array.from({ length: 15 }, (_, i) => `X-${i}: `)];
        const lines = cookies.map((key) => `${key}${"a".repeat(4000)}\r\n`);
        assert.match(await send(get(lines.join(""))), /^HTTP\/1\.1 200 /);
        const [request] = await seen();
        assert.equal(request?.headers.filter(([, value]) => value.length === 4000).length, 16);
        assert.match(await send(get(`X: ${"a".repeat(65_000)}\r\n`)), /^HTTP\/1\.1 200 /);
        const answer = await send(get("", "GET /headers/65000 HTTP/1.1"));
        assert.match(answer, /^HTTP\/1\.1 200 /);
        assert.equal(answer.match(/^x-line: a{990}\r$/gim)?.length, 65);
        assert.match(answer, /\r\n\r\nok$/);
        await seen();
    });

    it("refuses headers that are too large or too many, and passes a large body", async () => {
        const large = "a".repeat(90_000);
        const many = Array.from({ length: 300 }, (_, i) => `X-${i}: a\r\n`).join("");
        for (const bytes of [get(`X: ${large}\r\n`), get(many), get("", `GET /${large} HTTP/1.1`)])
            assert.match(await send(bytes), /^HTTP\/1\.1 4\d\d /);
        assert.deepEqual(await seen(), []);
        const body = "a".repeat(1_000_000);
        assert.match(await send(post(`Content-Length: ${body.length}\r\n`, body)), /^HTTP\/1\.1 200 /);
        assert.equal((await seen())[0]?.body, body);
    });

    const claims = [
        ...["X-Forwarded-For", "x-forwarded-FOR", "X_Forwarded_For", "X-Forwarded_For", "X-Forwarded.For"],
        ...[
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "X-Forwarded-Port",
            "X-Forwarded-Prefix",
            "X-Forwarded-Ssl",
        ],
        ...["X-Forwarded", "Forwarded", "X-Real-IP", "X-Client-IP"],
    ].map((header) => `${header}: 192.0.2.1\r\n`);

    it("passes on nothing that visitors claim about themselves", async () => {
        await send(get(""));
        const [honest] = await seen();
        assert.deepEqual(honest?.headers.map(([key]) => key).sort(), [
            "host",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
        ]);
        const names = "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host";
        for (const lie of [claims.join(""), `Connection: close, ${names}\r\n`, `Connection: ${names}\r\n`]) {
            await send(get(lie));
            assert.deepEqual((await seen())[0], honest, lie);
        }
    });

    it("serves on beside 900 clients that are slow, and cuts those that do not finish their headers", async () => {
        const load = new Load({ port, busy: 8, rate: 100, idle: 20, idleSeconds: 3 });
        const open = (count: number, bytes: string) =>
            Array.from({ length: count }, () => {
                const client = connect();
                client.socket.write(bytes);
                return client;
            });
        const silent = open(200, "");
        const headers = open(500, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
        const bodies = open(200, post("Content-Length: 1000\r\n", ""));
        let dripped = 0;
        const drip = setInterval(() => {
            dripped++;
            for (const { socket } of [...headers, ...bodies]) if (socket.writable) socket.write("a");
        }, 1000);
        try {
            // Browsers connect ahead of need, and would take a 408 for the answer to what they send then.
            for (const { answer } of silent) assert.equal(await answer, "");
            for (const { answer } of headers) assert.match(await answer, /^HTTP\/1\.1 408 /);
        } finally {
            clearInterval(drip);
        }
        assert.ok(dripped < 30, `it took ${dripped} s`);
        for (const { socket } of bodies) socket.end("a".repeat(1000 - dripped));
        for (const { answer } of bodies) assert.match(await answer, /^HTTP\/1\.1 200 /);
        const fates = await load.stop();
        const failed = fates.filter(({ failure }) => failure !== undefined);
        assert.deepEqual(failed, [], JSON.stringify(summarize(fates)));
        assert.ok(fates.length > 500, `${fates.length} requests were sent`);
    });

    it("keeps visitors waiting where its connections are used up, and refuses none", async () => {
        const most = await info("Maxconn");
        // Each may need another one to the release.
        assert.ok(most >= 1000 && 2 * most < (await info("Ulimit-n")), `at most ${most} connections`);
        await admin("set maxconn global 50");
        try {
            const silent = Array.from({ length: 50 }, connect);
            while ((await info("CurrConns")) < 50) await sleep(50);
            const visitors = Array.from({ length: 20 }, () => send(get("")));
            assert.equal(await Promise.race([...visitors, sleep(1000, "waiting")]), "waiting");
            for (const { answer } of silent) assert.equal(await answer, "");
            for (const answer of visitors) assert.match(await answer, /^HTTP\/1\.1 200 /);
        } finally {
            await admin(`set maxconn global ${most}`);
        }
        await itServes();
    });

    it("passes on what a proxy in front says about visitors", async () => {
        behindProxy = true;
        await stack.up({});
        await seen();
        await send(get(claims.join("")));
        const [request] = await seen();
        const said = request?.headers.slice(1).map(([key, value]) => `${key}: ${value}\r\n`);
        assert.deepEqual(
            said,
            claims.map((claim) => claim.toLowerCase()),
        );
    });
});

/** Whatever reads the request reads it in one way, and the router has seen that it is one. */
function assertPlain({ ending, headers }: Seen, trick: string): void {
    assert.notEqual(ending, "malformed", trick);
    for (const [key, value] of headers) {
        assert.match(key, /^[!#$%&'*+.^_`|~\w-]+$/, trick);
        assert.doesNotMatch(value, /[\0\r\n]/, trick);
    }
    const only = (...keys: string[]) =>
        headers.filter(([key]) => keys.includes(key)).map(([, value]) => value);
    const framing = only("content-length", "transfer-encoding");
    assert.ok(framing.length < 2, trick);
    assert.match(framing[0] ?? "chunked", /^(chunked|\d{1,18})$/, trick);
    assert.deepEqual(only("x-forwarded-proto"), ["http"], trick);
}
