import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "../../../stacks/config/config";
import { dockerHost } from "../../../stacks/dockerHost";
import { mockPulumi, type Recorded, secretValue, settled, the, valueOf } from "../../support/mockPulumi";

async function declared(settings: Record<string, unknown> = {}): Promise<Recorded[]> {
    const recorded = await mockPulumi(settings, ["secrets", "registryPassword"]);
    dockerHost(readConfig());
    await settled();
    return recorded;
}

describe("the target docker", () => {
    const folders: string[] = [];
    after(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true })));

    it("names every resource by its role, whatever the app and its release are called", async () => {
        const named = async (settings: Record<string, unknown> = {}) =>
            (await declared(settings)).map(({ type, name }) => `${type} ${name}`).sort();
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-app-"));
        folders.push(folder);
        fs.writeFileSync(
            path.join(folder, "mix.exs"),
            'def project, do: [app: :shop, version: "1.0.0", releases: [shop: [], cellar: []]]',
        );
        const before = await named({ migrate: "none" });
        for (const release of ["shop", "cellar"])
            assert.deepEqual(await named({ app: folder, release, migrate: "none" }), before);
    });

    it("takes over what was named by the release that ran last, and by the one of the settings", async () => {
        const recorded = await mockPulumi();
        dockerHost(readConfig(), [{ release: "shop", version: "0.0.9", image: "a@sha256:1" }]);
        await settled();
        const former = (names: string[]) => ["shop", "hello"].map((release) => [release, ...names].join("-"));
        for (const { type, name, options } of recorded.filter((one) => !one.type.startsWith("pulumi:"))) {
            const own = name === "release" ? [] : [name.replace(/^release-/, "")];
            assert.deepEqual(options?.aliases, former(own), `${type} ${name}`);
        }
    });

    it("replaces nothing that outlives a release when the release changes", async () => {
        const lasting = async (settings: Record<string, unknown>) =>
            (await declared(settings))
                .filter(({ type }) => !type.startsWith("decanter:"))
                .filter(({ name }) =>
                    /^(router|registry|registry-port|release-cookie|release-key-base)$/.test(name),
                )
                .map(({ type, name, inputs }) => ({ type, name, inputs }))
                .sort((a, b) => `${a.type} ${a.name}`.localeCompare(`${b.type} ${b.name}`));
        const before = await lasting({ version: "1.0.0" });
        assert.equal(before.length, 9);
        const changed = { version: "2.0.0", env: { A: "1" }, secrets: { B: "2" }, replicas: 2, memoryMb: 0 };

        assert.deepEqual(await lasting(changed), before);
    });

    it("tells every container which stack, version and router it is of", async () => {
        const recorded = await declared({ version: "2.0.0" });
        const stack = { label: "decanter.stack", value: "decanter/test" };
        const version = { label: "decanter.version", value: "2.0.0" };
        const router = { label: "decanter.router", value: "router-1a2b3c4" };
        for (const name of ["release-1", "release-migration", "release-swap"])
            assert.deepEqual(the(recorded, "Container", name).inputs.labels, [stack, version, router]);
        for (const name of ["router", "registry"])
            assert.deepEqual(the(recorded, "Container", name).inputs.labels, [stack]);
    });

    it("uses the Docker host, and the registry, that it is told to", async () => {
        const recorded = await declared({
            host: "ssh://me@server",
            registryAddress: "ghcr.io/acme",
            registryUsername: "me",
            registryPassword: "hunter2",
        });
        assert.equal(the(recorded, "docker", "docker").inputs.host, "ssh://me@server");
        assert.ok(!recorded.some(({ type }) => type.endsWith(":LocalRegistry")));
        const { imageName, registry } = the(recorded, "Image", "release").inputs;
        assert.equal(imageName, "ghcr.io/acme/hello:0.1.0");
        assert.deepEqual(secretValue(registry), { username: "me", password: "hunter2" });
    });

    it("asks the registry for an attested image with the login of the machine's Docker", async () => {
        const settings = { registryAddress: "ghcr.io/acme" };
        const authOf = async (given: Record<string, unknown>) =>
            the(await declared({ ...settings, ...given }), "docker", "docker").inputs.registryAuth as string;
        assert.equal(await authOf({}), undefined);
        assert.deepEqual(JSON.parse(await authOf({ provenance: "max" })), [{ address: "ghcr.io" }]);
        assert.deepEqual(JSON.parse(await authOf({ sbom: "true" })), [{ address: "ghcr.io" }]);
    });

    it("is known by https where it has a certificate, at 443 or the port that is set", async () => {
        for (const [settings, url] of [
            [{}, "https://shop.example"],
            [{ httpsPort: 8443, publicPort: 8081 }, "https://shop.example:8443"],
        ] as const) {
            const recorded = await mockPulumi({ https: "acme", domain: "Shop.example", ...settings });
            const outputs = dockerHost(readConfig());
            await settled();
            assert.equal(outputs.url, url);
            assert.equal(await valueOf(pulumi.output(outputs.certificate)), "certificate-1a2b3c4");
            const envs = secretValue(the(recorded, "Container", "release-1").inputs.envs) as string[];
            assert.ok(envs.includes("PHX_HOST=shop.example"));
        }
        await mockPulumi();
        assert.equal(dockerHost(readConfig()).certificate, undefined);
        await settled();
    });

    for (const [bindAddress, domain, host, url] of [
        ["127.0.0.1", "localhost", "localhost", "http://localhost:81"],
        ["::1", "localhost", "localhost", "http://localhost:81"],
        ["0:0:0:0:0:0:0:1", "localhost", "localhost", "http://localhost:81"],
        ["0.0.0.0", "localhost", "localhost", "http://localhost:81"],
        ["::", "localhost", "localhost", "http://localhost:81"],
        // localhost does not lead there.
        ["127.0.0.2", "localhost", "127.0.0.2", "http://127.0.0.2:81"],
        ["10.0.0.5", "localhost", "10.0.0.5", "http://10.0.0.5:81"],
        ["FD00::0005", "localhost", "fd00::5", "http://[fd00::5]:81"],
        ["127.0.0.1", "a.example", "a.example", "http://a.example:81"],
        ["10.0.0.5", "WWW.Example", "www.example", "http://www.example:81"],
        ["0.0.0.0", "a.example", "a.example", "http://a.example:81"],
    ]) {
        it(`is known to visitors as ${host} where it binds to ${bindAddress} and its domain is ${domain}`, async () => {
            const recorded = await mockPulumi({ bindAddress, domain, publicPort: 81 });
            assert.equal(dockerHost(readConfig()).url, url);
            await settled();
            const { ports } = the(recorded, "Container", "router").inputs;
            assert.deepEqual(ports, [{ internal: 8080, external: 81, ip: bindAddress }]);
            const envs = secretValue(the(recorded, "Container", "release-1").inputs.envs) as string[];
            assert.deepEqual(
                envs.filter((variable) => variable.startsWith("PHX_HOST=")),
                [`PHX_HOST=${host}`],
            );
        });
    }
});
