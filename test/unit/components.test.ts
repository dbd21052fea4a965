import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Certificate, type CertificateArgs } from "../../components/dockerHost/certificate";
import { DockerService, type DockerServiceArgs } from "../../components/dockerHost/dockerService";
import { LocalRegistry } from "../../components/dockerHost/localRegistry";
import { Migration } from "../../components/dockerHost/migration";
import { Router, type RouterArgs } from "../../components/dockerHost/router";
import { Swap } from "../../components/dockerHost/swap";
import { ReleaseImage, type ReleaseImageArgs } from "../../components/image/releaseImage";
import { releaseEnv } from "../../components/release/releaseEnv";
import { ReleaseSecrets } from "../../components/release/releaseSecrets";
import { lastOutputs, releasesUpTo } from "../../stacks/outputs";
import { mockPulumi, type Recorded, secretValue, settled, the, valueOf } from "../support/mockPulumi";

/** What every container has to have, spelled out. */
const hardened = {
    init: true,
    capabilities: { drops: ["ALL"] },
    securityOpts: ["no-new-privileges"],
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
};
const labels = { "decanter.stack": "decanter/test" };
const labelList = [{ label: "decanter.stack", value: "decanter/test" }];
const routerLabel = { label: "decanter.router", value: "web-router-1a2b3c4" };
const versionLabel = { label: "decanter.version", value: "1.2.3" };
const network = { networkMode: "web-router-1a2b3c4", networksAdvanced: [{ name: "web-router-1a2b3c4" }] };

/** The options of a resource that is declared without any. */
const plain = {
    deleteBeforeReplace: undefined,
    replaceOnChanges: [],
    ignoreChanges: [],
    dependencies: [],
    hooks: {},
};

function children(recorded: Recorded[]): string[] {
    return recorded.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort();
}

describe("ReleaseImage", () => {
    const args: ReleaseImageArgs = {
        app: "examples/hello",
        release: "web",
        version: "1.2.3",
        repository: "ghcr.io/acme/web",
        builderImage: "elixir:1",
        runnerImage: "debian:1",
    };
    const buildArgs = {
        APP: ".",
        ASSETS: "",
        BASE: "minimal",
        BUILDER_IMAGE: "elixir:1",
        BUILDER_PACKAGES: "",
        BUILD_ENV: "",
        EARLY: "",
        PREPARE_DEPS: "",
        RELEASE: "web",
        RUNNER_IMAGE: "debian:1",
        MISSING_LIBRARIES: "",
        RUNTIME_PACKAGES: "",
        VERSION: "1.2.3",
    };
    const build = {
        context: "examples/hello",
        dockerfile: "../../.decanter/build/test-web/Dockerfile",
        buildArgs,
        secrets: [{ id: "build", src: ".decanter/build/test-web/secret" }],
        provenance: "false",
        buildLogFile: ".decanter/build/test-web/log",
    };
    let app: string;
    beforeEach(() => {
        app = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-app-"));
        fs.writeFileSync(path.join(app, "mix.exs"), "");
    });
    afterEach(() => fs.rmSync(app, { recursive: true }));

    async function declared(given: Partial<ReleaseImageArgs> = {}): Promise<Recorded[]> {
        const recorded = await mockPulumi();
        new ReleaseImage("web", { ...args, ...given });
        await settled();
        return recorded;
    }
    async function builtOf(given: Partial<ReleaseImageArgs>): Promise<Recorded["inputs"]> {
        return the(await declared(given), "RemoteImage", "web").inputs;
    }
    async function hashOf(folder: string, given: Partial<ReleaseImageArgs> = {}): Promise<unknown> {
        return (await builtOf({ app: folder, ...given })).triggers;
    }

    it("builds an image, pushes the same, and gives its digest", async () => {
        const recorded = await mockPulumi();
        const image = new ReleaseImage("web", args);
        await settled();
        assert.deepEqual(children(recorded), ["Image web", "ReleaseImage web", "RemoteImage web"]);
        const { inputs, options } = the(recorded, "RemoteImage", "web");
        const { triggers, ...others } = inputs;
        assert.deepEqual(others, { name: "ghcr.io/acme/web:1.2.3", build, keepLocally: true });
        assert.match(String((triggers as { context: string }).context), /^[0-9a-f]{64}$/);
        const parent = "decanter:index:ReleaseImage";
        assert.deepEqual(options, {
            ...plain,
            parent,
            hooks: {
                beforeCreate: ["web-prepare-build"],
                afterCreate: ["web-clear-build"],
                onError: ["web-build-log"],
            },
        });
        const pushed = the(recorded, "Image", "web");
        assert.deepEqual(pushed.inputs, {
            imageName: "ghcr.io/acme/web:1.2.3",
            build: {
                context: "docker/publish",
                dockerfile: "docker/publish/Dockerfile",
                platform: "",
                args: { IMAGE: "ghcr.io/acme/web:1.2.3", ID: "sha256:web" },
            },
            registry: {},
            skipPush: false,
            buildOnPreview: false,
        });
        assert.deepEqual(pushed.options, { ...plain, parent, dependencies: ["web"] });
        assert.equal(await valueOf(image.ref), "registry/web@sha256:1");
    });

    it("passes on what the build is to have, and nothing of its secrets", async () => {
        const inputs = await builtOf({
            app,
            minimal: false,
            builderPackages: ["cargo", "cmake"],
            runtimePackages: ["imagemagick"],
            prepareDeps: "mix local.hex",
            assets: "make css",
            early: ["mix.exs", "../VERSION"],
            buildEnv: { GIT_SHA: "it's $1", EMPTY: "" },
            buildSecrets: pulumi.secret({ HEX_KEY: "hunter2" }),
            builder: "arm",
            cacheFrom: ["type=registry,ref=a"],
            cacheTo: ["type=registry,ref=a,mode=max"],
            platform: "linux/riscv64",
        });
        const { dockerfile, ...others } = inputs.build as { dockerfile: string };
        assert.equal(path.resolve(app, dockerfile), path.resolve(".decanter/build/test-web/Dockerfile"));
        assert.deepEqual(others, {
            context: app,
            platform: "linux/riscv64",
            builder: "arm",
            buildArgs: {
                ...buildArgs,
                ASSETS: "make css",
                BASE: "debian",
                BUILDER_PACKAGES: "cargo cmake",
                BUILD_ENV: "export GIT_SHA='it'\\''s $1'\nexport EMPTY=''\n",
                EARLY: "mix.exs\n../VERSION",
                PREPARE_DEPS: "mix local.hex",
                RUNTIME_PACKAGES: "imagemagick",
            },
            secrets: build.secrets,
            cacheFroms: ["type=registry,ref=a"],
            cacheTos: ["type=registry,ref=a,mode=max"],
            provenance: "false",
            buildLogFile: build.buildLogFile,
        });
    });

    it("gives the app's own Dockerfile what the stack sets, and none of Decanter's defaults", async () => {
        fs.writeFileSync(path.join(app, "Dockerfile"), "FROM scratch\n");
        const argsOf = async (given: object) =>
            ((await builtOf({ app, dockerfile: "Dockerfile", ...given })).build as { buildArgs: unknown })
                .buildArgs;
        assert.deepEqual(await argsOf({}), {});
        assert.deepEqual(await argsOf({ dockerfileArgs: { RUNNER_IMAGE: "mine:1" } }), {
            RUNNER_IMAGE: "mine:1",
        });
    });

    it("attaches attestations where they are asked for, and pushes them with the image", async () => {
        const recorded = await mockPulumi();
        const image = new ReleaseImage("web", { ...args, sbom: "true", provenance: "mode=max" });
        await settled();
        assert.deepEqual(children(recorded), ["RegistryImage web", "ReleaseImage web", "RemoteImage web"]);
        assert.deepEqual(the(recorded, "RemoteImage", "web").inputs.build, {
            ...build,
            sbom: "true",
            provenance: "mode=max",
        });
        assert.deepEqual(the(recorded, "RegistryImage", "web").inputs, {
            name: "ghcr.io/acme/web:1.2.3",
            keepRemotely: true,
            triggers: { image: "sha256:web" },
        });
        assert.equal(await valueOf(image.ref), "ghcr.io/acme/web@sha256:2");
    });

    it("takes Node.js for an app that has packages of npm", async () => {
        fs.mkdirSync(path.join(app, "assets"));
        fs.writeFileSync(path.join(app, "assets", "package.json"), "{}");
        const inputs = await builtOf({ app, nodeImage: "node:1" });
        const expected = { ...buildArgs, NODE_IMAGE: "node:1", NODE: "image" };
        assert.deepEqual((inputs.build as { buildArgs: unknown }).buildArgs, expected);
    });

    it("takes none for packages that nothing installs, and for a command it takes Node.js all the same", async () => {
        fs.mkdirSync(path.join(app, "vendor/phoenix"), { recursive: true });
        fs.writeFileSync(path.join(app, "vendor/phoenix/package.json"), "{}");
        const takesNode = async (others: Partial<ReleaseImageArgs>) => {
            const inputs = await builtOf({ app, nodeImage: "node:1", ...others });
            return "NODE" in (inputs.build as { buildArgs: object }).buildArgs;
        };
        assert.equal(await takesNode({}), false);
        assert.equal(await takesNode({ assets: "cd vendor/phoenix && npm run build" }), true);
        fs.writeFileSync(path.join(app, "package.json"), "{}");
        assert.equal(await takesNode({}), true);
        assert.equal(await takesNode({ assets: "none" }), false);
        const vendored = { app: path.join(app, "vendor/phoenix"), beside: [path.join(app, "libs/cork")] };
        fs.mkdirSync(path.join(app, "libs/cork"), { recursive: true });
        assert.equal(await takesNode(vendored), true, "it lies in vendor/ itself");
    });

    it("is another one when a file changes that the build reads, and only then", async () => {
        const write = (file: string, text: string) => fs.writeFileSync(path.join(app, file), text);
        const first = await hashOf(app);
        write("app.ex", "a");
        const second = await hashOf(app);
        assert.notDeepEqual(second, first);
        for (const left of [".env", "prod.secret.exs", "key.pem", ".dockerignore"]) write(left, "hunter2");
        fs.mkdirSync(path.join(app, "_build"));
        write("_build/app.beam", "a");
        assert.deepEqual(await hashOf(app), second);
        write("app.ex", "b");
        assert.notDeepEqual(await hashOf(app), second);
        write("app.ex", "a");
        assert.deepEqual(await hashOf(app), second);
        fs.chmodSync(path.join(app, "app.ex"), 0o755);
        assert.notDeepEqual(await hashOf(app), second);
    });

    it("takes the app's own Dockerfile, which tells a change too", async () => {
        fs.writeFileSync(path.join(app, "Dockerfile"), "FROM a");
        fs.writeFileSync(path.join(app, ".dockerignore"), "*\n");
        const first = await hashOf(app, { dockerfile: "Dockerfile" });
        assert.notDeepEqual(await hashOf(app), first);
        fs.writeFileSync(path.join(app, "Dockerfile"), "FROM b");
        assert.notDeepEqual(await hashOf(app, { dockerfile: "Dockerfile" }), first);
        const { build } = await builtOf({ app, dockerfile: "Dockerfile", buildEnv: { GIT_SHA: "a" } });
        assert.equal((build as { buildArgs: Record<string, string> }).buildArgs.GIT_SHA, "a");
    });

    for (const [version, tag] of [
        ["1.0.0+abc", "1.0.0-abc"],
        ["1.0.0-rc.1+a.b", "1.0.0-rc.1-a.b"],
    ]) {
        it(`tags ${version} as ${tag}`, async () => {
            assert.equal((await builtOf({ version })).name, `ghcr.io/acme/web:${tag}`);
        });
    }

    it("logs in with a password that stays secret, on the platform of the host", async () => {
        const login = { registryUsername: "me", registryPassword: pulumi.secret("hunter2") };
        for (const [given, expected] of [
            [{ platform: "linux/riscv64" }, "linux/riscv64"],
            [{}, ""],
        ] as const) {
            const { inputs } = the(await declared({ ...login, ...given }), "Image", "web");
            assert.equal((inputs.build as { platform?: string }).platform, expected);
            assert.deepEqual(secretValue(inputs.registry), { username: "me", password: "hunter2" });
        }
    });
});

describe("ReleaseSecrets", () => {
    it("generates secrets long enough for Erlang and Plug, anew only with another version", async () => {
        for (const [version, keeper] of [
            [undefined, "1"],
            [7, "7"],
        ] as const) {
            const recorded = await mockPulumi();
            new ReleaseSecrets("web", { version });
            await settled();
            const keepers = { version: keeper };
            const cookie = the(recorded, "RandomPassword", "web-cookie");
            assert.deepEqual(cookie.inputs, { length: 64, special: false, keepers });
            const keyBase = the(recorded, "RandomPassword", "web-key-base");
            assert.deepEqual(keyBase.inputs, { length: 96, special: false, keepers });
            for (const { options } of [cookie, keyBase])
                assert.deepEqual(options, { ...plain, parent: "decanter:index:ReleaseSecrets" });
            assert.equal(recorded.length, 3);
        }
    });

    it("adds the app's own, which win, is secret as a whole, and has none of them in the state", async () => {
        const recorded = await mockPulumi();
        const { env } = new ReleaseSecrets("web", { secrets: { SECRET_KEY_BASE: "mine", API: "hunter2" } });
        assert.deepEqual(await valueOf(env), {
            RELEASE_COOKIE: "web-cookie-generated",
            SECRET_KEY_BASE: "mine",
            API: "hunter2",
        });
        assert.ok(await pulumi.isSecret(env));
        assert.deepEqual(the(recorded, "ReleaseSecrets", "web").inputs, {});
    });

    it("needs no arguments", async () => {
        await mockPulumi();
        const { env } = new ReleaseSecrets("web");
        assert.deepEqual(Object.keys(await valueOf(env)), ["RELEASE_COOKIE", "SECRET_KEY_BASE"]);
        assert.ok(await pulumi.isSecret(env));
    });
});

describe("releaseEnv", () => {
    const env = {
        PORT: "4001",
        PHX_SERVER: "true",
        PHX_HOST: "a.example",
        RELEASE_TMP: "/tmp",
        ERL_FLAGS: "+Q 65536 +sbwt none +sbwtdcpu none +sbwtdio none",
        ERL_CRASH_DUMP_BYTES: "0",
    };

    it("is what a release needs to serve", () => {
        assert.deepEqual(releaseEnv({ port: 4001, domain: "a.example" }), env);
    });

    it("lets the app's own variables win", () => {
        assert.deepEqual(
            releaseEnv({ port: 4001, domain: "a.example", env: { PHX_SERVER: "false", POOL_SIZE: "5" } }),
            { ...env, PHX_SERVER: "false", POOL_SIZE: "5" },
        );
    });
});

const health = { port: 4001, path: "/up" };

describe("Router", () => {
    const args: RouterArgs = { image: "haproxy:3", publicPort: 80, health, labels };

    it("declares an image that is not pushed, a network, a volume, and the container with the port", async () => {
        const recorded = await mockPulumi();
        const router = new Router("web-router", args);
        await settled();
        assert.deepEqual(children(recorded), [
            "Container web-router",
            "Image web-router",
            "Network web-router",
            "Router web-router",
            "Volume web-router",
        ]);
        const { inputs: image } = the(recorded, "Image", "web-router");
        assert.equal(image.skipPush, true);
        assert.equal(image.imageName, "decanter-router:web-router-1a2b3c4");
        assert.deepEqual(image.build, {
            context: "docker/router",
            dockerfile: "docker/router/Dockerfile",
            platform: "",
            args: { ROUTER_IMAGE: "haproxy:3" },
        });
        for (const type of ["Network", "Volume"]) {
            const { inputs, options } = the(recorded, type, "web-router");
            assert.deepEqual(inputs, { labels: labelList });
            assert.deepEqual(options, {
                ...plain,
                parent: "decanter:index:Router",
                ignoreChanges: ["labels"],
            });
        }
        const { inputs, options } = the(recorded, "Container", "web-router");
        assert.deepEqual(inputs, {
            ...hardened,
            ...network,
            image: "registry/web-router@sha256:1",
            envs: ["PORT=4001", "HEALTH_PATH=/up", "BEHIND_PROXY=false"],
            ports: [{ internal: 8080, external: 80, ip: "127.0.0.1" }],
            volumes: [{ volumeName: "web-router-1a2b3c4", containerPath: "/var/lib/haproxy" }],
            readOnly: true,
            tmpfs: { "/dev/shm": "ro", "/dev/mqueue": "ro" },
            restart: "always",
            cpuShares: 8192,
            labels: labelList,
        });
        assert.deepEqual(options, {
            ...plain,
            parent: "decanter:index:Router",
            // A new configuration comes with the swap, and a release's facts too.
            ignoreChanges: ["image", "envs", "labels"],
            deleteBeforeReplace: true,
            dependencies: ["web-router", "web-router", "web-router"],
        });
        assert.equal(await valueOf(router.networkName), "web-router-1a2b3c4");
        assert.equal(await valueOf(router.volumeName), "web-router-1a2b3c4");
        assert.equal(await valueOf(router.containerId), "web-router-id");
        assert.equal(await valueOf(router.imageId), "registry/web-router@sha256:1");
    });

    it("is open to other networks only where it is told to be", async () => {
        const recorded = await mockPulumi();
        new Router("web-router", { ...args, bindAddress: "0.0.0.0" });
        await settled();
        const { ports } = the(recorded, "Container", "web-router").inputs;
        assert.deepEqual(ports, [{ internal: 8080, external: 80, ip: "0.0.0.0" }]);
    });
});

describe("Router with https", () => {
    const args: RouterArgs = { image: "haproxy:3", publicPort: 80, httpsPort: 443, health, labels };

    it("has a port and a volume for it, and the name of who keeps the certificate", async () => {
        const recorded = await mockPulumi();
        const router = new Router("web-router", { ...args, bindAddress: "0.0.0.0" });
        await settled();
        const { inputs } = the(recorded, "Container", "web-router");
        const name = "web-router-1a2b3c4";
        assert.deepEqual(inputs.ports, [
            { internal: 8080, external: 80, ip: "0.0.0.0" },
            { internal: 8443, external: 443, ip: "0.0.0.0" },
        ]);
        assert.deepEqual(inputs.envs.slice(-2), ["HTTPS_PORT=443", `CERTIFICATES=${name}-certificate`]);
        assert.deepEqual(inputs.volumes, [
            { volumeName: name, containerPath: "/var/lib/haproxy" },
            { volumeName: "web-router-certificates-1a2b3c4", containerPath: "/certificates" },
        ]);
        const volume = the(recorded, "Volume", "web-router-certificates");
        assert.deepEqual(volume.inputs, { labels: labelList });
        assert.deepEqual(volume.options, {
            ...plain,
            parent: "decanter:index:Router",
            ignoreChanges: ["labels"],
        });
        assert.equal(await valueOf(pulumi.output(router.certificates)), "web-router-certificates-1a2b3c4");
    });
});

describe("Certificate", () => {
    const declare = async (from: CertificateArgs["from"]) => {
        const recorded = await mockPulumi();
        const args = { image: "haproxy:3", publicPort: 80, httpsPort: 443, health };
        const router = new Router("web-router", args);
        const names = ["shop.example", "www.shop.example"];
        new Certificate("tls", { router, image: "haproxy:3", names, from, labels });
        await settled();
        return recorded;
    };

    it("declares what asks a CA, on the router's network and with its volume alone", async () => {
        const recorded = await declare({ image: "lego:5", env: { TOKEN: "hunter2" }, dns: "route53" });
        assert.deepEqual(
            children(recorded).filter((child) => child.endsWith(" tls")),
            ["Certificate tls", "Container tls", "Image tls"],
        );
        assert.deepEqual(the(recorded, "Image", "tls").inputs.build, {
            context: "docker/certificates",
            dockerfile: "docker/certificates/Dockerfile",
            platform: "",
            args: { ROUTER_IMAGE: "haproxy:3", CLIENT: "acme", ACME_IMAGE: "lego:5" },
        });
        const { inputs, options } = the(recorded, "Container", "tls");
        const { healthcheck, envs, ...others } = inputs;
        const name = "web-router-1a2b3c4";
        assert.deepEqual(others, {
            ...hardened,
            image: "registry/tls@sha256:1",
            networkMode: name,
            name: `${name}-certificate`,
            networksAdvanced: [{ name }],
            volumes: [{ volumeName: "web-router-certificates-1a2b3c4", containerPath: "/certificates" }],
            readOnly: true,
            tmpfs: { "/tmp": "" },
            restart: "always",
            labels: labelList,
        });
        assert.deepEqual(secretValue(envs), [
            "TOKEN=hunter2",
            "NAMES=shop.example www.shop.example",
            "ACME_SERVER=https://acme-v02.api.letsencrypt.org/directory",
            "ACME_EMAIL=",
            "ACME_DNS=route53",
            "ACME_ROOT=",
            "RENEW_SECONDS=21600",
            "HIDDEN=TOKEN",
            "ROUTER=web-router-1a2b3c4",
        ]);
        assert.deepEqual(healthcheck.tests, ["CMD", "/usr/local/bin/certificates", "check"]);
        assert.equal(options?.deleteBeforeReplace, true);
        assert.deepEqual(options?.ignoreChanges, ["labels"]);
        assert.deepEqual(options?.hooks.beforeCreate, ["tls-names"]);
        assert.deepEqual(options?.hooks.afterCreate, ["tls-word"]);
    });

    it("takes one that is given, as a secret, and then no client", async () => {
        const recorded = await declare(pulumi.secret("PEM hunter2"));
        assert.deepEqual(the(recorded, "Image", "tls").inputs.build.args, { ROUTER_IMAGE: "haproxy:3" });
        const { envs } = the(recorded, "Container", "tls").inputs;
        assert.deepEqual(secretValue(envs), [
            "NAMES=shop.example www.shop.example",
            "TLS_CERTIFICATE=PEM hunter2",
            "ROUTER=web-router-1a2b3c4",
        ]);
    });

    it("is refused without https, without names, and without time between two looks", async () => {
        await mockPulumi();
        const router = new Router("web-router", { image: "haproxy:3", publicPort: 80, health });
        const https = new Router("tls-router", {
            image: "haproxy:3",
            publicPort: 80,
            httpsPort: 443,
            health,
        });
        const from = { image: "lego:5" };
        const make = (given: Partial<CertificateArgs>) => () =>
            new Certificate("tls", {
                router: https,
                image: "haproxy:3",
                names: ["a.example"],
                from,
                ...given,
            });
        assert.throws(make({ router }), /^Error: Certificate tls: its router has no https/);
        assert.throws(make({ names: [] }), /names must be one host name or more, got \[\]/);
        assert.throws(
            make({ from: { ...from, renewSeconds: 0 } }),
            /from\.renewSeconds must be a whole number from 1/,
        );
    });
});

describe("LocalRegistry", () => {
    it("declares a registry on the host's loopback alone", async () => {
        const recorded = await mockPulumi();
        const { address } = new LocalRegistry("web-registry", { image: "registry:3", labels });
        await settled();
        assert.deepEqual(children(recorded), [
            "Container web-registry",
            "LocalRegistry web-registry",
            "RandomInteger web-registry-port",
            "Volume web-registry",
        ]);
        const { min, max } = the(recorded, "RandomInteger", "web-registry-port").inputs;
        assert.ok(min > 1024 && max < 32768 && min < max, "below the ports that Linux hands out to clients");
        assert.deepEqual(the(recorded, "Volume", "web-registry").inputs, { labels: labelList });
        const { inputs, options } = the(recorded, "Container", "web-registry");
        const { healthcheck, ...others } = inputs;
        assert.deepEqual(others, {
            ...hardened,
            image: "registry:3",
            envs: [
                "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/var/lib/registry",
                "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR=",
            ],
            ports: [{ internal: 5000, external: 25000, ip: "127.0.0.1" }],
            volumes: [{ volumeName: "web-registry-1a2b3c4", containerPath: "/var/lib/registry" }],
            wait: true,
            readOnly: true,
            restart: "always",
            labels: labelList,
        });
        assert.equal(healthcheck.tests[0], "CMD-SHELL");
        assert.match(healthcheck.tests[1] as string, /127\.0\.0\.1:5000\/v2\//);
        assert.deepEqual(options, {
            ...plain,
            parent: "decanter:index:LocalRegistry",
            deleteBeforeReplace: true,
            ignoreChanges: ["labels"],
            dependencies: ["web-registry", "web-registry-port"],
        });
        assert.equal(await valueOf(address), "127.0.0.1:25000");
    });
});

describe("Migration", () => {
    it("declares a container that is not started", async () => {
        const recorded = await mockPulumi();
        const { migrateHook: migrated } = new Migration("web-migration", {
            image: "web@sha256:1",
            command: "bin/migrate --all",
            seconds: 5,
            envs: pulumi.secret(["A=1"]),
            networkName: "web-router-1a2b3c4",
            limits: { memoryMb: 512, cpus: "0.5" },
            secrets: pulumi.output([]),
            labels,
        });
        await settled();
        assert.deepEqual(children(recorded), ["Container web-migration", "Migration web-migration"]);
        const { inputs, options } = the(recorded, "Container", "web-migration");
        const { envs, ...others } = inputs;
        assert.deepEqual(secretValue(envs), ["A=1"]);
        assert.deepEqual(others, {
            ...hardened,
            ...network,
            image: "web@sha256:1",
            memory: 512,
            cpus: "0.5",
            entrypoints: ["/bin/sh", "-c"],
            command: ["exec bin/migrate --all"],
            readOnly: true,
            tmpfs: { "/tmp": "" },
            labels: labelList,
            start: false,
            mustRun: false,
        });
        assert.deepEqual(options, {
            ...plain,
            parent: "decanter:index:Migration",
            deleteBeforeReplace: false,
            replaceOnChanges: ["memory"],
            ignoreChanges: ["memorySwap"],
            hooks: { onError: ["web-migration-missing"] },
        });
        assert.equal(migrated.name, "web-migration");
        // A preview must not migrate.
        assert.notEqual(migrated.opts?.onDryRun, true);
    });
});

describe("Swap", () => {
    it("declares a container in the router's network that has to become healthy", async () => {
        const recorded = await mockPulumi();
        const router = new Router("web-router", {
            image: "a",
            publicPort: 80,
            health,
        });
        const gate = new pulumi.ResourceHook("gate", () => undefined);
        const swapped = new pulumi.ResourceHook("swapped", () => undefined);
        new Swap("web-swap", {
            router,
            containers: ["b", "a"],
            version: "1.2.3",
            health: { port: 4002, path: "/ready", host: "a.example", bakeSeconds: 2 },
            behindProxy: true,
            drainSeconds: 7,
            gateHook: gate,
            afterSwapHook: swapped,
            secrets: pulumi.output<string[]>([]),
            labels,
        });
        await settled();
        const { inputs, options } = the(recorded, "Container", "web-swap");
        assert.deepEqual(inputs, {
            ...hardened,
            image: "registry/web-router@sha256:1",
            entrypoints: ["/usr/local/bin/swap"],
            command: ["b", "a"],
            envs: [
                "VERSION=1.2.3",
                "PORT=4002",
                "HEALTH_PATH=/ready",
                "HEALTH_HOST=a.example",
                "BEHIND_PROXY=true",
                "REPLACE=./bin/pulumi up --replace '**Container::*router' replaces it, and closes its port for about a second",
                "CHECK_SECONDS=15",
                "BAKE_SECONDS=2",
                "FORMER_SECONDS=70",
                "DRAIN_SECONDS=7",
            ],
            networkMode: "container:web-router-id",
            volumes: [{ volumeName: "web-router-1a2b3c4", containerPath: "/var/lib/haproxy" }],
            readOnly: true,
            tmpfs: { "/tmp": "" },
            labels: labelList,
            healthcheck: {
                tests: ["CMD", "test", "-e", "/tmp/swapped"],
                interval: "500ms",
                timeout: "5s",
                retries: 1,
            },
            mustRun: false,
            wait: true,
            // The check, the bake, the drain, and what a former process of the router has left.
            waitTimeout: 126,
        });
        assert.deepEqual(options, {
            ...plain,
            parent: "decanter:index:Swap",
            deleteBeforeReplace: false,
            dependencies: ["web-router", "web-router", "web-router"],
            hooks: {
                beforeCreate: ["gate"],
                afterCreate: ["web-swap-notes", "swapped"],
                onError: ["web-swap-log"],
            },
        });
    });
});

describe("DockerService", () => {
    async function serviceOf(given: Partial<DockerServiceArgs> = {}) {
        const recorded = await mockPulumi();
        const router = new Router("web-router", {
            image: "a",
            publicPort: 80,
            health,
        });
        const service = new DockerService("web", {
            image: "web@sha256:1",
            version: "1.2.3",
            router,
            env: { B: "2", SAME: "plain" },
            // Not marked: the component has to do it.
            secrets: pulumi.output<Record<string, string>>({ A: "1", SAME: "secret" }),
            health,
            ...given,
        });
        await settled();
        return { recorded, service };
    }
    const ofService = (recorded: Recorded[]) =>
        children(recorded.filter(({ name }) => name !== "web-router"));

    it("declares one container with safe defaults, and no migration", async () => {
        const { recorded, service } = await serviceOf();
        assert.deepEqual(ofService(recorded), [
            "Container web-1",
            "Container web-swap",
            "DockerService web",
            "Swap web-swap",
        ]);
        const { inputs, options } = the(recorded, "Container", "web-1");
        const { envs, healthcheck, ...others } = inputs;
        assert.deepEqual(secretValue(envs), ["A=1", "B=2", "SAME=secret"]);
        assert.match((healthcheck.tests as string[]).join(" "), /127\.0\.0\.1\/4001;.*GET \/up /);
        assert.deepEqual(others, {
            ...hardened,
            ...network,
            image: "web@sha256:1",
            readOnly: true,
            tmpfs: { "/tmp": "" },
            restart: "always",
            cpuShares: 8192,
            stopTimeout: 30,
            destroyGraceSeconds: 30,
            labels: [versionLabel, routerLabel],
        });
        assert.deepEqual(options, {
            parent: "decanter:index:DockerService",
            deleteBeforeReplace: false,
            replaceOnChanges: ["memory", "healthcheck"],
            ignoreChanges: ["memorySwap"],
            dependencies: ["web-router"],
            hooks: { afterCreate: ["web-made"], onError: ["web-missing"] },
        });
        assert.deepEqual(await valueOf(service.containers), ["web-1-1a2b3c4"]);
    });

    it("migrates before it makes a container, and swaps once all are healthy", async () => {
        const { recorded, service } = await serviceOf({
            migration: { command: "bin/migrate" },
            replicas: 3,
            drainSeconds: 5,
            labels,
        });
        assert.deepEqual(ofService(recorded), [
            "Container web-1",
            "Container web-2",
            "Container web-3",
            "Container web-migration",
            "Container web-swap",
            "DockerService web",
            "Migration web-migration",
            "Swap web-swap",
        ]);
        const migration = the(recorded, "Container", "web-migration");
        assert.deepEqual(secretValue(migration.inputs.envs), ["A=1", "B=2", "SAME=secret"]);
        assert.deepEqual(migration.inputs.command, ["exec bin/migrate"]);
        assert.equal(migration.inputs.networkMode, "web-router-1a2b3c4");
        assert.deepEqual(migration.inputs.labels, [...labelList, versionLabel, routerLabel]);
        assert.equal(migration.options?.deleteBeforeReplace, false);
        for (const name of ["web-1", "web-2", "web-3"]) {
            const { inputs, options } = the(recorded, "Container", name);
            assert.equal(inputs.stopTimeout, 5);
            assert.equal(inputs.destroyGraceSeconds, 5);
            assert.deepEqual(inputs.labels, [...labelList, versionLabel, routerLabel]);
            assert.equal(options?.deleteBeforeReplace, false);
            assert.deepEqual(options.hooks, {
                beforeCreate: ["web-migration"],
                afterCreate: ["web-made"],
                onError: ["web-missing"],
            });
            assert.ok(options.dependencies.includes("web-migration"), options.dependencies.join(" "));
        }
        const names = ["web-1-1a2b3c4", "web-2-1a2b3c4", "web-3-1a2b3c4"];
        const swap = the(recorded, "Container", "web-swap");
        assert.deepEqual(swap.inputs.command, names);
        assert.ok((swap.inputs.envs as string[]).includes("DRAIN_SECONDS=5"));
        assert.deepEqual(swap.inputs.labels, [...labelList, versionLabel, routerLabel]);
        assert.deepEqual(swap.options?.hooks, {
            afterCreate: ["web-swap-notes"],
            beforeCreate: ["web-healthy"],
            onError: ["web-swap-log"],
        });
        for (const name of ["web-1", "web-2", "web-3"])
            assert.ok(swap.options.dependencies.includes(name), `the swap does not wait for ${name}`);
        assert.deepEqual(await valueOf(service.containers), names);
    });

    it("limits memory and CPUs, and leaves the file system writable, where it is told to", async () => {
        const { recorded } = await serviceOf({ limits: { memoryMb: 512, cpus: "1.5", readOnly: false } });
        const { memory, cpus, readOnly } = the(recorded, "Container", "web-1").inputs;
        assert.deepEqual({ memory, cpus, readOnly }, { memory: 512, cpus: "1.5", readOnly: false });
    });
});

describe("the releases of a stack", () => {
    const release = (number: number) => ({
        release: "web",
        version: `${number}.0.0`,
        image: `web@sha256:${number}`,
    });
    const cases: [name: string, last: number[], expected: number[]][] = [
        ["are one on the first deploy", [], [4]],
        ["have the new one first", [3, 2], [4, 3, 2]],
        ["are as many as are kept", [3, 2, 1], [4, 3, 2]],
        ["stay as they are when the image is the same", [4, 3], [4, 3]],
        ["have one first that was there before", [3, 4, 2], [4, 3, 2]],
    ];
    for (const [name, last, expected] of cases) {
        it(name, async () => {
            const outputs = last.length > 0 ? { releases: last.map(release) } : {};
            const recorded = await mockPulumi({}, [], outputs);
            const releases = releasesUpTo(release(4), (await lastOutputs()).releases, 3);
            assert.deepEqual(releases, expected.map(release));
            assert.deepEqual(children(recorded), ["StackReference organization/decanter/test"]);
        });
    }

    it("are named by the console's command in the outputs of a Decanter that knew one name for all", async () => {
        for (const console of [
            "bin/web remote",
            "/bin/sh -c 'cd /app 2> /dev/null; exec bin/web remote'",
            "sudo docker exec --interactive --tty web bin/web remote",
        ]) {
            const { release: _, ...unnamed } = release(1);
            await mockPulumi({}, [], { console, releases: [unnamed, { ...release(2), release: "shop" }] });
            assert.deepEqual((await lastOutputs()).releases, [
                release(1),
                { ...release(2), release: "shop" },
            ]);
        }
    });
});
