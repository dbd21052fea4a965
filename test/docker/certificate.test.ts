import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PeerCertificate } from "node:tls";
import * as pulumi from "@pulumi/pulumi";
import { dockerCli } from "../../components/docker/dockerCli";
import { Certificate } from "../../components/dockerHost/certificate";
import { DockerService } from "../../components/dockerHost/dockerService";
import { Router } from "../../components/dockerHost/router";
import {
    acmeImage,
    CertificateAuthority,
    CLOCK,
    skipWithoutAuthority,
} from "../support/certificateAuthority";
import { baseImages, freePort } from "../support/machine";
import { MiniEngine } from "../support/miniEngine";
import { settingsOf } from "../support/mockPulumi";
import { get1, get2, shown, type TlsTarget } from "../support/tlsClient";
import { buildUpstream } from "../support/upstream";

describe("the certificate of a router", function () {
    this.timeout(300_000);

    const name = `tls-test-${process.pid}`;
    const upstream = `${name}-upstream`;
    const settings = settingsOf(baseImages());
    const image = settings["decanter:routerImage"] ?? "";
    const clockImage = `${name}-clock`;
    let names = ["shop.example", "www.shop.example"];
    let env: Record<string, string> = {};
    let profile = "default";
    let dns: string | undefined;
    let server = CertificateAuthority.server;
    let root = "";
    let port = 0;
    let target: TlsTarget;
    let authority: CertificateAuthority | undefined;
    const stack = new MiniEngine(name, () => {
        const health = { port: 4000, path: "/health", bakeSeconds: 0 };
        const router = new Router(name, { image, publicPort: port, httpsPort: target.port, health });
        const from = {
            image: acmeImage,
            server,
            dns,
            root,
            env: pulumi.secret({ LEGO_PROFILE: profile, ...env }),
            renewSeconds: 2,
        };
        const certificate = new Certificate("certificate", { router, image: clockImage, names, from });
        const service = new DockerService(upstream, {
            image: upstream,
            version: "1.0.0",
            router,
            health,
            hstsSeconds: 600,
            env: {},
            secrets: pulumi.output<Record<string, string>>({}),
            drainSeconds: 1,
        });
        return {
            router: router.containerId,
            network: router.networkName,
            certificate: certificate.container,
            containers: service.containers,
        };
    });
    const docker = async (...args: string[]) => {
        const { code, output } = await dockerCli(undefined, args, 60);
        assert.equal(code, 0, output);
        return output.trim();
    };
    const addressOf = (container: string) =>
        docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container);

    /** What the deploy warns of, and what it makes. */
    const up = async (): Promise<string> => {
        const log = pulumi.log as { warn: typeof pulumi.log.warn };
        const { warn } = log;
        const said: string[] = [];
        log.warn = (message) => {
            said.push(message);
            return Promise.resolve();
        };
        try {
            await stack.up({});
        } finally {
            log.warn = warn;
        }
        return said.join("\n");
    };
    const container = () => stack.outputs.certificate as string;
    const state = async () =>
        (await dockerCli(undefined, ["exec", container(), "cat", "/tmp/state"])).stdout.trim();
    const until = async (wanted: RegExp) => {
        for (const end = Date.now() + 60_000; !wanted.test(await state()); await sleep(250))
            assert.ok(Date.now() < end, `${await state()}\n${await docker("logs", container())}`);
    };
    /** Has the client try at once. */
    const again = () => docker("restart", "--time", "0", container());
    const itAnswers = async (isGood: () => Promise<boolean>) => {
        for (const end = Date.now() + 20_000; !(await isGood().catch(() => false)); await sleep(100))
            assert.ok(Date.now() < end);
    };
    const plain = (at: string) =>
        fetch(`http://127.0.0.1:${port}${at}`, { redirect: "manual", headers: { connection: "close" } });

    skipWithoutAuthority();
    before(async () => {
        root = await CertificateAuthority.root();
        port = await freePort();
        target = { port: await freePort(), name: "shop.example" };
        await buildUpstream(upstream);
        await buildClock(clockImage, image);
    });
    after(async () => {
        await authority?.stop();
        await stack.destroy();
        await dockerCli(undefined, ["rmi", "-f", name, upstream, clockImage]);
    });

    describe("before there is one", () => {
        it("has the deploy succeed, and says why the CA cannot be reached", async () => {
            assert.match(
                await up(),
                /no new certificate for shop\.example www\.shop\.example; the next try is in 1 min\. The reason: .*pebble/,
            );
        });

        it("has the site answer in the clear, and no handshake", async () => {
            assert.equal((await plain("/")).status, 200);
            await assert.rejects(shown(target));
        });

        it("serves nothing below the path of the challenge", async () => {
            const { status } = await plain("/.well-known/acme-challenge/../../secret");
            assert.equal(status, 200, "a path that a client has resolved is the release's");
            assert.equal((await plain("/.well-known/acme-challenge/x")).status, 503);
        });
    });

    describe("that the CA has given", () => {
        before(async () => {
            const { router, network } = stack.outputs as { router: string; network: string };
            authority = await CertificateAuthority.start(
                network,
                await addressOf(router),
                ["blocked.example"],
                true,
            );
            await again();
            await until(/the certificate is good until/);
        });

        it("is for all the names", async () => {
            for (const each of names) {
                const certificate = await shown({ ...target, name: each });
                assert.deepEqual(namesOf(certificate), names);
            }
        });

        it("is shown for no other name, and to nobody who says none", async () => {
            await assert.rejects(shown({ ...target, name: "other.example" }));
            await assert.rejects(shown(target, { servername: "" }));
        });

        it("is shown by TLS 1.2 and 1.3 alone", async () => {
            for (const version of ["TLSv1.2", "TLSv1.3"] as const)
                await shown(target, { minVersion: version, maxVersion: version });
            await assert.rejects(shown(target, { minVersion: "TLSv1", maxVersion: "TLSv1.1" }));
        });

        it("serves HTTP/1.1 and HTTP/2, tells the release of https, and browsers to stay with it", async () => {
            for (const get of [get1, get2]) {
                const { status, headers } = await get(target, "/200");
                assert.equal(status, 200);
                assert.equal(headers["strict-transport-security"], "max-age=600");
            }
            const seen = (await get1(target, "/seen")).body.split("\n");
            const heads = seen.map((line) => Buffer.from(line.split(" ")[1] ?? "", "base64").toString());
            const own = heads.filter((head) => head.startsWith("GET /200 "));
            assert.equal(own.length, 2);
            for (const head of own) {
                assert.match(head, /^x-forwarded-proto: https\r?$/im);
                assert.match(head, /^x-forwarded-host: shop\.example\r?$/im);
            }
        });

        it("takes headers of up to 64 KB by HTTP/2, and no smuggled length", async () => {
            assert.equal((await get2(target, "/200", { "x-long": "a".repeat(60_000) })).status, 200);
        });

        it("has what comes in the clear sent to https, with its path and its query", async () => {
            const { status, headers } = await plain("/wines?colour=red");
            assert.equal(status, 308);
            assert.equal(headers.get("location"), `https://127.0.0.1:${target.port}/wines?colour=red`);
        });

        it("is readable by the router and the client alone, like the account's key", async () => {
            const modes = await docker(
                "exec",
                container(),
                "find",
                "/certificates",
                "-printf",
                "%m %u %P\\n",
            );
            const lines = modes.split("\n");
            assert.ok(
                lines.some((line) => /live\/site\.pem$/.test(line)),
                modes,
            );
            for (const line of lines) assert.match(line, /^[4-7]00 haproxy /);
        });

        it("comes back with a router that is started again, and with one that is killed", async () => {
            const before = (await shown(target)).serialNumber;
            for (const how of ["restart", "kill"]) {
                await docker(how, stack.outputs.router as string);
                if (how === "kill") await docker("start", stack.outputs.router as string);
                await itAnswers(async () => (await get1(target, "/200")).status === 200);
                assert.equal((await shown(target)).serialNumber, before);
                assert.equal((await plain("/")).status, 308);
            }
        });

        it("is renewed when the CA says so, without a connection that ends", async () => {
            const before = await shown(target);
            const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
            const opened: unknown[] = [];
            const ask = () => get1(target, "/200", agent);
            await ask();
            opened.push(...Object.values(agent.freeSockets).flat());
            const pem = `-----BEGIN CERTIFICATE-----\n${before.raw.toString("base64")}\n-----END CERTIFICATE-----\n`;
            const past = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
            const response = { suggestedWindow: { start: past(2), end: past(1) } };
            await authority?.manage("/set-renewal-info/", {
                Certificate: pem,
                ARIResponse: JSON.stringify(response),
            });
            for (
                const end = Date.now() + 60_000;
                (await shown(target)).serialNumber === before.serialNumber;
            ) {
                assert.ok(Date.now() < end, await docker("logs", container()));
                assert.equal((await ask()).status, 200);
                await sleep(200);
            }
            await ask();
            await sleep(10);
            assert.deepEqual(Object.values(agent.freeSockets).flat(), opened);
            agent.destroy();
            await until(/the certificate is good until/);
        });

        it("stays where another one is refused, and the deploy says why", async () => {
            const before = (await shown(target)).serialNumber;
            names = ["shop.example", "blocked.example"];
            assert.match(
                await up(),
                /no new certificate for shop\.example blocked\.example, and the one there is good until .*blocked/,
            );
            assert.equal((await shown(target)).serialNumber, before);
            assert.equal((await get1(target, "/200")).status, 200);
        });

        it("is for other names once they are set", async () => {
            names = ["shop.example", "cellar.example"];
            assert.equal(await up(), "");
            assert.deepEqual(namesOf(await shown({ ...target, name: "cellar.example" })), [
                "cellar.example",
                "shop.example",
            ]);
            await assert.rejects(shown({ ...target, name: "www.shop.example" }));
        });

        it("is had again when the volume is lost", async () => {
            const before = (await shown(target)).serialNumber;
            await docker("exec", container(), "sh", "-c", "rm -rf /certificates/*");
            await docker("restart", "--time", "0", stack.outputs.router as string);
            await itAnswers(async () => (await plain("/")).status === 200);
            await again();
            await until(/the certificate is good until/);
            assert.notEqual((await shown(target)).serialNumber, before);
        });

        describe("where the clock of the host is wrong", () => {
            const DAY = 86_400;
            const serial = async () => (await shown(target)).serialNumber;
            /** Sets the clock, by what it is then ahead of the time, in seconds. */
            const setClock = (ahead: number) =>
                docker("exec", container(), "sh", "-c", `echo ${Math.round(ahead)} > ${CLOCK}`);
            const check = () =>
                dockerCli(undefined, ["exec", container(), "/usr/local/bin/certificates", "check"]);
            /** Lets the client look some times, and asserts that it has asked for nothing. */
            const itAsksForNothing = async () => {
                const before = await serial();
                await sleep(8_000);
                assert.equal(await serial(), before);
                assert.equal((await get1(target, "/200")).status, 200);
            };

            before(async () => {
                server = CertificateAuthority.server;
                env = {};
                names = ["shop.example"];
                await up();
                await until(/^0 the certificate is good until/);
            });

            it("stays where the clock is ahead of its end, and the clock is named", async () => {
                await setClock(100 * DAY);
                await until(/the clock of this host says .* set it/);
                await itAsksForNothing();
                assert.equal((await check()).code, 1);
            });

            it("is renewed once where nothing tells when it was given", async () => {
                const before = await serial();
                await again();
                await until(
                    /the clock of this host says .* set it\. The certificate there was given \d+ min ago/,
                );
                assert.notEqual(await serial(), before);
                await itAsksForNothing();
            });

            it("stays when the clock is set right", async () => {
                const before = await serial();
                await setClock(0);
                await until(/^0 the certificate is good until/);
                assert.equal(await serial(), before);
                assert.equal((await check()).code, 0);
            });

            it("stays where the clock is behind its beginning, and the clock is named", async () => {
                await setClock(-100 * DAY);
                await until(/the clock of this host says .* set it/);
                await itAsksForNothing();
                await setClock(0);
                await until(/^0 the certificate is good until/);
            });

            it("stays where the CA itself is none by that clock, and the clock is named", async () => {
                await setClock(20 * 365 * DAY);
                const before = await serial();
                await again();
                await until(
                    /the next try is in 1 min\. The reason: .*not yet valid.*; set the clock of this host/,
                );
                assert.equal(await serial(), before);
                await setClock(0);
                await again();
                await until(/^0 the certificate is good until/);
                assert.equal(await serial(), before);
                const { code, stdout } = await check();
                assert.equal(code, 0, stdout);
            });

            it("is renewed in time where the clock is behind", async () => {
                profile = "minute";
                names = ["shop.example", "minute.example"];
                await up();
                const before = await serial();
                await setClock(-3_600);
                await until(/the clock of this host says/);
                for (const end = Date.now() + 90_000; (await serial()) === before; await sleep(500))
                    assert.ok(Date.now() < end, await docker("logs", container()));
                await setClock(0);
                profile = "default";
            });
        });

        it("is one for a wildcard, where DNS shows that the names are ours", async () => {
            const relay = await authority!.relayOfNames();
            names = ["*.shop.example"];
            dns = "httpreq";
            env = {
                HTTPREQ_ENDPOINT: relay.url,
                LEGO_DNS_RESOLVERS: `${await authority!.nameServer()}:8053`,
                LEGO_DNS_PROPAGATION_DISABLE_ANS: "true",
                LEGO_DNS_PROPAGATION_DISABLE_RNS: "true",
            };
            try {
                assert.equal(await up(), "");
                const certificate = await shown({ ...target, name: "pr-12.shop.example" });
                assert.equal(certificate.subjectaltname, "DNS:*.shop.example");
            } finally {
                relay.close();
                dns = undefined;
                env = {};
            }
        });

        it("hides what the provider of DNS was given, where it says that back", async () => {
            const provider = http.createServer((request, response) => {
                response.statusCode = 403;
                response.end(`nobody knows ${request.url}`);
            });
            await new Promise<void>((resolve) => provider.listen(0, "0.0.0.0", resolve));
            const { port: at } = provider.address() as AddressInfo;
            names = ["*.cellar.example"];
            dns = "httpreq";
            const HTTPREQ_PASSWORD = "canary-chablis-51c2";
            env = {
                HTTPREQ_ENDPOINT: `http://${await gateway()}:${at}/${HTTPREQ_PASSWORD}`,
                HTTPREQ_PASSWORD,
            };
            try {
                const warned = await up();
                assert.match(warned, /no new certificate for \*\.cellar\.example.*\[secret\]/);
                assert.ok(!(warned + (await state())).includes(HTTPREQ_PASSWORD), warned);
            } finally {
                provider.close();
                dns = undefined;
                env = {};
            }
        });

        it("waits for as long as the CA says that it has had too much", async () => {
            const ca = await tooMuch();
            names = ["shop.example"];
            env = { LEGO_TLS_SKIP_VERIFY: "true" };
            server = ca.url;
            try {
                const warned = await up();
                assert.match(warned, /the next try is in (119|120) min\. The reason: .*too many/);
                const asked = ca.asked();
                await sleep(6_000);
                assert.equal(ca.asked(), asked, "it asked again, within three times renewSeconds");
                assert.equal((await get1({ ...target, name: "pr-12.shop.example" }, "/200")).status, 200);
            } finally {
                ca.close();
            }
        });
    });
});

/** An image like another one, whose `date` is ahead by what the file CLOCK says. */
async function buildClock(name: string, like: string): Promise<void> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-clock-"));
    const date = `#!/bin/sh
case "$1" in -ud) exec /bin/date "$@" ;; esac
exec /bin/date -d "@$(($(/bin/date +%s) + $(cat ${CLOCK} 2> /dev/null || echo 0)))" "$@"
`;
    fs.writeFileSync(path.join(folder, "date"), date, { mode: 0o755 });
    const lines = [`FROM ${like}`, "USER root", "COPY date /usr/local/bin/date"];
    fs.writeFileSync(path.join(folder, "Dockerfile"), lines.join("\n"));
    const built = await dockerCli(undefined, ["build", "-q", "-t", name, folder], 300);
    fs.rmSync(folder, { recursive: true });
    assert.equal(built.code, 0, built.output);
}

/** The names of a certificate, in the order of the alphabet. */
function namesOf({ subjectaltname = "" }: PeerCertificate): string[] {
    return subjectaltname
        .split(", ")
        .map((name) => name.replace("DNS:", ""))
        .sort();
}

/** A CA that gives nobody an account, for two hours, on the machine's address in Docker's network. */
async function tooMuch(): Promise<{ url: string; asked: () => number; close: () => void }> {
    let asked = 0;
    const server = https.createServer(await CertificateAuthority.identity(), (request, response) => {
        asked++;
        const at = (name: string) => `https://${request.headers.host}/${name}`;
        response.setHeader("replay-nonce", `nonce${asked}`);
        if (request.url === "/dir") {
            const names = ["newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"];
            response.end(JSON.stringify(Object.fromEntries(names.map((name) => [name, at(name)]))));
        } else if (request.url === "/newNonce") {
            response.end();
        } else {
            const until = new Date(Date.now() + 2 * 3_600_000).toISOString().replace("T", " ").slice(0, 19);
            response.statusCode = 429;
            response.setHeader("content-type", "application/problem+json");
            const type = "urn:ietf:params:acme:error:rateLimited";
            response.end(
                JSON.stringify({
                    type,
                    detail: `too many registrations, retry after ${until} UTC`,
                    status: 429,
                }),
            );
        }
    });
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    const url = `https://${await gateway()}:${(server.address() as AddressInfo).port}/dir`;
    return { url, asked: () => asked, close: () => server.closeAllConnections() ?? server.close() };
}

/** The machine's address in Docker's own network. */
async function gateway(): Promise<string> {
    const format = "{{(index .IPAM.Config 0).Gateway}}";
    return (await dockerCli(undefined, ["network", "inspect", "bridge", "-f", format])).stdout.trim();
}
