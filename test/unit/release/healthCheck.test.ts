import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import * as net from "node:net";
import { healthCheck, wholeHealth } from "../../../components/release/healthCheck";

interface Ended {
    code: number | string | null | undefined;
    killed: boolean;
    stdout: string;
    stderr: string;
}

/** Runs the check as Docker does, with a time limit. */
function check(port: number, timeout = 5000): Promise<Ended> {
    const [, shell = "", ...args] = healthCheck({ port, path: "/up?full=1" }).tests as string[];
    return new Promise((resolve) =>
        execFile(shell, args, { timeout }, (error, stdout, stderr) =>
            resolve({ code: error ? error.code : 0, killed: error?.killed ?? false, stdout, stderr }),
        ),
    );
}

/** A server that answers every request with a text, while something runs; with nothing if there is no text. */
async function serving<T>(
    answer: string | undefined,
    run: (port: number, requests: string[]) => Promise<T>,
): Promise<T> {
    const requests: string[] = [];
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => undefined);
        let request = "";
        socket.on("data", (data) => {
            request += data.toString();
            // Bash sends line by line.
            if (!request.endsWith("\r\n\r\n")) return;
            requests.push(request);
            if (answer !== undefined) socket.end(answer);
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
        return await run((server.address() as net.AddressInfo).port, requests);
    } finally {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
    }
}

describe("the health check", () => {
    it("is run by bash, every second, without a shell of Docker's", () => {
        const { tests: given, ...times } = healthCheck({ port: 4000, path: "/" });
        const tests = given as string[];
        assert.deepEqual(tests.slice(0, 3), ["CMD", "/bin/bash", "-c"]);
        assert.equal(tests.length, 4);
        assert.deepEqual(times, { interval: "1s", timeout: "5s", retries: 3 });
    });

    it("has times and a host name where none are given", () => {
        const whole = { port: 4000, path: "/", host: "localhost", bootSeconds: 60, bakeSeconds: 3 };
        assert.deepEqual(wholeHealth({ port: 4000, path: "/" }), whole);
        const given = { port: 1, path: "/up", host: "a.example", bootSeconds: 1, bakeSeconds: 0 };
        assert.deepEqual(wholeHealth(given), given);
    });

    it("asks for the path as a request that came through TLS", async () => {
        await serving("HTTP/1.1 200 OK\r\n\r\n", async (port, requests) => {
            await check(port);
            const headers = ["Host: localhost", "X-Forwarded-Proto: https", "Connection: close"];
            assert.deepEqual(requests, [["GET /up?full=1 HTTP/1.1", ...headers, "", ""].join("\r\n")]);
        });
    });

    const answers: [status: string, code: number][] = [
        ["200 OK", 0],
        ["200", 0],
        ["204 No Content", 1],
        ["302 Found", 1],
        ["404 Not Found", 1],
        ["500 Internal Server Error", 1],
        ["503 200", 1],
    ];
    for (const [status, code] of answers) {
        it(`ends with ${code} on the answer ${status}`, async () => {
            const answer = `HTTP/1.1 ${status}\r\nLocation: /200\r\nContent-Length: 0\r\n\r\n`;
            assert.deepEqual(await serving(answer, (port) => check(port)), {
                code,
                killed: false,
                stdout: `GET /up?full=1 answered ${status}\r\n`,
                stderr: "",
            });
        });
    }

    it("fails, and says why, where nothing listens", async () => {
        const port = await serving(undefined, (free) => Promise.resolve(free));
        const { code, stdout, stderr } = await check(port);
        const said = { code: 1, stdout: `nothing listens on port ${port}\n`, stderr: "" };
        assert.deepEqual({ code, stdout, stderr }, said);
    });

    it("fails where the connection closes without an answer", async () => {
        const { code, stdout } = await serving("", (port) => check(port));
        assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    });

    it("waits for an answer until Docker's time limit ends it", async () => {
        const ended = await serving(undefined, (port) => check(port, 700));
        assert.deepEqual(ended, { code: null, killed: true, stdout: "", stderr: "" });
    });
});
