import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type Config, readConfig } from "../../../../stacks/config/config";
import { certificate, endedCertificate, otherKey, privateKey } from "../../../support/certificate";
import { declaredSettings, mockPulumi, valueOf } from "../../../support/mockPulumi";

const pem = certificate + privateKey;
const encrypted = ["secrets", "buildSecrets", "registryPassword", "tlsCertificate", "acmeEnv"];
type Settings = Record<string, unknown>;

const password = "pulumi config set --secret registryPassword";
const built = `ghcr.io:443/acme/hello@sha256:${"0a".repeat(32)}`;
const declared = declaredSettings();

/** Settings with one thing wrong, and the line that says so, by the key that it is about. */
const wrong: [key: string, settings: Settings, line: string][] = [
    ...["fly", "docker "].map((target): (typeof wrong)[number] => [
        "target",
        { target },
        `must be docker, fargate, floating-ip or edge, got "${target}": pulumi config set target docker`,
    ]),
    [
        "app",
        { app: "examples" },
        'must be a folder with a mix.exs, got "examples": pulumi config set app ../my_app',
    ],
    ["app", { app: "" }, 'must be a folder with a mix.exs, got "": pulumi config set app ../my_app'],
    [
        "release",
        { release: "bye" },
        'must be one of the releases in mix.exs (hello), got "bye": pulumi config set release hello',
    ],
    [
        "version",
        { version: "v1" },
        'must be a version such as 1.2.3, got "v1": pulumi config set version 1.2.3',
    ],
    [
        "version",
        { version: "1.2" },
        'must be a version such as 1.2.3, got "1.2": pulumi config set version 1.2.3',
    ],
    [
        "pathDependencies",
        { pathDependencies: ["../gone"] },
        `must be folders that are there, as seen from the app's, got "../gone": pulumi config set --path 'pathDependencies[0]' ../shared`,
    ],
    [
        "dockerfile",
        { dockerfile: "Missing" },
        'must be a file in examples/hello, got "Missing": pulumi config set dockerfile Dockerfile',
    ],
    ...["hello:1.0.0", "hello@sha256:1", `Hello@sha256:${"0".repeat(64)}`].map(
        (image): (typeof wrong)[number] => [
            "image",
            { image },
            `must be an image by digest, got "${image}": pulumi config set image ghcr.io/acme/hello@sha256:...`,
        ],
    ),
    [
        "healthPath",
        { healthPath: "health" },
        'must be a path, got "health": pulumi config set healthPath /health',
    ],
    [
        "healthHost",
        { healthHost: "a.example/b" },
        'must be a host name, got "a.example/b": pulumi config set healthHost www.example.com',
    ],
    [
        "healthHost",
        {
            ...{ target: "fargate", region: "eu-central-1", platform: "linux/amd64", cpus: "0.5" },
            ...{ zoneId: "Z0123456789ABCDEFGHIJ", domain: "b.example", healthHost: "a.example" },
        },
        'must be localhost on Fargate, whose load balancer asks each replica by its address, got "a.example": ' +
            "pulumi config rm healthHost",
    ],
    ["healthPath", { healthPath: "/'" }, 'must be a path, got "/\'": pulumi config set healthPath /health'],
    ["healthPath", { healthPath: "/%s" }, 'must be a path, got "/%s": pulumi config set healthPath /health'],
    [
        "healthPath",
        { healthPath: "/a\nb" },
        'must be a path, got "/a\\nb": pulumi config set healthPath /health',
    ],
    ...(
        [
            ["port", "1 to 65535", [0, 65536, "", "web", 1.5, "-1", "1e3", " 80"], 4000],
            ["replicas", "1 to 8", [0, 9], 2],
            ["bootSeconds", "1 to 3600", [0, 3601], 60],
            ["bakeSeconds", "0 to 3600", [-1, 3601], 3],
            ["keepReleases", "2 to 100", [0, 1, 101], 5],
            ["drainSeconds", "1 to 3600", [0, 3601], 30],
            ["migrateSeconds", "1 to 86400", [0, 86_401], 300],
            ["secretsVersion", "0 to 1000000", [-1, 1_000_001], 2],
            ["publicPort", "0 to 65535", [-1, 65536], 8080],
            ["httpsPort", "1 to 65535", [0, 65536], 443],
            ["hstsSeconds", "0 to 100000000", [-1, 100_000_001], 31_536_000],
            ["memoryMb", "0 to 1000000", [-1, 1_000_001, "1g"], 512],
        ] as const
    ).flatMap(([key, bounds, values, example]) =>
        values.map((value): [string, Settings, string] => [
            key,
            { [key]: value },
            `must be a whole number from ${bounds}, got "${value}": pulumi config set ${key} ${example}`,
        ]),
    ),
    ...[1, 63].map((memoryMb): [string, Settings, string] => [
        "memoryMb",
        { memoryMb },
        `must be 0 or at least 64, which an Erlang VM needs, got ${memoryMb}: pulumi config set memoryMb 512`,
    ]),
    ...["-1", "1.234", "one", ""].map((cpus): [string, Settings, string] => [
        "cpus",
        { cpus },
        `must be a number such as 1.5, or 0, got "${cpus}": pulumi config set cpus 1.5`,
    ]),
    [
        "migrate",
        { migrate: "bin/migrate &" },
        'must not leave anything in the background (&), as that ends with the command, got "bin/migrate &": pulumi config set migrate bin/migrate',
    ],
    ["env", { env: "A=1" }, 'must be variables by name, got "A=1": pulumi config set --path env.NAME value'],
    [
        "env",
        { env: ["A"] },
        'must be variables by name, got "[\\"A\\"]": pulumi config set --path env.NAME value',
    ],
    [
        "env",
        { env: { "A B": "1" } },
        'must have names of letters, digits and _, got "A B": pulumi config set --path env.NAME value',
    ],
    [
        "env.A",
        { env: { A: ["1"] } },
        "must be one value, not a list or a map: pulumi config set --path env.NAME value",
    ],
    ["env.A", { env: { A: null } }, 'must have a value: write A: "" for an empty one, or A: "null"'],
    [
        "env.A",
        { env: { A: "1", B: "2" }, secrets: { A: "hunter2" } },
        "is in secrets too: pulumi config rm --path env.A",
    ],
    [
        "secrets",
        { secrets: "hunter2" },
        'must be variables by name, got "[secret]": pulumi config set --secret --path secrets.NAME value',
    ],
    [
        "secrets",
        { secrets: ["hunter2"] },
        'must be variables by name, got "[secret]": pulumi config set --secret --path secrets.NAME value',
    ],
    [
        "secrets",
        { secrets: { "1A": "hunter2" } },
        'must have names of letters, digits and _, got "1A": pulumi config set --secret --path secrets.NAME value',
    ],
    [
        "secrets.A",
        { secrets: { A: { B: "hunter2" } } },
        "must be one value, not a list or a map: pulumi config set --secret --path secrets.NAME value",
    ],
    [
        "domain",
        { domain: "https://a.example" },
        'must be a host name, got "https://a.example": pulumi config set domain www.example.com',
    ],
    ["domain", { domain: "-a" }, 'must be a host name, got "-a": pulumi config set domain www.example.com'],
    ["domain", { domain: "" }, 'must be a host name, got "": pulumi config set domain www.example.com'],
    ...["tcp://10.0.0.1:2375", "unix://docker.sock", "ssh://"].map((host): [string, Settings, string] => [
        "host",
        { host },
        `must be unix:///path or ssh://user@host, got "${host}": pulumi config set host ssh://deploy@server.example`,
    ]),
    [
        "bindAddress",
        { bindAddress: "localhost" },
        'must be an IP address, got "localhost": pulumi config set bindAddress 0.0.0.0',
    ],
    [
        "https",
        { https: "letsencrypt" },
        'must be none or acme, got "letsencrypt": pulumi config set https none',
    ],
    [
        "https",
        { https: "acme", domain: "shop.example", tlsCertificate: pem },
        'must be none where there is a tlsCertificate, got "acme": pulumi config rm tlsCertificate, or pulumi config set https none',
    ],
    ...["localhost", "192.0.2.7"].map((domain): [string, Settings, string] => [
        "domain",
        { https: "acme", domain },
        `must be a public host name where https is acme, as the certificate is for it, got "${domain}": pulumi config set domain www.example.com`,
    ]),
    [
        "domainAliases",
        { https: "acme", domain: "shop.example", domainAliases: ["*.shop.example"] },
        'must have no wildcard without acmeDns, as a CA gives such certificates by dns-01 alone, got "*.shop.example": pulumi config set acmeDns cloudflare',
    ],
    [
        "domainAliases",
        { domainAliases: ["https://shop.example"] },
        `must be a list of host names, got "[\\"https://shop.example\\"]": pulumi config set --path 'domainAliases[0]' example.com`,
    ],
    ...["_edge", "an edge", "e".repeat(64)].map((edge): [string, Settings, string] => [
        "edge",
        { edge, domain: "shop.example" },
        `must be the name of a stack with the target edge, got "${edge}": pulumi config set edge edge`,
    ]),
    [
        "edge",
        {
            ...{ target: "fargate", region: "eu-central-1", platform: "linux/amd64", cpus: "0.5" },
            ...{ edge: "edge", domain: "shop.example", zoneId: "Z0123456789ABCDEFGHIJ" },
        },
        'must be empty with the target fargate: an edge is on a Docker host, got "edge": pulumi config rm edge',
    ],
    [
        "domain",
        { edge: "edge" },
        'must be the name by which visitors know the app, where there is an edge, got "localhost": pulumi config set domain www.example.com',
    ],
    [
        "acmeServer",
        { acmeServer: "ca.example" },
        'must be an URL with https, got "ca.example": pulumi config set acmeServer https://ca.example/directory',
    ],
    [
        "acmeEmail",
        { acmeEmail: "me" },
        'must be an address, got "me": pulumi config set acmeEmail me@example.com',
    ],
    [
        "acmeDns",
        { acmeDns: "Cloud flare" },
        'must be lego\'s name of a provider, got "Cloud flare": pulumi config set acmeDns cloudflare',
    ],
    [
        "acmeEnv",
        { acmeEnv: "hunter2" },
        'must be variables by name, got "[secret]": pulumi config set --secret --path acmeEnv.NAME value',
    ],
    [
        "acmeRoot",
        { acmeRoot: "root.pem" },
        "must be certificates as PEM: pulumi config set acmeRoot < root.pem",
    ],
    [
        "acmeImage",
        { acmeImage: "Lego" },
        'must be the name of an image, got "Lego": pulumi config set acmeImage registry.example/image:tag',
    ],
    ...(
        [
            [certificate, "must be a certificate with its chain, and its private key, as PEM"],
            [
                certificate + otherKey,
                "must hold the private key of its first certificate, and holds that of another",
            ],
            [
                endedCertificate + privateKey,
                "must be valid, and its first certificate ended on Feb  1 00:00:00 2020 GMT",
            ],
            [
                certificate + privateKey.replace(/M/, "?"),
                "must be a certificate and a private key without a password, and one of them cannot be read",
            ],
        ] as const
    ).map(([tlsCertificate, rule]): [string, Settings, string] => [
        "tlsCertificate",
        { tlsCertificate, domain: "shop.example" },
        `${rule}: pulumi config set --secret tlsCertificate < chain-and-key.pem`,
    ]),
    [
        "tlsCertificate",
        { tlsCertificate: pem, domain: "cellar.example" },
        "must be for cellar.example, and is for DNS:shop.example, DNS:*.shop.example: pulumi config set --secret tlsCertificate < chain-and-key.pem",
    ],
    [
        "platform",
        { platform: "windows/amd64" },
        'must be a Linux platform, got "windows/amd64": pulumi config set platform linux/arm64',
    ],
    [
        "registryAddress",
        { registryAddress: "https://ghcr.io/acme" },
        'must be a registry and a path, without https://, got "https://ghcr.io/acme": pulumi config set registryAddress ghcr.io/acme',
    ],
    [
        "registryAddress",
        { registryUsername: "me", registryPassword: "hunter2" },
        "must be set where there is a login: pulumi config set registryAddress ghcr.io/acme",
    ],
    [
        "registryUsername",
        { registryAddress: "ghcr.io/acme", registryPassword: "hunter2" },
        "must be set where registryPassword is: pulumi config set registryUsername me",
    ],
    [
        "registryPassword",
        { registryAddress: "ghcr.io/acme", registryUsername: "me" },
        `must be set where registryUsername is: ${password}`,
    ],
    [
        "behindProxy",
        { behindProxy: "yes" },
        'must be true or false, got "yes": pulumi config set behindProxy true',
    ],
    ["bootCheck", { bootCheck: "no" }, 'must be true or false, got "no": pulumi config set bootCheck true'],
    ["readOnly", { readOnly: "yes" }, 'must be true or false, got "yes": pulumi config set readOnly true'],
    ["archive", { archive: 30 }, 'must be true or false, got "30": pulumi config set archive true'],
    [
        "archive",
        { archive: true, dockerfile: "mix.exs" },
        "must be false with a dockerfile of the app's own, which has the release where it likes, got true: pulumi config set archive false",
    ],
    ["minimal", { minimal: "yes" }, 'must be true or false, got "yes": pulumi config set minimal true'],
    [
        "builder",
        { builder: "a b" },
        'must be the name of a builder, got "a b": pulumi config set builder arm',
    ],
    ...["libcuda.so.1", { a: "b" }, ["a b"], ["$(a)"], [1]].map((given): [string, Settings, string] => {
        const said = JSON.stringify(typeof given === "string" ? given : JSON.stringify(given));
        const rule = "must be a list of shared libraries or files of the release, which may have * and ?";
        const remedy = "pulumi config set --path 'missingLibraries[0]' libcuda.so.1";
        return ["missingLibraries", { missingLibraries: given }, `${rule}, got ${said}: ${remedy}`];
    }),
    ...["imagemagick", { a: "b" }, ["-y"], ["a b"], [1]].flatMap((given): [string, Settings, string][] => {
        const said = JSON.stringify(typeof given === "string" ? given : JSON.stringify(given));
        const rule = `must be a list of names of Debian packages, got ${said}: pulumi config set --path`;
        return [
            ["runtimePackages", { runtimePackages: given }, `${rule} 'runtimePackages[0]' imagemagick`],
            ["builderPackages", { builderPackages: given }, `${rule} 'builderPackages[0]' cargo`],
        ];
    }),
    ...["cacheFrom", "cacheTo"].map((key): [string, Settings, string] => [
        key,
        { [key]: ["ghcr.io/acme/cache"] },
        `must be a list of caches as BuildKit spells them, got "[\\"ghcr.io/acme/cache\\"]": ` +
            `pulumi config set --path '${key}[0]' type=registry,ref=ghcr.io/acme/cache${key === "cacheTo" ? ",mode=max" : ""}`,
    ]),
    [
        "sbom",
        { sbom: "yes", registryAddress: "ghcr.io" },
        'must be true or generator=IMAGE, got "yes": pulumi config set sbom true',
    ],
    [
        "provenance",
        { provenance: "true", registryAddress: "ghcr.io" },
        'must be min or max, got "true": pulumi config set provenance max',
    ],
    ...["sbom", "provenance"].map((key): [string, Settings, string] => [
        key,
        { [key]: key === "sbom" ? true : "min" },
        "needs a registry beside the Docker host's own: pulumi config set registryAddress ghcr.io/acme",
    ]),
    [
        "buildEnv",
        { buildEnv: "x" },
        'must be variables by name, got "x": pulumi config set --path buildEnv.NAME value',
    ],
    [
        "buildEnv.HEX_KEY",
        { buildEnv: { HEX_KEY: "a" }, buildSecrets: { HEX_KEY: "b" } },
        "is in buildSecrets too: pulumi config rm --path buildEnv.HEX_KEY",
    ],
    [
        "buildSecrets",
        { buildSecrets: "hunter2" },
        'must be variables by name, got "[secret]": pulumi config set --secret --path buildSecrets.NAME value',
    ],
    ...["builderImage", "runnerImage", "nodeImage", "routerImage", "registryImage"].flatMap((key) =>
        ["", "-rm", "a b"]
            .filter((image) => image !== "" || ["routerImage", "registryImage"].includes(key))
            .map((image): [string, Settings, string] => [
                key,
                { [key]: image },
                `must be the name of an image, got "${image}": pulumi config set ${key} registry.example/image:tag`,
            ]),
    ),
];

/** A folder with a mix.exs, and whatever files else; removed when the tests are over. */
const folders: string[] = [];
function project(list: string, files: string[] = []): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-config-"));
    folders.push(folder);
    const mix = `defmodule Shop.MixProject do\n@version "2.0.0"\ndef project do\n[${list}]\nend\nend\n`;
    for (const [file, text] of [["mix.exs", mix], ...files.map((name) => [name, ""])] as const) {
        fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
        fs.writeFileSync(path.join(folder, file), text);
    }
    return folder;
}

async function configOf(settings: Settings = {}): Promise<Config> {
    await mockPulumi(settings, encrypted);
    return readConfig();
}

/** The lines of the error that settings cause; none where they are good. */
async function problemsOf(settings: Settings, secretKeys = encrypted): Promise<string[]> {
    await mockPulumi(settings, secretKeys);
    try {
        readConfig();
        return [];
    } catch (error) {
        assert.ok(pulumi.RunError.isInstance(error), `not a RunError: ${error as Error}`);
        const title = "the settings of this stack cannot be used";
        const [first = "", ...lines] = error.message.split("\n");
        if (lines.length === 0) {
            assert.ok(first.startsWith(`${title}: `), first);
            return [first.slice(title.length + 2)];
        }
        assert.equal(first, `${title} (${lines.length} problems):`);
        for (const line of lines) assert.match(line, /^ {2}- /);
        return lines.map((line) => line.slice(4));
    }
}

describe("the settings of a stack", () => {
    after(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true })));

    describe("in Pulumi.yaml", () => {
        for (const [key, { description, type, secret, default: value }] of Object.entries(declared)) {
            it(`${key} has a description, a default, and a type unless it is secret`, () => {
                assert.match(String(description), /^[A-Z].{10,}[^.]$/);
                assert.notEqual(value, undefined);
                assert.equal(
                    secret === true,
                    ["secrets", "buildSecrets", "registryPassword", "tlsCertificate", "acmeEnv"].includes(
                        key,
                    ),
                );
                if (secret === true) assert.equal(type, undefined);
                else assert.equal(type, typeOf(value));
            });
        }

        it("are all tested with a wrong value, but those that take any command", () => {
            const tested = new Set(wrong.map(([key]) => key.split(".")[0]));
            // Those of AWS have a file of their own.
            const here = Object.entries(declared).filter(
                ([, { description }]) => !/^(AWS|Fargate|Floating IP): /.test(String(description)),
            );
            assert.deepEqual([...tested, "assets", "prepareDeps"].sort(), here.map(([key]) => key).sort());
        });
    });

    describe("that are wrong", () => {
        for (const [key, settings, line] of wrong) {
            it(`${key}, of ${JSON.stringify(settings)}`, async () => {
                assert.deepEqual(await problemsOf(settings), [`${key} ${line}`]);
            });
        }

        it("are reported together, in one error", async () => {
            const settings = { memoryMb: 1, replicas: 9, env: "x", registryUsername: "me", app: "nowhere" };
            assert.deepEqual(
                (await problemsOf(settings)).map((line) => line.split(" ")[0]),
                ["env", "app", "registryPassword", "registryAddress", "memoryMb", "replicas"],
            );
        });

        it("never show a secret, even in plain text", async () => {
            const encrypted = "must be encrypted, and lies in plain text in the stack's file";
            const settings = {
                env: { A: "1" },
                secrets: { A: "hunter2", "B-": "hunter2", C: ["hunter2"] },
                registryPassword: "hunter2",
            };
            assert.deepEqual(await problemsOf(settings, []), [
                'secrets must have names of letters, digits and _, got "B-": pulumi config set --secret --path secrets.NAME value',
                "secrets.C must be one value, not a list or a map: pulumi config set --secret --path secrets.NAME value",
                `secrets ${encrypted}: pulumi config set --secret --path secrets.NAME value`,
                "env.A is in secrets too: pulumi config rm --path env.A",
                `registryPassword ${encrypted}: ${password}`,
                "registryUsername must be set where registryPassword is: pulumi config set registryUsername me",
                "registryAddress must be set where there is a login: pulumi config set registryAddress ghcr.io/acme",
            ]);
        });

        it("are not those that are empty and in plain text", async () => {
            assert.deepEqual(await problemsOf({}, []), []);
        });
    });

    describe("that are good", () => {
        it("are the defaults, the release and the version those of mix.exs", async () => {
            const { secrets, buildSecrets, ...config } = await configOf();
            assert.deepEqual(config, {
                target: "docker",
                https: undefined,
                edge: undefined,
                app: "examples/hello",
                release: "hello",
                version: "0.1.0",
                notes: [],
                dockerfile: undefined,
                dockerfileArgs: {},
                image: undefined,
                keepReleases: 5,
                health: { port: 4000, path: "/health", host: "localhost", bootSeconds: 60, bakeSeconds: 3 },
                limits: { readOnly: true, memoryMb: 1024, cpus: undefined },
                replicas: 1,
                bootCheck: true,
                drainSeconds: 30,
                migration: { command: "bin/migrate", seconds: 300 },
                env: {},
                secretSizes: {},
                secretsVersion: 1,
                domain: "localhost",
                domainAliases: [],
                host: undefined,
                publicPort: 8080,
                bindAddress: "127.0.0.1",
                registry: undefined,
                behindProxy: false,
                platform: undefined,
                pathDependencies: [],
                projects: [],
                minimal: true,
                builderPackages: [],
                runtimePackages: [],
                missingLibraries: [],
                prepareDeps: undefined,
                early: ["config/config.exs", "mix.exs"],
                assets: undefined,
                buildEnv: {},
                builder: undefined,
                cacheFrom: [],
                cacheTo: [],
                sbom: undefined,
                provenance: undefined,
                builderImage: "docker.io/hexpm/elixir:1.20.2-erlang-29.0.3-debian-trixie-20260623-slim",
                nodeImage: "docker.io/node:24-trixie-slim",
                runnerImage: "docker.io/debian:trixie-20260623-slim",
                routerImage: declared.routerImage?.default,
                registryImage: declared.registryImage?.default,
                archive: false,
            });
            assert.deepEqual(await valueOf(secrets), {});
            assert.deepEqual(await valueOf(buildSecrets), {});
        });

        const good: [settings: Settings, expected: Partial<Config>][] = [
            [
                { memoryMb: 0, cpus: "0.0" },
                { limits: { readOnly: true, memoryMb: undefined, cpus: undefined } },
            ],
            [
                { memoryMb: 64, cpus: "1.5", readOnly: false },
                { limits: { readOnly: false, memoryMb: 64, cpus: "1.5" } },
            ],
            [{ behindProxy: true }, { behindProxy: true }],
            [{ dockerfile: "mix.exs" }, { dockerfile: "mix.exs" }],
            [{ image: built }, { image: built }],
            [{ archive: true }, { archive: true }],
            [
                { runtimePackages: ["imagemagick", "g++"], minimal: false },
                { runtimePackages: ["imagemagick", "g++"], minimal: false },
            ],
            [
                { cacheTo: ["type=inline"], builder: "arm-1" },
                { cacheTo: ["type=inline"], builder: "arm-1" },
            ],
            [
                { sbom: "generator=scanner:1", provenance: "max", registryAddress: "ghcr.io" },
                { sbom: "generator=scanner:1", provenance: "mode=max" },
            ],
            [{ prepareDeps: "mix local.hex --force" }, { prepareDeps: "mix local.hex --force" }],
            [{ assets: "cd ui && npm run build" }, { assets: "cd ui && npm run build" }],
            [{ buildEnv: { GIT_SHA: "0123", EMPTY: "" } }, { buildEnv: { GIT_SHA: "0123", EMPTY: "" } }],
            [
                { bakeSeconds: 0, healthPath: "/up?full=1&a=~b" },
                {
                    health: {
                        ...{ port: 4000, path: "/up?full=1&a=~b", host: "localhost" },
                        ...{ bootSeconds: 60, bakeSeconds: 0 },
                    },
                },
            ],
            [{ migrate: "none" }, { migration: undefined }],
            [
                { migrate: "bin/hello eval Seed.run", migrateSeconds: 5 },
                { migration: { command: "bin/hello eval Seed.run", seconds: 5 } },
            ],
            [{ version: "1.0.0-rc.1+abc" }, { version: "1.0.0-rc.1+abc" }],
            [{ host: "unix:///run/docker.sock" }, { host: "unix:///run/docker.sock" }],
            [{ host: "ssh://me@server:2222" }, { host: "ssh://me@server:2222" }],
            [{ platform: "linux/arm/v7" }, { platform: "linux/arm/v7" }],
            [
                { bindAddress: "::1", domain: "a.b-c.example" },
                { bindAddress: "::1", domain: "a.b-c.example" },
            ],
            [
                { secretsVersion: 0, replicas: 8 },
                { secretsVersion: 0, replicas: 8 },
            ],
            [
                { env: { N: "4", F: "1.50", S: "x=y", E: "" } },
                { env: { N: "4", F: "1.50", S: "x=y", E: "" } },
            ],
            [
                { registryAddress: "127.0.0.1:5000/a/b" },
                { registry: { address: "127.0.0.1:5000/a/b", username: undefined, password: undefined } },
            ],
        ];
        for (const [settings, expected] of good) {
            it(JSON.stringify(settings), async () => {
                const config = await configOf(settings);
                const read = Object.keys(expected).map((key) => [key, config[key as keyof Config]]);
                assert.deepEqual(Object.fromEntries(read), expected);
            });
        }

        it("keep secrets secret", async () => {
            const { secrets, buildSecrets, registry } = await configOf({
                secrets: { PIN: "1234" },
                buildSecrets: { HEX_KEY: "hunter2" },
                registryAddress: "ghcr.io/acme",
                registryUsername: "me",
                registryPassword: "hunter2",
            });
            assert.ok(await pulumi.isSecret(secrets));
            assert.deepEqual(await valueOf(secrets), { PIN: "1234" });
            assert.ok(await pulumi.isSecret(buildSecrets));
            assert.deepEqual(await valueOf(buildSecrets), { HEX_KEY: "hunter2" });
            assert.equal(registry?.username, "me");
            assert.ok(registry.password && (await pulumi.isSecret(registry.password)));
            assert.equal(await valueOf(registry.password), "hunter2");
        });
    });

    describe("that come from the app's folder", () => {
        const two = "app: :shop, version: vsn(), releases: [web: [], jobs: []]";

        it("are the only release, the version, and the migration where there is one", async () => {
            const mix = "app: :shop, version: @version, releases: [web: [a: 1]]";
            const plain = await configOf({ app: project(mix) });
            assert.deepEqual([plain.release, plain.version, plain.migration], ["web", "2.0.0", undefined]);
            const own = await configOf({
                app: project(`app: :shop, version: @version, releases: [web: [version: "3.0.0"]]`),
            });
            assert.equal(own.version, "3.0.0");
            const app = project(mix, ["rel/overlays/bin/migrate"]);
            assert.equal((await configOf({ app })).migration?.command, "bin/migrate");
            assert.equal((await configOf({ app, migrate: "none" })).migration, undefined);
        });

        it("are the versions of .tool-versions, on the Debian that the release runs on", async () => {
            const app = project("app: :shop, version: @version");
            const versions = (text: string) => fs.writeFileSync(path.join(app, ".tool-versions"), text);
            versions("nodejs 24.1.0\n");
            assert.match((await configOf({ app })).builderImage, /^docker\.io\/hexpm\/elixir:1\.20\.2-/);
            versions("erlang 27.3.4\nelixir 1.18.3-otp-27\n");
            assert.equal(
                (await configOf({ app })).builderImage,
                "docker.io/hexpm/elixir:1.18.3-erlang-27.3.4-debian-trixie-20260623-slim",
            );
            const own = await configOf({ app, builderImage: "mine:1" });
            assert.deepEqual([own.builderImage, own.builderVersions], ["mine:1", undefined]);
            const remedy = "pulumi config set builderImage registry.example/image:tag";
            assert.deepEqual(await problemsOf({ app, runnerImage: "mine:2" }), [
                `builderImage must be set, as runnerImage mine:2 does not tell its Debian (debian:trixie-DATE-slim): ${remedy}`,
            ]);
            const file = path.relative(process.cwd(), path.join(app, ".tool-versions"));
            for (const [text, problem] of [
                ["elixir 1.18.3\n", `${file} has no version of erlang (erlang 27.3.4)`],
                ["erlang 27.3\n", `${file} has no version of elixir (elixir 1.18.4)`],
                [
                    "elixir ref:abc\nerlang 27.3\n",
                    `${file} asks for elixir ref:abc, which is no image's version`,
                ],
                [
                    "elixir 1.18\nerlang 27.3\n",
                    `${file} asks for elixir 1.18, which is no image's version: write all of it, such as elixir 1.18.4`,
                ],
                [
                    "elixir 1.18.4\nerlang latest\n",
                    `${file} asks for erlang latest, which is no image's version`,
                ],
                [
                    "elixir 1.18.4\nerlang 27\n",
                    `${file} asks for erlang 27, which is no image's version: write all of it, such as erlang 27.3.4`,
                ],
            ] as const) {
                versions(text);
                assert.deepEqual(await problemsOf({ app }), [
                    `builderImage must be set, as ${problem}: ${remedy}`,
                ]);
            }
            fs.writeFileSync(path.join(app, "Dockerfile"), "FROM scratch");
            assert.deepEqual(await problemsOf({ app, dockerfile: "Dockerfile" }, []), []);
        });

        it("are the versions of a .tool-versions above, however they are written", async () => {
            const root = project("app: :all");
            const app = path.join(root, "web");
            fs.mkdirSync(app);
            fs.cpSync(path.join(root, "mix.exs"), path.join(app, "mix.exs"));
            fs.writeFileSync(
                path.join(root, ".tool-versions"),
                "# ours\nelixir   v1.19.4 # new\nerlang 28.1\n",
            );
            fs.writeFileSync(path.join(app, ".tool-versions"), "nodejs 24.1.0\n");
            const image = async () => (await configOf({ app, version: "1.0.0" })).builderImage;
            assert.match(await image(), /:1\.19\.4-erlang-28\.1-debian-/);
            fs.writeFileSync(path.join(app, ".tool-versions"), "elixir 1.19.4-otp-28\nerlang OTP-28.1.1\n");
            assert.match(await image(), /:1\.19\.4-erlang-28\.1\.1-debian-/);
        });

        describe("and are mise's", () => {
            let root: string;
            let app: string;
            beforeEach(() => {
                root = project("app: :all");
                app = path.join(root, "web");
                fs.mkdirSync(app);
                fs.cpSync(path.join(root, "mix.exs"), path.join(app, "mix.exs"));
            });
            const write = (file: string, text: string) => {
                fs.mkdirSync(path.dirname(file), { recursive: true });
                fs.writeFileSync(file, text);
            };
            const both = (elixir: string, erlang = '"27.3.4"') =>
                `[tools]\nnode = "24"\nelixir = ${elixir}\nerlang = ${erlang}\n`;
            const versions = async () => {
                const { builderImage } = await configOf({ app, version: "1.0.0" });
                return /:([\d.]+)-erlang-([\d.]+)-/.exec(builderImage)?.slice(1);
            };

            it("count in the order that mise has, the nearest folder first", async () => {
                // Each file counts more than those before it.
                const files = [
                    "../.tool-versions",
                    "../mise.toml",
                    "../mise.local.toml",
                    ".tool-versions",
                    ".config/mise/config.toml",
                    ".config/mise/mise.toml",
                    ".config/mise.toml",
                    ".mise/config.toml",
                    "mise/config.toml",
                    "mise.toml",
                    ".mise.toml",
                    ".config/mise/config.local.toml",
                    ".config/mise/mise.local.toml",
                    ".config/mise.local.toml",
                    ".mise/config.local.toml",
                    "mise/config.local.toml",
                    "mise.local.toml",
                    ".mise.local.toml",
                ];
                for (const [patch, file] of files.entries()) {
                    const elixir = `1.18.${patch}`;
                    const asdf = `elixir ${elixir}\nerlang 27.3.4\n`;
                    write(path.join(app, file), file.endsWith(".toml") ? both(`"${elixir}"`) : asdf);
                    assert.deepEqual(await versions(), [elixir, "27.3.4"], file);
                }
                write(path.join(app, ".mise.local.toml"), '[tools]\nerlang = "28.1"\n');
                const { builderVersions } = await configOf({ app, version: "1.0.0" });
                const from = (name: string) => path.relative(process.cwd(), path.join(app, name));
                assert.equal(
                    builderVersions,
                    `elixir 1.18.16 (${from("mise.local.toml")}) and erlang 28.1 (${from(".mise.local.toml")})`,
                );
            });

            it("are strings, tables, lists, and have a prefix of mise's core", async () => {
                for (const [elixir, erlang] of [
                    ['{ version = "1.18.4-otp-27", postinstall = "mix local.hex" }', '["27.3.4", "26.2"]'],
                    ['[{ version = "v1.18.4" }, "1.17.3"]', "'27.3.4' # ours"],
                ]) {
                    write(path.join(root, "mise.toml"), both(elixir ?? "", erlang));
                    assert.deepEqual(await versions(), ["1.18.4", "27.3.4"], elixir);
                }
                write(
                    path.join(root, "mise.toml"),
                    '[tools]\n"core:elixir" = "1.18.4"\n"core:erlang" = "27.3.4"\n',
                );
                assert.deepEqual(await versions(), ["1.18.4", "27.3.4"]);
                const table = '[tools.elixir]\nversion = "1.18.4"\n[tools.erlang]\nversion = "27.3.4"\n';
                write(path.join(app, "mise.toml"), `[env]\nelixir = "no"\n${table}`);
                assert.deepEqual(await versions(), ["1.18.4", "27.3.4"]);
            });

            it("are named where no image has them, or the file is no TOML", async () => {
                const file = path.relative(process.cwd(), path.join(root, "mise.toml"));
                const remedy = "pulumi config set builderImage registry.example/image:tag";
                for (const [text, problem] of [
                    [
                        both('"1.18"'),
                        `${file} asks for elixir 1.18, which is no image's version: write all of it, such as elixir 1.18.4`,
                    ],
                    [both('"latest"'), `${file} asks for elixir latest, which is no image's version`],
                    [
                        both('{ path = "~/elixir" }'),
                        `${file} asks for elixir {"path":"~/elixir"}, which is no image's version`,
                    ],
                    ['[tools]\nelixir = "1.18.4"\n', `${file} has no version of erlang (erlang 27.3.4)`],
                    [
                        "[tools]\nelixir = \n",
                        `${file} cannot be read: line 2: Invalid TOML document: invalid value`,
                    ],
                ] as const) {
                    write(path.join(root, "mise.toml"), text);
                    assert.deepEqual(await problemsOf({ app, version: "1.0.0" }), [
                        `builderImage must be set, as ${problem}: ${remedy}`,
                    ]);
                }
                // What the user sets counts, and nothing else is asked.
                assert.equal(
                    (await configOf({ app, version: "1.0.0", builderImage: "mine:1" })).builderImage,
                    "mine:1",
                );
            });

            it("are not those of a person's home, which are for all folders", async () => {
                const before = process.env.HOME;
                process.env.HOME = root;
                try {
                    write(path.join(root, ".config/mise/config.toml"), both('"latest"'));
                    assert.deepEqual(await versions(), ["1.20.2", "29.0.3"]);
                    write(path.join(root, "mise.toml"), both('"1.18.4"'));
                    assert.deepEqual(await versions(), ["1.18.4", "27.3.4"]);
                } finally {
                    process.env.HOME = before;
                }
            });
        });

        it("lists no release of an image that is given: a rollback may be to a different app", async () => {
            const app = project(two);
            const config = await configOf({ app, release: "shop", version: "3.0.0", image: built });
            assert.deepEqual([config.release, config.image], ["shop", built]);
        });

        it("have to be chosen where there are two releases", async () => {
            const app = project(two);
            assert.deepEqual(await problemsOf({ app }), [
                'release must be one of the releases in mix.exs (web, jobs), got "": pulumi config set release web',
            ]);
            const config = await configOf({ app, release: "jobs", version: "3.0.0" });
            assert.deepEqual([config.release, config.version], ["jobs", "3.0.0"]);
            assert.equal(
                (await configOf({ app: project(`${two}, default_release: :jobs`) })).release,
                "jobs",
            );
        });

        for (const [name, list, given, expected] of [
            ["lists none", "app: :shop, version: @version, releases: []", "", "shop"],
            ["lists it in a tuple", "app: :shop, version: @version, releases: [{:cellar, []}]", "", "cellar"],
            ["computes them", "app: :shop, version: @version, releases: all()", "cellar", "cellar"],
            [
                "computes some",
                "app: :shop, version: @version, releases: [a: []] ++ all()",
                "cellar",
                "cellar",
            ],
            ["computes its app", "app: app(), version: @version", "cellar", "cellar"],
            [
                "has a name as long as Mix likes",
                `app: :${"s".repeat(200)}_, version: @version`,
                "",
                `${"s".repeat(200)}_`,
            ],
        ] as const) {
            it(`are the release where mix.exs ${name}`, async () => {
                assert.equal((await configOf({ app: project(list), release: given })).release, expected);
            });
        }

        for (const [name, list, given, problem] of [
            [
                "set to one that mix.exs does not list",
                "app: :shop, releases: [a: [], b: []]",
                "shop",
                'must be one of the releases in mix.exs (a, b), got "shop": pulumi config set release a',
            ],
            [
                "set where mix.exs computes them",
                "app: :shop, releases: all()",
                "",
                "must be set, as mix.exs computes the names of its releases: pulumi config set release shop",
            ],
            [
                "set where mix.exs computes the app",
                "app: app()",
                "",
                "must be set, as mix.exs computes the names of its releases: pulumi config set release my_app",
            ],
            [
                "a name that Mix takes",
                "app: :Shop",
                "",
                'must be lower-case letters, digits and _, as Mix takes no other name of a release, got "Shop": pulumi config set release my_app',
            ],
            [
                "a name that Mix takes, set too",
                "app: :shop, releases: all()",
                "a-b",
                'must be lower-case letters, digits and _, as Mix takes no other name of a release, got "a-b": pulumi config set release my_app',
            ],
            [
                "in the mix.exs of an umbrella",
                'apps_path: "apps"',
                "",
                "must be under releases: in the umbrella's mix.exs: list one there, with its applications",
            ],
            [
                "in the mix.exs of an umbrella, set or not",
                'apps_path: "apps"',
                "web",
                "must be under releases: in the umbrella's mix.exs: list one there, with its applications",
            ],
        ] as const) {
            it(`have to have a release that is ${name}`, async () => {
                const app = project(`${list}, version: @version`);
                assert.deepEqual(await problemsOf({ app, release: given }), [`release ${problem}`]);
            });
        }

        it("are the folders of mix projects that are sent besides the app's", async () => {
            const mix = 'app: :shop, version: @version, deps: [{:a, path: "libs/a"}, {:b, path: "../hello"}]';
            const app = project(mix, ["libs/a/mix.exs", "mix/x.exs"]);
            const at = (name: string) => path.join(app, name);
            const { pathDependencies: beside, projects } = await configOf({ app });
            assert.deepEqual([beside, projects], [[], [at("libs/a")]]);
            const further = path.relative(app, project("app: :far"));
            const config = await configOf({ app, pathDependencies: [further] });
            assert.deepEqual(
                [config.pathDependencies, config.projects],
                [[at(further)], [at(further), at("libs/a")].sort()],
            );
        });

        it("say where mix.exs asks git, and git tells nothing in the build", async () => {
            const app = project('app: :shop, version: @version, deps: [{:a, git: "git@example.com:a"}]');
            assert.deepEqual((await configOf({ app })).notes, []);
            fs.appendFileSync(path.join(app, "mix.exs"), '# System.cmd("git", [])');
            assert.deepEqual((await configOf({ app })).notes, []);
            fs.mkdirSync(path.join(app, "config"));
            fs.writeFileSync(path.join(app, "config/config.exs"), 'System.cmd("git", ["describe"])');
            const said = "config/config.exs asks git, which tells nothing in the build: ";
            assert.deepEqual((await configOf({ app })).notes, [
                `${said}a line "!.git" in .dockerignore sends .git`,
            ]);
            fs.writeFileSync(path.join(app, ".dockerignore"), "!.git\n");
            assert.deepEqual((await configOf({ app })).notes, []);
            fs.mkdirSync(path.join(app, "web"));
            fs.renameSync(path.join(app, "config"), path.join(app, "web/config"));
            fs.cpSync(path.join(app, "mix.exs"), path.join(app, "web/mix.exs"));
            execFileSync("git", ["init", "--quiet", app]);
            assert.deepEqual((await configOf({ app: path.join(app, "web") })).notes, [
                `${said}.git is in .., and a build has the app's folder`,
            ]);
        });

        it("leave the version to Mix where mix.exs computes it, and say so", async () => {
            const app = project("app: :shop, version: vsn()");
            const { version, notes } = await configOf({ app });
            assert.equal(version, "unknown");
            assert.match(
                notes.join("\n"),
                /^mix\.exs computes its version: .*pulumi config set version 1\.2\.3/,
            );
            // A rollback to such a release sets it.
            assert.equal((await configOf({ app, version: "unknown" })).version, "unknown");
            const set = await configOf({ app, version: "1.2.3" });
            assert.deepEqual([set.version, set.notes], ["1.2.3", []]);
        });

        it("are the stack's own where it has them", async () => {
            const app = project(two, ["ops/Dockerfile"]);
            const settings = { app, release: "jobs", version: "2.0.1", dockerfile: "ops/Dockerfile" };
            const { release, version, dockerfile, dockerfileArgs } = await configOf(settings);
            assert.deepEqual({ app, release, version, dockerfile }, settings);
            assert.deepEqual(dockerfileArgs, { RELEASE: "jobs", VERSION: "2.0.1" });
            const more = await configOf({
                ...settings,
                builderImage: "mine:1",
                runtimePackages: ["a", "b"],
                prepareDeps: "x",
            });
            assert.deepEqual(more.dockerfileArgs, {
                RELEASE: "jobs",
                VERSION: "2.0.1",
                BUILDER_IMAGE: "mine:1",
                RUNTIME_PACKAGES: "a b",
                PREPARE_DEPS: "x",
            });
        });
    });
});

function typeOf(value: unknown): string {
    return Number.isInteger(value) ? "integer" : Array.isArray(value) ? "array" : typeof value;
}
