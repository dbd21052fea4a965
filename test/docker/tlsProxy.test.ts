import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import * as net from "node:net";
import * as tls from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerCli } from "../../components/docker/dockerCli";
import { hostBoot } from "../../components/floatingIp/hostBoot";
import { releaseEnv } from "../../components/release/releaseEnv";
import { BootHost } from "../support/bootHost";
import { BootImages, dockerDoes } from "../support/bootImages";
import { commandLines } from "../support/canaries";
import { engine } from "../support/dockerProvider";
import { freePort } from "../support/machine";
import { valueOf } from "../support/mockPulumi";

const PATH = "/decanter/test/hello";

/** A certificate of its own, and its key. */
function certificate(): string {
    const options =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=a.example";
    return execFileSync("openssl", [...options.split(" "), "-keyout", "-"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
    });
}

describe("the TLS proxy of a host", function () {
    this.timeout(300_000);

    const release = `tls-test-${process.pid}`;
    const pem = certificate();
    const key = /PRIVATE KEY-----\n(.*)\n/.exec(pem)?.[1] ?? "";
    let images: BootImages;
    let image: string;
    let proxyImage: string;
    let httpPort: number;
    let httpsPort: number;
    let host: BootHost;

    async function boot(stored: Record<string, string>, behindProxy = false): Promise<void> {
        [httpPort, httpsPort] = [await freePort(), await freePort()];
        host = new BootHost(stored, { registry: images.address, token: images.token });
        const userData = hostBoot(
            {
                release,
                image,
                proxyImage,
                behindProxy,
                region: "eu-central-1",
                parameters: PATH,
                parametersVersion: "1",
                secretNames: ["RELEASE_COOKIE"],
                env: releaseEnv({ port: 4000, domain: "a.example" }),
                logGroup: PATH,
                health: { port: 4000, path: "/health", bakeSeconds: 0 },
                drainSeconds: 5,
            },
            { httpPort, httpsPort, retrySeconds: 1, listenSeconds: 1, log: ["--log-driver", "json-file"] },
        );
        host.boot(await valueOf(userData));
    }
    async function clear(): Promise<void> {
        host?.stop();
        await dockerCli(undefined, ["rm", "-f", "-v", release, `${release}-tls`]);
        await dockerCli(undefined, ["network", "rm", release]);
    }

    /** All that comes back on a connection until both sides have closed it. */
    const answerOn = (socket: net.Socket, bytes: string) =>
        new Promise<string>((resolve, reject) => {
            let received = "";
            socket.on("data", (data) => (received += data.toString("latin1")));
            socket.on("error", reject);
            socket.on("close", () => resolve(received));
            socket.end(bytes, "latin1");
        });
    const secure = (bytes: string, options: tls.ConnectionOptions = {}) =>
        answerOn(
            tls.connect({ port: httpsPort, host: "127.0.0.1", rejectUnauthorized: false, ...options }),
            bytes,
        );
    const plain = (bytes: string) => answerOn(net.connect({ port: httpPort, host: "127.0.0.1" }), bytes);
    const request = (start: string, ...headers: string[]) =>
        `${[start, "Host: a.example", ...headers].join("\r\n")}\r\n\r\n`;
    /** The headers of the requests that the release has got since it was last asked. */
    const seen = async (): Promise<Record<string, string>[]> => {
        const [, lines = ""] = (await secure(request("GET /seen HTTP/1.1"))).split("\r\n\r\n");
        return lines.split("\n").flatMap((line) => {
            const head = Buffer.from(line.split(" ")[1] ?? "", "base64").toString("latin1");
            const pairs = [...head.matchAll(/^([^\s:]+): ?(.*?)\r?$/gm)];
            return line === ""
                ? []
                : [Object.fromEntries(pairs.map(([, name = "", value = ""]) => [name.toLowerCase(), value]))];
        });
    };
    const claims = [
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: evil.example",
        "X_Forwarded_For: 6.6.6.6",
        "Forwarded: for=6.6.6.6",
        "X-Real-IP: 6.6.6.6",
    ];

    before(async function () {
        const reason = BootHost.whyNot();
        if (reason !== undefined) {
            process.stderr.write(`  skipped: ${reason}\n`);
            this.skip();
        }
        images = await BootImages.start(release);
        image = await images.needy("nobody");
        proxyImage = await images.proxy();
    });
    after(() => images?.stop());

    const stored = { [`${PATH}/RELEASE_COOKIE`]: "c", [`${PATH}-tls/TLS_CERTIFICATE`]: pem };

    describe("with a certificate", () => {
        let running = "";

        before(async () => {
            await boot(stored);
            let code: number | undefined;
            const booted = host.serves(120).then((exit) => (code = exit));
            while (code === undefined) {
                running += commandLines();
                await Promise.race([booted, sleep(20)]);
            }
            assert.equal(code, 0, host.console);
            assert.deepEqual(host.said().slice(-4), [
                "the release is healthy",
                "TLS works",
                "decanter: healthy",
                "decanter: serves",
            ]);
        });
        after(clear);
        beforeEach(seen);

        it("answers over TLS with that certificate", async () => {
            const socket = tls.connect({ port: httpsPort, host: "127.0.0.1", rejectUnauthorized: false });
            const shown = once(socket, "secureConnect").then(() =>
                socket.getPeerX509Certificate()?.toString(),
            );
            const answer = await answerOn(socket, request("GET /outer HTTP/1.1", "Connection: close"));
            assert.match(answer, /^HTTP\/1\.1 200 /);
            assert.ok(pem.includes((await shown)?.trim() ?? "none is shown"));
        });

        it("takes TLS 1.2 and newer, and HTTP/1 alone", async () => {
            const get = request("GET /outer HTTP/1.1", "Connection: close");
            for (const version of ["TLSv1.2", "TLSv1.3"] as const)
                assert.match(
                    await secure(get, { minVersion: version, maxVersion: version }),
                    /^HTTP\/1\.1 200 /,
                );
            const old = {
                minVersion: "TLSv1",
                maxVersion: "TLSv1.1",
                ciphers: "DEFAULT@SECLEVEL=0",
            } as const;
            await assert.rejects(secure(get, old), /alert|version/i);
            const options = { port: httpsPort, host: "127.0.0.1", rejectUnauthorized: false };
            const socket = tls.connect({ ...options, ALPNProtocols: ["h2", "http/1.1"] });
            await answerOn(socket, get);
            assert.equal(socket.alpnProtocol, "http/1.1");
        });

        it("sends plain HTTP there, whatever is asked for", async () => {
            for (const [ask, location] of [
                ["GET /wine?year=1982 HTTP/1.1", "https://a.example/wine?year=1982"],
                ["POST http://a.example/wine HTTP/1.1", "https://a.example/wine"],
            ] as const) {
                const answer = await plain(request(ask, "Connection: close"));
                assert.match(answer, /^HTTP\/1\.1 301 /);
                assert.ok(answer.includes(`location: ${location}\r\n`), answer);
            }
            const answer = await plain("GET / HTTP/1.1\r\nHost: a.example:80\r\nConnection: close\r\n\r\n");
            assert.match(answer, /location: https:\/\/a\.example\/\r\n/);
            assert.match(await plain("GET / HTTP/1.0\r\n\r\n"), /^HTTP\/1\.\d 400 /);
            assert.deepEqual(await seen(), []);
        });

        it("says who visitors are and how they come, whatever they claim", async () => {
            await secure(request("GET /outer HTTP/1.1", ...claims));
            const [headers = {}] = await seen();
            assert.equal(headers["x-forwarded-proto"], "https");
            assert.equal(headers["x-forwarded-host"], "a.example");
            assert.match(headers["x-forwarded-for"] ?? "", /^[\d.]+$/);
            assert.ok(!JSON.stringify(headers).includes("6.6.6.6"));
        });

        it("lets WebSockets through, and no other tunnel", async () => {
            const key = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
            const upgrade = (protocol: string) => ["Connection: Upgrade", `Upgrade: ${protocol}`, ...key];
            await secure(request("GET /outer HTTP/1.1", ...upgrade("websocket")));
            await secure(request("GET /outer HTTP/1.1", ...upgrade("h2c"), "HTTP2-Settings: AAMAAABk"));
            const [socket, other] = await seen();
            assert.equal(socket?.upgrade, "websocket");
            assert.equal(other?.upgrade, undefined);
            assert.match(await secure(request("CONNECT a.example:443 HTTP/1.1")), /^HTTP\/1\.1 40[05] /);
        });

        it("refuses what two readers could read in two ways", async () => {
            const body = "0\r\n\r\n";
            const long = request("POST /outer HTTP/1.1", "Content-Length: 18446744073709551617");
            const old = request("POST /outer HTTP/1.0", "Transfer-Encoding: chunked");
            for (const bytes of [long + body, old + body, "GET /outer HTTP/1.1\r\n\r\n"])
                assert.match(await secure(bytes), /^HTTP\/1\.\d 400 /, bytes);
            assert.deepEqual(await seen(), []);
        });

        it("finds a release that was started again", async () => {
            await dockerDoes("restart", "-t", "0", release);
            const get = request("GET /outer HTTP/1.1", "Connection: close");
            let answer = "";
            for (let tries = 0; tries < 200 && !answer.startsWith("HTTP/1.1 200"); tries++) {
                answer = await secure(get);
                await sleep(100);
            }
            assert.match(answer, /^HTTP\/1\.1 200 /);
        });

        it("runs without any privilege, and keeps its key to itself", async () => {
            const { HostConfig, Config } = await engine.getContainer(`${release}-tls`).inspect();
            assert.equal(Config.User, "haproxy");
            assert.deepEqual([HostConfig.CapDrop, HostConfig.CapAdd], [["ALL"], null]);
            assert.deepEqual(HostConfig.SecurityOpt, ["no-new-privileges"]);
            assert.equal(HostConfig.ReadonlyRootfs, true);
            assert.equal(HostConfig.RestartPolicy?.Name, "always");
            const own = await dockerDoes("exec", `${release}-tls`, "stat", "-c", "%a %U", "/tmp/site.pem");
            assert.equal(own, "600 haproxy");
            for (const [where, text] of Object.entries({
                running,
                said: host.console,
                calls: host.read("calls"),
            }))
                assert.ok(key !== "" && !text.includes(key), where);
            // The release has no business with it.
            const { Env } = (await engine.getContainer(release).inspect()).Config;
            assert.ok(!Env.some((variable) => variable.startsWith("TLS_CERTIFICATE")));
        });
    });

    it("believes a proxy in front of it where there is one", async () => {
        await boot(stored, true);
        try {
            assert.equal(await host.serves(120), 0);
            await seen();
            await secure(request("GET /outer HTTP/1.1", ...claims));
            const [headers = {}] = await seen();
            assert.equal(headers["x-forwarded-for"], "6.6.6.6");
            assert.equal(headers["x-forwarded-host"], "evil.example");
            assert.equal(headers["x-forwarded-proto"], "https");
        } finally {
            await clear();
        }
    });

    for (const [name, tlsCertificate, problem] of [
        ["is missing", undefined, /secrets are missing \(\/decanter\/test\/hello-tls\/TLS_CERTIFICATE\)/],
        [
            "is no certificate",
            pem.replace(/[A-Za-z0-9+/]{20}/g, "A".repeat(20)),
            /TLS does not work \(tlsCertificate\): container tls-test-\d+-tls stopped with exit code 1\. Its last lines:\n[^]*site\.pem/,
        ],
    ] as const) {
        it(`lets nobody in where its certificate ${name}, and says why`, async () => {
            const { [`${PATH}-tls/TLS_CERTIFICATE`]: _certificate, ...others } = stored;
            const given = tlsCertificate && { [`${PATH}-tls/TLS_CERTIFICATE`]: tlsCertificate };
            await boot({ ...others, ...given });
            try {
                assert.match(await host.says(/^decanter: failed: /), problem);
                assert.ok(!host.said().includes("decanter: healthy"));
                const { stdout } = await dockerCli(undefined, [
                    "ps",
                    "--quiet",
                    "--filter",
                    `name=${release}(-tls)?$`,
                ]);
                assert.equal(stdout, "", "nothing of the release runs");
            } finally {
                await clear();
            }
        });
    }
});
