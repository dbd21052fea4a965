import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { parse } from "yaml";
import { type ConfigOf, readConfig } from "../../../stacks/config/config";
import { floatingIp } from "../../../stacks/floatingIp";
import type { Release } from "../../../stacks/outputs";
import { floatingIpStack, itIsAnAwsStack } from "../../support/awsStack";
import { certificate, privateKey } from "../../support/certificate";
import { mockPulumi, type Recorded, secretValue, settled, the, valueOf } from "../../support/mockPulumi";

type Settings = Record<string, unknown>;

const account = "123456789012";
const required = floatingIpStack;
const pem = certificate + privateKey;
/** Everything that one may choose, chosen. */
const everything = {
    ...required,
    zoneId: "Z1",
    protect: true,
    tlsCertificate: pem,
    secrets: { DATABASE_URL: "ecto://hunter2" },
};
const existing = {
    ...required,
    vpcId: "vpc-1",
    publicSubnetIds: ["subnet-1", "subnet-2"],
    privateSubnetIds: ["subnet-3"],
};
const given = `${account}.dkr.ecr.eu-central-1.amazonaws.com/built@sha256:${"0a".repeat(32)}`;

async function run(settings: Settings = {}, before: Release[] = []) {
    const recorded = await mockPulumi({ ...required, ...settings }, ["secrets", "tlsCertificate"]);
    const outputs = floatingIp(readConfig() as ConfigOf<"floating-ip">, { pastReleases: before });
    await settled();
    // Some components have the name of the resource that is their heart.
    return { recorded: recorded.filter(({ type }) => !type.startsWith("decanter:")), outputs };
}

async function declared(settings: Settings = {}): Promise<Recorded[]> {
    return (await run(settings)).recorded;
}

function inputs(recorded: Recorded[], type: string, name = "decanter-test"): Recorded["inputs"] {
    return the(recorded, type, name).inputs;
}

/** What bash makes of the settings in the user data: the words of each. */
function settingsOf(recorded: Recorded[]): Record<string, string[]> {
    const userData = inputs(recorded, "Instance").userData as string;
    const [settings = ""] = userData.split("set -euo pipefail");
    const names = [...settings.matchAll(/^([A-Z_]+)=/gm)].map(([, name = ""]) => name);
    const print = [...new Set(names)].map(
        (name) => `printf '%s\\0' ${name} "\${${name}[@]}" ''; printf '\\1\\0'`,
    );
    const all = execFileSync("bash", ["-c", `${settings}\n${print.join("\n")}`], { encoding: "utf8" });
    return Object.fromEntries(
        all
            .split("\x01\0")
            .filter((part) => part !== "")
            .map((part) => part.split("\0"))
            .map(([name = "", ...words]) => [name, words.slice(0, -2)]),
    );
}

describe("the target floating-ip", () => {
    it("declares what it needs, and nothing of what was not asked for", async () => {
        const recorded = await declared();
        const resources = recorded.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort();
        assert.deepEqual(resources, [
            "DefaultSecurityGroup decanter-test-network",
            "Eip decanter-test",
            "EipAssociation decanter-test",
            "Image decanter-test",
            "Instance decanter-test",
            "InstanceProfile decanter-test",
            "InternetGateway decanter-test-network",
            "LifecyclePolicy decanter-test",
            "LogGroup decanter-test",
            "Parameter decanter-test-RELEASE_COOKIE",
            "Parameter decanter-test-SECRET_KEY_BASE",
            "RandomPassword decanter-test-cookie",
            "RandomPassword decanter-test-key-base",
            "RemoteImage decanter-test",
            "Repository decanter-test",
            "Role decanter-test",
            "RolePolicy decanter-test",
            "Route decanter-test-network-public",
            "RouteTable decanter-test-network-public",
            "RouteTableAssociation decanter-test-network-public-1",
            "RouteTableAssociation decanter-test-network-public-2",
            "SecurityGroup decanter-test",
            "SecurityGroupEgressRule decanter-test-out-4",
            "SecurityGroupEgressRule decanter-test-out-6",
            "SecurityGroupIngressRule decanter-test-80-4",
            "SecurityGroupIngressRule decanter-test-80-6",
            "Subnet decanter-test-network-public-1",
            "Subnet decanter-test-network-public-2",
            "Vpc decanter-test-network",
            "aws aws",
            "docker docker",
        ]);
    });

    it("declares a record, and what terminates TLS, where they are asked for", async () => {
        const without = new Set((await declared()).map(({ type, name }) => `${type} ${name}`));
        const recorded = await declared({ zoneId: "Z1", tlsCertificate: pem });
        const more = recorded
            .filter(({ type, name }) => !without.has(`${type} ${name}`))
            .map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);
        assert.deepEqual(more.sort(), [
            "Image decanter-test-tls",
            "Parameter decanter-test-tls-TLS_CERTIFICATE",
            "Record decanter-test",
            "RemoteImage decanter-test-tls",
            "Repository decanter-test-tls",
            "SecurityGroupIngressRule decanter-test-443-4",
            "SecurityGroupIngressRule decanter-test-443-6",
            "docker docker-tls",
        ]);
    });

    for (const [what, settings] of [
        ["the defaults", required],
        ["everything chosen", everything],
        ["a VPC that is there", existing],
    ] as [string, Settings][]) {
        itIsAnAwsStack(what, () => declared(settings));

        it(`shows secrets to nobody, with ${what}`, async () => {
            for (const { type, name, inputs: properties } of await declared(settings)) {
                // A marked value is encrypted on its way.
                const unmarked = JSON.stringify(properties, (_key, value: unknown) =>
                    typeof value === "object" && value !== null && "4dabf18193072939515e22adb298388d" in value
                        ? "[secret]"
                        : value,
                );
                assert.doesNotMatch(unmarked, /hunter\d|-generated|ecr-password/, `${type} ${name}`);
                assert.ok(!unmarked.includes(privateKey.split("\n")[1] ?? ""), `${type} ${name}`);
            }
        });
    }

    it("tags everything with project, stack and release, and asks one region", async () => {
        const provider = inputs(await declared(), "aws", "aws");
        assert.deepEqual(JSON.parse(provider.defaultTags as string), {
            tags: { project: "decanter", stack: "test", release: "hello" },
        });
        assert.equal(provider.region, "eu-central-1");
    });

    it("has the outputs of every target, and its address, once the address has moved", async () => {
        const before = [{ release: "hello", version: "0.0.9", image: "a@sha256:2", tag: "0.0.9-2" }];
        const { outputs } = await run({}, before);
        const values: Record<string, unknown> = {};
        for (const [key, value] of Object.entries(outputs as object) as [string, unknown][])
            values[key] = typeof value === "string" ? value : await valueOf(value as never);
        const now = {
            release: "hello",
            version: "0.1.0",
            image: "registry/decanter-test@sha256:1",
            tag: "0.1.0-decanter-tes",
        };
        assert.deepEqual(values, {
            target: "floating-ip",
            url: "http://www.example.com",
            version: "0.1.0",
            image: "registry/decanter-test:0.1.0-decanter-tes@sha256:1",
            containers: ["decanter-test-id"],
            console: "sudo docker exec --interactive --tty hello bin/hello remote",
            releases: [now, ...before],
            previous: before[0],
            logs: "/decanter/test/release",
            securityGroup: "decanter-test-id",
            address: "198.51.100.7",
        });
        assert.equal((await run({ tlsCertificate: pem })).outputs.url, "https://www.example.com");
    });

    describe("the host", () => {
        it("is an instance with these properties, and no others", async () => {
            const { userData, ...others } = inputs(await declared({ diskGb: 30 }), "Instance");
            assert.match(userData as string, /^#!\/bin\/bash\n/);
            // No key pair, no address or name of its own choice, which a host beside it would want too.
            assert.deepEqual(others, {
                ami: "ami-0123456789abcdef0",
                instanceType: "t4g.small",
                subnetId: "decanter-test-network-public-1-id",
                vpcSecurityGroupIds: ["decanter-test-id"],
                associatePublicIpAddress: true,
                iamInstanceProfile: "decanter-test",
                metadataOptions: {
                    httpEndpoint: "enabled",
                    httpTokens: "required",
                    httpPutResponseHopLimit: 1,
                },
                rootBlockDevice: {
                    volumeType: "gp3",
                    volumeSize: 30,
                    encrypted: true,
                    tags: { Name: "decanter-test" },
                },
                userDataReplaceOnChange: true,
                monitoring: false,
                tags: { Name: "decanter-test" },
            });
        });

        it("is replaced by one that is made before it goes, and after what it needs", async () => {
            const { options } = the(await declared(everything), "Instance", "decanter-test");
            assert.equal(options?.deleteBeforeReplace, false);
            assert.deepEqual(options?.replaceOnChanges, ["instanceType", "rootBlockDevice"]);
            assert.deepEqual(options?.ignoreChanges, []);
            assert.deepEqual(options?.hooks, { beforeCreate: ["decanter-test-boot-check"] });
            for (const name of [
                "decanter-test-443-4",
                "decanter-test-80-6",
                "decanter-test-out-4",
                "decanter-test-DATABASE_URL",
                "decanter-test-tls-TLS_CERTIFICATE",
                "decanter-test-tls",
                "decanter-test-network-public",
            ])
                assert.ok(options?.dependencies.includes(name), name);
        });

        it("is in a public subnet, of a VPC that is made or given", async () => {
            const subnet = async (settings: Settings) =>
                inputs(await declared(settings), "Instance").subnetId as string;
            assert.equal(await subnet({ zones: 3 }), "decanter-test-network-public-1-id");
            assert.equal(await subnet(existing), "subnet-1");
            assert.equal(inputs(await declared(existing), "SecurityGroup").vpcId, "vpc-1");
        });

        it("is not there without the check that its release starts, where that is built here", async () => {
            const { options } = the(await declared({ image: given }), "Instance", "decanter-test");
            assert.deepEqual(options?.hooks, {});
        });

        for (const [settings, ports] of [
            [{}, [80]],
            [{ tlsCertificate: pem }, [80, 443]],
        ] as const) {
            it(`lets the world in to ${ports.join(" and ")} alone, and out`, async () => {
                const recorded = await declared(settings);
                const group = inputs(recorded, "SecurityGroup");
                assert.deepEqual([group.ingress, group.egress], [undefined, undefined]);
                const rules = recorded.filter(({ type }) => type.endsWith("IngressRule"));
                assert.deepEqual(
                    new Set(rules.map(({ inputs: rule }) => JSON.stringify(rule))),
                    new Set(
                        ports.flatMap((port) =>
                            [{ cidrIpv4: "0.0.0.0/0" }, { cidrIpv6: "::/0" }].map((world) =>
                                JSON.stringify({
                                    ...world,
                                    fromPort: port,
                                    ipProtocol: "tcp",
                                    securityGroupId: "decanter-test-id",
                                    toPort: port,
                                }),
                            ),
                        ),
                    ),
                );
                const out = recorded.filter(({ type }) => type.endsWith("EgressRule"));
                assert.deepEqual(
                    out.map(({ inputs: rule }) => [rule.ipProtocol, rule.cidrIpv4 ?? rule.cidrIpv6]),
                    [
                        ["-1", "0.0.0.0/0"],
                        ["-1", "::/0"],
                    ],
                );
            });
        }

        it("may read its own secrets, pull its own images, write its own logs, hear deploys and be entered, and no more", async () => {
            const recorded = await declared({ ...everything, image: given });
            const parameters = `arn:aws:ssm:eu-central-1:${account}:parameter/decanter/test/release`;
            const repositories = `arn:aws:ecr:eu-central-1:${account}:repository`;
            const { Statement } = JSON.parse(inputs(recorded, "RolePolicy").policy as string) as {
                Statement: { Effect: string; Action: string | string[]; Resource: string | string[] }[];
            };
            assert.deepEqual(new Set(Statement.map(({ Effect }) => Effect)), new Set(["Allow"]));
            assert.deepEqual(
                Statement.map(({ Action, Resource }) => [[Action].flat(), [Resource].flat()]),
                [
                    [["ssm:GetParameters"], [`${parameters}/*`, `${parameters}-tls/*`]],
                    [["ecr:GetAuthorizationToken"], ["*"]],
                    [
                        [
                            "ecr:BatchCheckLayerAvailability",
                            "ecr:BatchGetImage",
                            "ecr:GetDownloadUrlForLayer",
                        ],
                        [
                            `${repositories}/decanter-test`,
                            `${repositories}/built`,
                            `${repositories}/decanter-test-tls`,
                        ],
                    ],
                    [["logs:CreateLogStream", "logs:PutLogEvents"], ["arn:decanter-test:*"]],
                    [["logs:GetLogEvents"], ["arn:decanter-test:log-stream:i-*-deploy"]],
                    [
                        [
                            "ssm:UpdateInstanceInformation",
                            "ssmmessages:CreateControlChannel",
                            "ssmmessages:CreateDataChannel",
                            "ssmmessages:OpenControlChannel",
                            "ssmmessages:OpenDataChannel",
                        ],
                        ["*"],
                    ],
                ],
            );
            const role = inputs(recorded, "Role");
            assert.deepEqual(Object.keys(role), ["assumeRolePolicy"]);
            assert.match(role.assumeRolePolicy as string, /"Service":"ec2.amazonaws.com"/);
            assert.equal(recorded.filter(({ type }) => type.endsWith("PolicyAttachment")).length, 0);
        });
    });

    describe("what the host is told", () => {
        it("is which image, which secrets and which limits, and no secret", async () => {
            const settings = settingsOf(
                await declared({ ...everything, migrate: "bin/migrate", cpus: "1.5" }),
            );
            const { PROGRAM: _program, HEALTH = [], OPTIONS, LIMITS = [], ...others } = settings;
            assert.deepEqual(others, {
                RELEASE: ["hello"],
                IMAGE: ["registry/decanter-test@sha256:1"],
                PROXY_IMAGE: ["registry/decanter-test-tls@sha256:1"],
                REGION: ["eu-central-1"],
                LOG_GROUP: ["/decanter/test/release"],
                PARAMETERS: ["/decanter/test/release"],
                PARAMETERS_VERSION: ["1.1.1-1"],
                SECRET_NAMES: ["DATABASE_URL", "RELEASE_COOKIE", "SECRET_KEY_BASE"],
                PORT: ["4000"],
                HTTP_PORT: ["80"],
                HTTPS_PORT: ["443"],
                BEHIND_PROXY: ["false"],
                HEALTH_PATH: ["/health"],
                MIGRATE: ["bin/migrate"],
                MIGRATION: ["/bin/sh", "-c", "exec bin/migrate"],
                MIGRATE_SECONDS: ["300"],
                BOOT_SECONDS: ["60"],
                BAKE_SECONDS: ["3"],
                DRAIN_SECONDS: ["30"],
                RETRY_SECONDS: ["30"],
                LISTEN_SECONDS: ["5"],
                ADDRESS_SECONDS: ["300"],
                RESTART: ["always"],
                DAEMON: [
                    '{"shutdown-timeout":30,"live-restore":false,"log-driver":"json-file","log-opts":{"max-size":"10m","max-file":"3"}}',
                ],
            });
            assert.deepEqual(OPTIONS, [
                ...["--init", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
                ...["--log-driver", "awslogs", "--log-opt", "awslogs-region=eu-central-1"],
                ...["--log-opt", "awslogs-group=/decanter/test/release"],
                ...["--log-opt", "mode=non-blocking", "--log-opt", "max-buffer-size=4m"],
            ]);
            const limits = ["--read-only", "--tmpfs", "/tmp", "--memory", "1024m", "--cpus", "1.5"];
            assert.deepEqual(LIMITS.slice(0, 9), [...limits, "--stop-timeout", "30"]);
            assert.ok(LIMITS.includes("PHX_HOST=www.example.com"));
            assert.match(HEALTH[1] ?? "", /^exec \/bin\/bash -c '.*GET \/health /);
        });

        it("leaves out what is not asked for", async () => {
            const settings = settingsOf(
                await declared({ migrate: "none", memoryMb: 0, readOnly: false, behindProxy: true }),
            );
            assert.deepEqual(
                [settings.MIGRATE, settings.PROXY_IMAGE, settings.BEHIND_PROXY],
                [[""], [""], ["true"]],
            );
            const options = settings.LIMITS?.filter((word) => word.startsWith("--") && word !== "--env");
            assert.deepEqual(options, ["--tmpfs", "--stop-timeout"]);
        });

        it("has plain variables to the letter, and none that is a secret too", async () => {
            const env = { TASTE: 'it\'s $dry\n`really` "so"', RELEASE_COOKIE: "plain" };
            const { LIMITS = [] } = settingsOf(await declared({ env }));
            assert.ok(LIMITS.includes(`TASTE=${env.TASTE}`));
            assert.ok(!LIMITS.some((word) => word.startsWith("RELEASE_COOKIE")));
        });

        it("is the same for the same settings, and another for another image, secret or limit", async () => {
            const told = async (settings: Settings) =>
                inputs(await declared(settings), "Instance").userData as string;
            assert.equal(await told({ env: { A: "1", B: "2" } }), await told({ env: { B: "2", A: "1" } }));
            const all = [
                {},
                { image: given },
                { memoryMb: 512 },
                { secrets: { A: "1" } },
                { tlsCertificate: pem },
            ];
            const texts: string[] = [];
            for (const settings of all) texts.push(await told(settings));
            assert.equal(new Set(texts).size, all.length);
        });

        it("is far below what EC2 takes, and refuses what would not be", async () => {
            const userData = inputs(await declared(everything), "Instance").userData as string;
            assert.ok(Buffer.byteLength(userData) < 12_000, `${Buffer.byteLength(userData)} bytes`);
            await assert.rejects(async () => {
                const { outputs } = await run({ env: { LONG: "a".repeat(5000) } });
                await valueOf(outputs.containers);
            }, /what a host is told at its boot must be 14000 bytes at most, got 1\d{4}, of which env has 5\d{3}: make env shorter, or move long values of it to secrets/);
        });
    });

    it("keeps what holds data or the address from being deleted, where it is told to", async () => {
        const protectedOnes = async (settings: Settings) =>
            (await declared({ tlsCertificate: pem, ...settings }))
                .filter(({ options }) => options?.protect)
                .map(({ type, name }) => `${type.split(":").at(-1)} ${name}`)
                .sort();
        assert.deepEqual(await protectedOnes({}), []);
        assert.deepEqual(await protectedOnes({ protect: true }), [
            "Eip decanter-test",
            "LogGroup decanter-test",
            "Repository decanter-test",
            "Repository decanter-test-tls",
        ]);
    });

    describe("the address", () => {
        it("is nobody's by itself, and moves in one call, after the gate, before the old host goes", async () => {
            const recorded = await declared();
            assert.deepEqual(inputs(recorded, "Eip"), { domain: "vpc", tags: { Name: "decanter-test" } });
            const association = the(recorded, "EipAssociation", "decanter-test");
            assert.deepEqual(association.inputs, {
                allocationId: "decanter-test-id",
                instanceId: "decanter-test-id",
                allowReassociation: true,
            });
            assert.equal(association.options?.deleteBeforeReplace, false);
            assert.deepEqual(association.options?.hooks, {
                beforeCreate: ["decanter-test-healthy"],
                beforeUpdate: ["decanter-test-healthy"],
                afterCreate: ["decanter-test-serves"],
                afterUpdate: ["decanter-test-serves"],
                onError: ["decanter-test-unmoved"],
            });
        });

        it("has a record where there is a zone", async () => {
            assert.deepEqual(inputs(await declared({ zoneId: "Z1" }), "Record"), {
                zoneId: "Z1",
                name: "www.example.com",
                type: "A",
                ttl: 60,
                records: ["198.51.100.7"],
            });
        });
    });

    describe("TLS", () => {
        it("has its certificate in a parameter beside those of the release, marked as secret", async () => {
            const { value, ...others } = inputs(
                await declared({ tlsCertificate: pem }),
                "Parameter",
                "decanter-test-tls-TLS_CERTIFICATE",
            );
            assert.equal(secretValue(value), pem);
            assert.deepEqual(others, {
                name: "/decanter/test/release-tls/TLS_CERTIFICATE",
                type: "SecureString",
                tier: "Intelligent-Tiering",
            });
        });

        it("has a proxy's image of its own, for the host's CPU, that no later release pushes out", async () => {
            const recorded = await declared({
                tlsCertificate: pem,
                routerImage: "mirror.example/haproxy:3.2",
            });
            const { build, triggers, ...others } = inputs(recorded, "RemoteImage", "decanter-test-tls");
            assert.deepEqual(others, {
                name: `${account}.dkr.ecr.eu-central-1.amazonaws.com/decanter-test-tls:proxy`,
                keepLocally: true,
            });
            assert.deepEqual(build, {
                context: "docker/tls",
                dockerfile: "Dockerfile",
                platform: "linux/arm64",
                buildArgs: { PROXY_IMAGE: "mirror.example/haproxy:3.2" },
                provenance: "false",
            });
            assert.match(triggers.context as string, /^[0-9a-f]{64}$/);
            const pushed = inputs(recorded, "Image", "decanter-test-tls");
            assert.equal(
                pushed.imageName,
                `${account}.dkr.ecr.eu-central-1.amazonaws.com/decanter-test-tls:proxy-decanter-tes`,
            );
            assert.deepEqual(secretValue(pushed.registry), { username: "AWS", password: "ecr-password" });
            const policies = recorded.filter(({ type }) => type.endsWith("LifecyclePolicy"));
            assert.deepEqual(
                policies.map(({ name }) => name),
                ["decanter-test"],
            );
        });
    });

    it("is set up as docs/floating-ip.md says", async () => {
        const [, yaml = ""] =
            /```yaml\n([^]*?)```/.exec(fs.readFileSync("docs/floating-ip.md", "utf8")) ?? [];
        const { config } = parse(yaml) as { config: Record<string, unknown> };
        const settings = Object.fromEntries(
            Object.entries(config).map(([key, value]) => [key.replace(/^decanter:/, ""), value]),
        );
        await mockPulumi({ ...settings, app: "examples/hello" });
        const read = readConfig() as ConfigOf<"floating-ip">;
        assert.equal(read.aws.instanceType, "t3.small");
        const { outputs } = await run({ ...settings, app: "examples/hello" });
        assert.equal(outputs.url, "http://www.example.com");
    });
});
