import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { dockerCli } from "../components/docker/dockerCli";
import program from "../index";
import { App } from "../test/support/app";
import { certificate, privateKey } from "../test/support/certificate";
import { engine } from "../test/support/dockerProvider";
import { buildModule, CADDY } from "../test/support/goModule";
import { baseImages, freePort } from "../test/support/machine";
import { MiniEngine } from "../test/support/miniEngine";
import { benchmark } from "./command";
import { type Case, inTurns, publish, readTurns } from "./inTurns";
import { routerOf, type Server, serverOf } from "./server";

const REPORT = "bench/https.json";
const PAGE = "docs/https.md";
const STACK = `bench-https-${process.pid}`;
const NAME = "shop.example";
const CADDY_IMAGE = "decanter/caddy:bench";
const CONNECTIONS = 32;
const HANDSHAKES = 1000;

const url = `https://${NAME}:8443/`;
const CASES: Record<string, Case> = {
    "requests by HTTP/1.1": { url, args: (seconds) => ["--h1", "-c", `${CONNECTIONS}`, "-D", `${seconds}`] },
    "requests by HTTP/2": {
        url,
        args: (seconds) => ["-c", `${CONNECTIONS / 4}`, "-m", "4", "-D", `${seconds}`],
    },
    "handshakes, with a request each": {
        url,
        args: () => ["--h1", "-c", `${HANDSHAKES}`, "-n", `${HANDSHAKES}`],
    },
};

async function main(): Promise<number> {
    const { rounds, seconds } = readTurns();
    const app = new App();
    const pulumi = new MiniEngine(STACK, program);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-caddy-"));
    let caddy: Server | undefined;
    try {
        await buildModule(CADDY, "/cmd/caddy", CADDY_IMAGE, "/caddy");
        await pulumi.up({
            ...baseImages(),
            app: app.folder,
            domain: NAME,
            tlsCertificate: certificate + privateKey,
            bindAddress: "127.0.0.1",
            publicPort: await freePort(),
            httpsPort: await freePort(),
            bakeSeconds: 0,
        });
        const [release = ""] = pulumi.outputs.containers as string[];
        const router = await routerOf(STACK);
        caddy = await startCaddy(folder, release);
        const ways = {
            router: { address: router.address, servers: [router] },
            Caddy: { address: caddy.address, servers: [caddy] },
        };
        const measures = await inTurns(ways, CASES, rounds, seconds);
        const options = { rounds, seconds, connections: CONNECTIONS, handshakes: HANDSHAKES };
        await publish(REPORT, PAGE, options, measures);
        return 0;
    } finally {
        console.error("removing everything");
        if (caddy) await engine.getContainer(caddy.id).remove({ force: true });
        await pulumi.destroy();
        app.remove();
        fs.rmSync(folder, { recursive: true });
    }
}

/** Caddy in front of the same release, with the same certificate and the same shares of the CPUs. */
async function startCaddy(folder: string, release: string): Promise<Server> {
    const { HostConfig } = await engine.getContainer(release).inspect();
    const config = `{
	admin off
	persist_config off
	auto_https disable_redirects
	servers {
		protocols h1 h2
	}
}
https://${NAME}:8443 {
	tls /config/cert.pem /config/key.pem
	reverse_proxy ${release}:4000
}
`;
    const files = { Caddyfile: config, "cert.pem": certificate, "key.pem": privateKey };
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), text);
    fs.chmodSync(folder, 0o755);
    const { code, stdout, output } = await dockerCli(undefined, [
        ...["run", "--detach", "--network", HostConfig.NetworkMode ?? "", "--volume", `${folder}:/config:ro`],
        ...["--cpu-shares", `${HostConfig.CpuShares ?? 0}`, CADDY_IMAGE],
        ...["/caddy", "run", "--config", "/config/Caddyfile"],
    ]);
    if (code !== 0) throw new Error(output);
    return serverOf(stdout.trim());
}

benchmark("bench/https", main);
