import { execFile } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { dockerCli } from "../../components/docker/dockerCli";
import { BINARIES, buildModule, LEGO, moduleFolder, PEBBLE } from "./goModule";

const run = promisify(execFile);

/** Image with lego, laid out as its own is. */
export const acmeImage = "decanter/acme:clock";
const IMAGE = "decanter/pebble:test";
/** Where a keeper's lego reads by how many seconds the host's clock is ahead of the time. */
export const CLOCK = "/certificates/clock";
const NAMES_IMAGE = "decanter/names:test";

/** Skips the tests of a `describe` where lego and Pebble cannot be had, and says why. */
export function skipWithoutAuthority(): void {
    before(async function () {
        // The first time they are compiled.
        this.timeout(900_000);
        const reason = await whyNoAuthority();
        if (reason === undefined) return;
        process.stderr.write(`  skipped: ${reason}\n`);
        this.skip();
    });
}

/** Builds lego and Pebble of their modules, once in a checkout; returns why they cannot be had. */
async function whyNoAuthority(): Promise<string | undefined> {
    try {
        await buildModule(LEGO, "", acmeImage, "/lego", {
            copy: fewProviders,
            options: ["-overlay", await wrongClock()],
        });
        await buildModule(PEBBLE, "/cmd/pebble", IMAGE, "/pebble");
        await buildModule(PEBBLE, "/cmd/pebble-challtestsrv", NAMES_IMAGE, "/names");
        return undefined;
    } catch (error) {
        return `lego and Pebble cannot be built with Go: ${(error as Error).message.split("\n").slice(-3).join(" ")}`;
    }
}

/**
 * Pebble (https://github.com/letsencrypt/pebble) on a Docker network, with a DNS server of its own, where every name has one address:
 * the containers `pebble` and `names`.
 */
export class CertificateAuthority {
    private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-pebble-"));

    /** Its directory, for containers on the network. */
    static readonly server = "https://pebble:14000/dir";

    private constructor(private readonly network: string) {}

    /** The root of its own https. */
    static async root(): Promise<string> {
        return fs.readFileSync(path.join(await moduleFolder(PEBBLE), "test/certs/pebble.minica.pem"), "utf8");
    }

    /** What it shows by its own https. */
    static async identity(): Promise<{ cert: string; key: string }> {
        const folder = path.join(await moduleFolder(PEBBLE), "test/certs/localhost");
        const read = (file: string) => fs.readFileSync(path.join(folder, file), "utf8");
        return { cert: read("cert.pem"), key: read("key.pem") };
    }

    /**
     * Starts it.
     *
     * @param address of every name, for visitors of http at port 8080
     * @param blocked names that it gives no certificate for
     * @param hasMinute whether it has a profile `minute` of short certificates, beside `default`
     */
    static async start(
        network: string,
        address: string,
        blocked: string[] = [],
        hasMinute = false,
    ): Promise<CertificateAuthority> {
        const authority = new CertificateAuthority(network);
        await authority.run(address, blocked, hasMinute);
        return authority;
    }

    private get containers(): string[] {
        return ["pebble", "names"].map((name) => `${this.network}-${name}`);
    }

    private async run(address: string, blocked: string[], hasMinute: boolean): Promise<void> {
        for (const [name, pem] of Object.entries(await CertificateAuthority.identity()))
            fs.writeFileSync(path.join(this.folder, `${name}.pem`), pem);
        const pebble = {
            listenAddress: "0.0.0.0:14000",
            managementListenAddress: "0.0.0.0:15000",
            certificate: "/config/cert.pem",
            privateKey: "/config/key.pem",
            httpPort: 8080,
            tlsPort: 8443,
            ocspResponderURL: "",
            externalAccountBindingRequired: false,
            domainBlocklist: blocked,
            retryAfter: { authz: 1, order: 1 },
            keyAlgorithm: "ecdsa",
            profiles: {
                default: { description: "90 days", validityPeriod: 7_776_000 },
                // Who asks for no profile gets any of them.
                ...(hasMinute && { minute: { description: "a minute", validityPeriod: 60 } }),
            },
        };
        fs.writeFileSync(path.join(this.folder, "config.json"), JSON.stringify({ pebble }));
        fs.chmodSync(this.folder, 0o755);
        const [ca = "", names = ""] = this.containers;
        const start = ["run", "--detach", "--network", this.network];
        await ok(
            [...start, "--name", names, NAMES_IMAGE],
            [
                "/names",
                "-defaultIPv4",
                address,
                "-defaultIPv6",
                "",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
            ],
        );
        const dns = await this.nameServer();
        await ok(
            [
                ...start,
                ...["--name", ca, "--network-alias", "pebble", "--volume", `${this.folder}:/config:ro`],
                ...["--env", "PEBBLE_VA_NOSLEEP=1", "--env", "PEBBLE_WFE_NONCEREJECT=0", IMAGE],
            ],
            ["/pebble", "-config", "/config/config.json", "-dnsserver", `${dns}:8053`],
        );
        for (let i = 0; i < 100; i++) {
            if ((await dockerCli(undefined, ["logs", ca])).output.includes("Listening on")) return;
            await sleep(100);
        }
        throw new Error("Pebble does not start");
    }

    /** Asks its management for something. */
    async manage(at: string, body: object): Promise<void> {
        const url = `https://${await addressOf(this.containers[0] ?? "", this.network)}:15000${at}`;
        const options = { method: "POST", rejectUnauthorized: false, headers: { "user-agent": "tests" } };
        const request = https.request(url, options);
        request.end(JSON.stringify(body));
        const [response] = (await once(request, "response")) as [http.IncomingMessage];
        const answer = await text(response);
        if (response.statusCode !== 200) throw new Error(`Pebble answered ${at} with ${answer}`);
    }

    /** Address of the DNS server, which listens on port 8053. */
    nameServer(): Promise<string> {
        return addressOf(this.containers[1] ?? "", this.network);
    }

    /** A server that lego's provider httpreq asks for records, on the machine's address in Docker's network. */
    async relayOfNames(): Promise<{ url: string; close: () => void }> {
        const names = `http://${await this.nameServer()}:8055`;
        const server = http.createServer((request, response) => {
            const relay = async () => {
                const { fqdn, value } = JSON.parse(await text(request)) as { fqdn: string; value: string };
                const [at, body] =
                    request.url === "/present"
                        ? ["/set-txt", { host: fqdn, value }]
                        : ["/clear-txt", { host: fqdn }];
                await fetch(names + at, { method: "POST", body: JSON.stringify(body) });
                response.end();
            };
            void relay();
        });
        await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
        const format = "{{(index .IPAM.Config 0).Gateway}}";
        const gateway = (await ok(["network", "inspect", "--format", format, this.network])).trim();
        const { port } = server.address() as AddressInfo;
        return { url: `http://${gateway}:${port}`, close: () => server.close() };
    }

    async stop(): Promise<void> {
        await dockerCli(undefined, ["rm", "--force", ...this.containers]);
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}

async function ok(args: string[], command: string[] = []): Promise<string> {
    const { code, stdout, output } = await dockerCli(undefined, [...args, ...command], 120);
    if (code !== 0) throw new Error(output);
    return stdout;
}

async function addressOf(container: string, network: string): Promise<string> {
    const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
    return (await ok(["inspect", "--format", format, container])).trim();
}

/**
 * A copy of lego with one provider of DNS: the tests need no other, and its two hundred take minutes to compile.
 *
 * @returns its folder
 */
async function fewProviders(): Promise<string> {
    const copy = path.join(BINARIES, "source");
    await run("rm", ["-rf", copy]);
    fs.mkdirSync(BINARIES, { recursive: true });
    await run("cp", ["-r", "--no-preserve=mode", await moduleFolder(LEGO), copy]);
    const source = `package dns
import (
	"fmt"
	"${LEGO}/challenge"
	"${LEGO}/providers/dns/httpreq"
)
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	if name == "httpreq" { return httpreq.NewDNSProvider() }
	return nil, fmt.Errorf("unrecognized DNS provider: %s", name)
}
func GetProviderCodes() []string { return []string{"httpreq"} }
`;
    fs.writeFileSync(path.join(copy, "providers/dns/zz_gen_dns_providers.go"), source);
    return copy;
}

/**
 * Go's clock, ahead by what the file CLOCK says: a program without libc is not to be told another time from outside, and there is one
 * clock for all containers.
 *
 * @returns a file for `go build -overlay`
 */
async function wrongClock(): Promise<string> {
    const { stdout } = await run("go", ["env", "GOROOT"]);
    const original = path.join(stdout.trim(), "src/time/time.go");
    const now = "sec, nsec, mono := runtimeNow()\n\tif mono == 0 {";
    const text = fs.readFileSync(original, "utf8");
    if (!text.includes(now)) throw new Error(`${original} has another time.Now than is known here`);
    const ahead = `
var secondsAhead = readSecondsAhead()

func readSecondsAhead() (seconds int64) {
	text, _ := readFile("${CLOCK}")
	for _, digit := range text {
		if digit >= '0' && digit <= '9' { seconds = seconds*10 + int64(digit-'0') }
	}
	if len(text) > 0 && text[0] == '-' { return -seconds }
	return seconds
}
`;
    fs.mkdirSync(BINARIES, { recursive: true });
    const [copy, overlay] = ["time.go", "overlay.json"].map((file) => path.join(BINARIES, file)) as [
        string,
        string,
    ];
    fs.writeFileSync(copy, text.replace(now, now.replace("\n", "\n\tsec += secondsAhead\n")) + ahead);
    fs.writeFileSync(overlay, JSON.stringify({ Replace: { [original]: copy } }));
    return overlay;
}
