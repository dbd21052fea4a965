import { strict as assert } from "node:assert";
import { type ConfigOf, readConfig } from "../../../stacks/config/config";
import { fargate } from "../../../stacks/fargate";
import type { Outputs, Release } from "../../../stacks/outputs";
import { fargateStack, itIsAnAwsStack } from "../../support/awsStack";
import { mockPulumi, type Recorded, secretValue, settled, the, valueOf } from "../../support/mockPulumi";

type Settings = Record<string, unknown>;

const account = "123456789012";
const required = fargateStack;
/** Everything that one may choose, chosen. */
const everything = {
    ...required,
    natGateways: 2,
    protect: true,
    accessLogDays: 90,
    replicas: 2,
    maxReplicas: 6,
    scaleRequests: 1000,
    clustering: "apart",
    secrets: { DATABASE_URL: "ecto://hunter2" },
    taskPolicyArns: [`arn:aws:iam::${account}:policy/uploads`],
};
const digest = `sha256:${"0a".repeat(32)}`;
const given = `${account}.dkr.ecr.eu-central-1.amazonaws.com/built`;

async function run(settings: Settings = {}, before: Release[] = [], others: Release[] = []) {
    const recorded = await mockPulumi({ ...required, ...settings });
    const outputs = fargate(readConfig() as ConfigOf<"fargate">, {
        pastReleases: before,
        otherStacksReleases: others,
    });
    await settled();
    // Some components have the name of the resource that is their heart.
    return { recorded: recorded.filter(({ type }) => !type.startsWith("decanter:")), outputs };
}

async function declared(settings: Settings = {}, before: Release[] = []): Promise<Recorded[]> {
    return (await run(settings, before)).recorded;
}

function inputs(recorded: Recorded[], type: string, name: string): Recorded["inputs"] {
    return the(recorded, type, name).inputs;
}

function container(recorded: Recorded[]): Record<string, any> {
    const definitions = JSON.parse(
        inputs(recorded, "TaskDefinition", "decanter-test").containerDefinitions as string,
    ) as Record<string, any>[];
    assert.equal(definitions.length, 1);
    return definitions[0] as Record<string, any>;
}

function names(recorded: Recorded[], type: string): string[] {
    return recorded
        .filter((resource) => resource.type.endsWith(`:${type}`))
        .map(({ name }) => name)
        .sort();
}

function statements(policy: string): Record<string, unknown>[] {
    return (JSON.parse(policy) as { Statement: Record<string, unknown>[] }).Statement;
}

describe("the target fargate", () => {
    it("declares what it needs, and nothing of what was not asked for", async () => {
        const recorded = await declared({ migrate: "none" });
        const resources = recorded.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort();
        assert.deepEqual(resources, [
            "Certificate decanter-test",
            "CertificateValidation decanter-test",
            "Cluster decanter-test",
            "ClusterCapacityProviders decanter-test",
            "DefaultSecurityGroup decanter-test-network",
            "Image decanter-test",
            "InternetGateway decanter-test-network",
            "LifecyclePolicy decanter-test",
            "Listener decanter-test-web-http",
            "Listener decanter-test-web-https",
            "LoadBalancer decanter-test-web",
            "LogGroup decanter-test",
            "Parameter decanter-test-RELEASE_COOKIE",
            "Parameter decanter-test-SECRET_KEY_BASE",
            "RandomPassword decanter-test-cookie",
            "RandomPassword decanter-test-key-base",
            "Record decanter-test",
            "Record decanter-test-validation",
            "RemoteImage decanter-test",
            "Repository decanter-test",
            "Role decanter-test-execution",
            "Role decanter-test-task",
            "RolePolicy decanter-test-console",
            "RolePolicy decanter-test-execution",
            "Route decanter-test-network-public",
            "RouteTable decanter-test-network-public",
            "RouteTableAssociation decanter-test-network-public-1",
            "RouteTableAssociation decanter-test-network-public-2",
            "SecurityGroup decanter-test",
            "SecurityGroup decanter-test-web",
            "SecurityGroupEgressRule decanter-test",
            "SecurityGroupEgressRule decanter-test-load-balancer",
            "SecurityGroupIngressRule decanter-test-port",
            "SecurityGroupIngressRule decanter-test-web-443",
            "SecurityGroupIngressRule decanter-test-web-80",
            "Service decanter-test",
            "Subnet decanter-test-network-public-1",
            "Subnet decanter-test-network-public-2",
            "TargetGroup decanter-test-web",
            "TaskDefinition decanter-test",
            "Vpc decanter-test-network",
            "aws aws",
            "docker docker",
        ]);
    });

    for (const [what, settings] of [
        ["the defaults", required],
        ["everything chosen", everything],
        ["blue-green", { ...required, strategy: "blue-green" }],
        ["a VPC that is there", { ...required, vpcId: "vpc-1", publicSubnetIds: ["subnet-1", "subnet-2"] }],
    ] as [string, Settings][]) {
        itIsAnAwsStack(what, () => declared(settings));
    }

    it("tags everything with project, stack and release, and asks one region", async () => {
        const provider = inputs(await declared(), "aws", "aws");
        assert.deepEqual(JSON.parse(provider.defaultTags as string), {
            tags: { project: "decanter", stack: "test", release: "hello" },
        });
        assert.equal(provider.region, "eu-central-1");
        const service = inputs(await declared(), "Service", "decanter-test");
        assert.equal(service.propagateTags, "SERVICE");
        assert.equal(service.enableEcsManagedTags, true);
    });

    it("has the outputs of every target, once the release serves", async () => {
        const before = [{ release: "hello", version: "0.0.9", image: "a@sha256:2", tag: "0.0.9-2" }];
        const { outputs } = await run({}, before);
        const values: Record<string, unknown> = {};
        for (const [key, value] of Object.entries(outputs as Outputs & Record<string, unknown>))
            values[key] = typeof value === "string" ? value : await valueOf(value as never);
        const now = {
            release: "hello",
            version: "0.1.0",
            image: "registry/decanter-test@sha256:1",
            tag: "0.1.0-decanter-tes",
        };
        assert.deepEqual(values, {
            target: "fargate",
            url: "https://www.example.com",
            version: "0.1.0",
            image: "registry/decanter-test:0.1.0-decanter-tes@sha256:1",
            containers: ["decanter-test/decanter-test/release"],
            console:
                "/bin/sh -c 'cd /app 2> /dev/null; [ ! -e /tmp/release-node ] || export RELEASE_NODE=$(cat /tmp/release-node); exec bin/hello remote'",
            releases: [now, ...before],
            previous: before[0],
            logs: "/decanter/test/release",
            securityGroup: "decanter-test-id",
        });
    });

    describe("the image", () => {
        it("is pushed to a repository whose tags never move, and is scanned", async () => {
            const recorded = await declared();
            assert.deepEqual(inputs(recorded, "Repository", "decanter-test"), {
                imageTagMutability: "IMMUTABLE",
                imageScanningConfiguration: { scanOnPush: true },
                encryptionConfigurations: [{ encryptionType: "AES256" }],
                forceDelete: true,
            });
            const image = inputs(recorded, "Image", "decanter-test");
            // The mocked id of the image is its name.
            assert.equal(
                image.imageName,
                `${account}.dkr.ecr.eu-central-1.amazonaws.com/decanter-test:0.1.0-decanter-tes`,
            );
            assert.deepEqual(secretValue(image.registry), { username: "AWS", password: "ecr-password" });
            assert.equal(container(recorded).image, "registry/decanter-test@sha256:1");
        });

        it("is never removed while one may go back to it, however many follow", async () => {
            const before = [
                { release: "hello", version: "0.0.9", image: "a@sha256:2", tag: "0.0.9-2" },
                { release: "hello", version: "0.0.8", image: "a@sha256:3" },
            ];
            const policy = JSON.parse(
                inputs(await declared({ keepReleases: 3 }, before), "LifecyclePolicy", "decanter-test")
                    .policy as string,
            ) as { rules: Record<string, any>[] };
            const rule = (rulePriority: number, description: string, selection: object) => ({
                rulePriority,
                description,
                selection,
                action: { type: "expire" },
            });
            const kept = (tag: string) => ({
                tagStatus: "tagged",
                tagPatternList: [tag],
                countType: "imageCountMoreThan",
                countNumber: 9999,
            });
            assert.deepEqual(policy.rules, [
                rule(1, "keep 0.1.0-decanter-tes", kept("0.1.0-decanter-tes")),
                rule(2, "keep 0.0.9-2", kept("0.0.9-2")),
                rule(3, "keep the newest", {
                    tagStatus: "any",
                    countType: "imageCountMoreThan",
                    countNumber: 3,
                }),
            ]);
        });

        it("is never removed while another stack runs it, or may go back to it", async () => {
            const release = (tag: string) => ({
                release: "hello",
                version: "0.0.9",
                image: `a@sha256:${tag}`,
                tag,
            });
            const { recorded } = await run(
                { keepReleases: 2, keepFor: ["prod"] },
                [release("b"), release("c")],
                [
                    release("c"),
                    release("d"),
                    { release: "hello", version: "0.0.1", image: "elsewhere@sha256:1" },
                ],
            );
            const policy = inputs(recorded, "LifecyclePolicy", "decanter-test").policy as string;
            assert.deepEqual(
                (JSON.parse(policy) as { rules: { description: string }[] }).rules.map(
                    ({ description }) => description,
                ),
                ["keep 0.1.0-decanter-tes", "keep b", "keep c", "keep d", "keep the newest"],
            );
        });

        it("may be one that is given by digest: then nothing is built, and no Docker is needed", async () => {
            const { recorded, outputs } = await run({ image: `${given}:1.0.0@${digest}` });
            const types = recorded.map(({ type }) => type.split(":").at(-1));
            for (const type of ["docker", "RemoteImage", "Image"]) assert.ok(!types.includes(type), type);
            assert.equal(container(recorded).image, `${given}@${digest}`);
            assert.deepEqual(await valueOf(outputs.releases), [
                { release: "hello", version: "0.1.0", image: `${given}@${digest}`, tag: "1.0.0" },
            ]);
            const [, pull] = statements(
                inputs(recorded, "RolePolicy", "decanter-test-execution").policy as string,
            );
            assert.deepEqual(pull?.Resource, [
                `arn:aws:ecr:eu-central-1:${account}:repository/decanter-test`,
                `arn:aws:ecr:eu-central-1:${account}:repository/built`,
            ]);
            // The repository stays, with what was pushed to it.
            assert.ok(types.includes("Repository"));
        });

        for (const [region, partition] of [
            ["cn-north-1", "aws-cn"],
            ["us-gov-west-1", "aws-us-gov"],
        ] as const) {
            it(`may be in a repository of ${region}, whose ARNs begin with arn:${partition}`, async () => {
                const host = `${account}.dkr.ecr.${region}.amazonaws.com${region.startsWith("cn") ? ".cn" : ""}`;
                const recorded = await declared({
                    region,
                    image: `${host}/built@${digest}`,
                    strategy: "blue-green",
                    scaleRequests: 0,
                });
                const role = inputs(recorded, "RolePolicy", "decanter-test-execution").policy as string;
                const [, pull] = statements(role);
                assert.equal(
                    (pull?.Resource as string[])[1],
                    `arn:${partition}:ecr:${region}:${account}:repository/built`,
                );
                // The mocks' own ARNs name no partition but arn:aws of eu-central-1.
                assert.equal(
                    inputs(recorded, "RolePolicyAttachment", "decanter-test-load-balancer").policyArn,
                    `arn:${partition}:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers`,
                );
            });
        }

        it("has the tag of an earlier deploy again when one goes back to it", async () => {
            const before = [
                { release: "hello", version: "0.1.0", image: `${given}@${digest}`, tag: "0.1.0-abc" },
            ];
            const { outputs } = await run({ image: `${given}@${digest}` }, before);
            assert.deepEqual(await valueOf(outputs.releases), before);
        });
    });

    describe("the task", () => {
        it("is what AWS gives back: sorted, and with what it would fill in", async () => {
            const { environment, healthCheck, image, secrets, ...others } = container(
                await declared({ clustering: "none", env: { ZEBRA: "1", APPLE: "2" }, console: false }),
            );
            assert.deepEqual(
                environment.map(({ name }: { name: string }) => name),
                [
                    "APPLE",
                    "ERL_CRASH_DUMP_BYTES",
                    "ERL_FLAGS",
                    "PHX_HOST",
                    "PHX_SERVER",
                    "PORT",
                    "RELEASE_SECRETS_VERSION",
                    "RELEASE_TMP",
                    "ZEBRA",
                ],
            );
            assert.deepEqual(
                secrets.map(({ name }: { name: string }) => name),
                ["RELEASE_COOKIE", "SECRET_KEY_BASE"],
            );
            assert.equal(image, "registry/decanter-test@sha256:1");
            assert.deepEqual(healthCheck.command.slice(0, 3), ["CMD", "/bin/bash", "-c"]);
            assert.match(healthCheck.command[3] as string, /GET \/health /);
            delete healthCheck.command;
            assert.deepEqual(healthCheck, { interval: 5, timeout: 5, retries: 3, startPeriod: 60 });
            assert.deepEqual(others, {
                name: "release",
                essential: true,
                linuxParameters: {
                    capabilities: { add: [], drop: ["ALL"] },
                    initProcessEnabled: true,
                    tmpfs: [
                        {
                            containerPath: "/tmp",
                            mountOptions: ["rw", "noexec", "nosuid", "nodev"],
                            size: 512,
                        },
                    ],
                },
                logConfiguration: {
                    logDriver: "awslogs",
                    options: {
                        "awslogs-group": "/decanter/test/release",
                        "awslogs-region": "eu-central-1",
                        "awslogs-stream-prefix": "release",
                        "max-buffer-size": "4m",
                        mode: "non-blocking",
                    },
                },
                mountPoints: [],
                portMappings: [{ containerPort: 4000, hostPort: 4000, protocol: "tcp" }],
                readonlyRootFilesystem: true,
                stopTimeout: 30,
                systemControls: [],
                user: "65534:65534",
                volumesFrom: [],
            });
        });

        it("is the same however its variables are ordered", async () => {
            const definitions = async (env: Settings) =>
                inputs(await declared({ env }), "TaskDefinition", "decanter-test")
                    .containerDefinitions as string;
            assert.equal(await definitions({ A: "1", B: "2" }), await definitions({ B: "2", A: "1" }));
        });

        it("runs on Fargate, with its size and for its CPU, and stays when the next one comes", async () => {
            const recorded = await declared({ cpus: "2", memoryMb: 4096 });
            const { containerDefinitions, ...task } = inputs(recorded, "TaskDefinition", "decanter-test");
            assert.ok(containerDefinitions);
            assert.deepEqual(task, {
                family: "decanter-test",
                requiresCompatibilities: ["FARGATE"],
                networkMode: "awsvpc",
                cpu: "2048",
                memory: "4096",
                runtimePlatform: { operatingSystemFamily: "LINUX", cpuArchitecture: "ARM64" },
                executionRoleArn: "arn:decanter-test-execution",
                taskRoleArn: "arn:decanter-test-task",
                skipDestroy: true,
            });
            const amd64 = inputs(
                await declared({ platform: "linux/amd64" }),
                "TaskDefinition",
                "decanter-test",
            );
            assert.equal(amd64.runtimePlatform.cpuArchitecture, "X86_64");
        });

        it("comes after the boot check, and after what lets it read its secrets", async () => {
            const { options } = the(await declared(), "TaskDefinition", "decanter-test");
            assert.deepEqual(options?.hooks, { beforeCreate: ["decanter-test-boot-check"] });
            for (const name of [
                "decanter-test-execution",
                "decanter-test-console",
                "decanter-test-RELEASE_COOKIE",
            ])
                assert.ok(options?.dependencies.includes(name), name);
            const own = await declared({ image: `${given}@${digest}` });
            assert.deepEqual(the(own, "TaskDefinition", "decanter-test").options?.hooks, {});
        });

        it("has a file system that is read-only, but for what a remote console writes to", async () => {
            const mounts = async (settings: Settings) => {
                const { linuxParameters, readonlyRootFilesystem } = container(await declared(settings));
                const paths = linuxParameters.tmpfs.map(
                    (mount: { containerPath: string }) => mount.containerPath,
                );
                return [readonlyRootFilesystem, linuxParameters.capabilities?.drop, paths];
            };
            assert.deepEqual(await mounts({}), [
                true,
                undefined,
                ["/tmp", "/var/lib/amazon", "/var/log/amazon"],
            ]);
            assert.deepEqual(await mounts({ readOnly: false }), [false, undefined, ["/tmp"]]);
            assert.deepEqual(await mounts({ console: false }), [true, ["ALL"], ["/tmp"]]);
        });

        it("has as long to stop as requests have to end", async () => {
            const recorded = await declared({ drainSeconds: 90 });
            assert.equal(container(recorded).stopTimeout, 90);
            assert.equal(inputs(recorded, "TargetGroup", "decanter-test-web").deregistrationDelay, 90);
        });
    });

    describe("the secrets", () => {
        const settings = { secrets: { DATABASE_URL: "ecto://hunter2" } };

        it("are encrypted parameters, one for each variable, and marked secret on their way", async () => {
            const recorded = await declared(settings);
            const values = ["DATABASE_URL", "RELEASE_COOKIE", "SECRET_KEY_BASE"].map((variable) => {
                const { value, ...others } = inputs(recorded, "Parameter", `decanter-test-${variable}`);
                assert.deepEqual(others, {
                    name: `/decanter/test/release/${variable}`,
                    type: "SecureString",
                    tier: "Intelligent-Tiering",
                });
                return secretValue(value);
            });
            assert.deepEqual(values, [
                "ecto://hunter2",
                "decanter-test-cookie-generated",
                "decanter-test-key-base-generated",
            ]);
        });

        it("reach the release by ARN, and stand in no resource in plain text", async () => {
            const recorded = await declared(settings);
            assert.deepEqual(container(recorded).secrets[0], {
                name: "DATABASE_URL",
                valueFrom: `arn:aws:ssm:eu-central-1:${account}:parameter/decanter/test/release/DATABASE_URL`,
            });
            for (const { type, name, inputs: properties } of recorded) {
                // A marked value is encrypted on its way.
                const unmarked = JSON.stringify(properties, (_key, value: unknown) =>
                    typeof value === "object" && value !== null && "4dabf18193072939515e22adb298388d" in value
                        ? "[secret]"
                        : value,
                );
                assert.doesNotMatch(unmarked, /hunter2|-generated|ecr-password/, `${type} ${name}`);
            }
        });

        it("win over the generated ones", async () => {
            const recorded = await declared({ secrets: { RELEASE_COOKIE: "own" } });
            assert.equal(
                secretValue(inputs(recorded, "Parameter", "decanter-test-RELEASE_COOKIE").value),
                "own",
            );
        });

        it("roll the service when one has changed, by their versions", async () => {
            const { environment } = container(await declared(settings));
            const version = environment.find(
                ({ name }: { name: string }) => name === "RELEASE_SECRETS_VERSION",
            );
            assert.equal(version.value, "1.1.1");
        });
    });

    describe("the roles", () => {
        it("read the release's own parameters, pull its image and write its log, and nothing else", async () => {
            const recorded = await declared({ secrets: { A: "1" } });
            const policy = inputs(recorded, "RolePolicy", "decanter-test-execution");
            assert.equal(policy.role, "decanter-test-execution-id");
            assert.deepEqual(statements(policy.policy as string), [
                { Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" },
                {
                    Effect: "Allow",
                    Action: [
                        "ecr:BatchCheckLayerAvailability",
                        "ecr:BatchGetImage",
                        "ecr:GetDownloadUrlForLayer",
                    ],
                    Resource: [`arn:aws:ecr:eu-central-1:${account}:repository/decanter-test`],
                },
                {
                    Effect: "Allow",
                    Action: "ssm:GetParameters",
                    // What an earlier release reads too, which runs until the next one serves.
                    Resource: `arn:aws:ssm:eu-central-1:${account}:parameter/decanter/test/release/*`,
                },
                {
                    Effect: "Allow",
                    Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
                    Resource: "arn:decanter-test:*",
                },
            ]);
            for (const name of ["decanter-test-execution", "decanter-test-task"]) {
                const { assumeRolePolicy } = inputs(recorded, "Role", name);
                assert.deepEqual(statements(assumeRolePolicy as string), [
                    {
                        Effect: "Allow",
                        Principal: { Service: "ecs-tasks.amazonaws.com" },
                        Action: "sts:AssumeRole",
                        Condition: { StringEquals: { "aws:SourceAccount": account } },
                    },
                ]);
            }
        });

        it("let a remote console in, where one is wanted", async () => {
            const recorded = await declared();
            const { role, policy } = inputs(recorded, "RolePolicy", "decanter-test-console");
            assert.equal(role, "decanter-test-task-id");
            assert.deepEqual(statements(policy as string), [
                {
                    Effect: "Allow",
                    Action: [
                        "ssmmessages:CreateControlChannel",
                        "ssmmessages:CreateDataChannel",
                        "ssmmessages:OpenControlChannel",
                        "ssmmessages:OpenDataChannel",
                    ],
                    Resource: "*",
                },
            ]);
            assert.equal(inputs(recorded, "Service", "decanter-test").enableExecuteCommand, true);
            const without = await declared({ console: false });
            assert.deepEqual(names(without, "RolePolicy"), ["decanter-test-execution"]);
            assert.equal(inputs(without, "Service", "decanter-test").enableExecuteCommand, false);
        });

        it("have the app's own policies", async () => {
            const recorded = await declared({ taskPolicyArns: [`arn:aws:iam::${account}:policy/uploads`] });
            const name = `decanter-test-task-${account}-policy/uploads`;
            assert.deepEqual(inputs(recorded, "RolePolicyAttachment", name), {
                role: "decanter-test-task",
                policyArn: `arn:aws:iam::${account}:policy/uploads`,
            });
        });
    });

    it("lets replicas of earlier releases pull their images, wherever they are", async () => {
        const before = ["a", "b", "a"].map((repository) => ({
            release: "hello",
            version: "1.0.0",
            image: `${account}.dkr.ecr.eu-central-1.amazonaws.com/${repository}@${digest}`,
        }));
        const recorded = await declared({ image: `${given}@${digest}` }, before);
        const [, pull] = statements(
            inputs(recorded, "RolePolicy", "decanter-test-execution").policy as string,
        );
        assert.deepEqual(
            pull?.Resource,
            ["decanter-test", "built", "a", "b"].map(
                (name) => `arn:aws:ecr:eu-central-1:${account}:repository/${name}`,
            ),
        );
    });

    it("changes ports beside the old ones, and no target group, when the port changes", async () => {
        const recorded = await declared({ port: 5000 });
        for (const [type, name] of [
            ["SecurityGroupIngressRule", "decanter-test-port"],
            ["SecurityGroupEgressRule", "decanter-test-load-balancer"],
        ] as const) {
            const { options, inputs: rule } = the(recorded, type, name);
            assert.deepEqual([rule.fromPort, rule.toPort], [5000, 5000]);
            assert.deepEqual(options?.replaceOnChanges, ["fromPort", "toPort"]);
            assert.equal(options.deleteBeforeReplace, false);
        }
        const { options } = the(recorded, "TargetGroup", "decanter-test-web");
        assert.deepEqual(options?.ignoreChanges, ["port"]);
    });

    describe("the network", () => {
        const subnetsOf = (recorded: Recorded[]) =>
            inputs(recorded, "Service", "decanter-test").networkConfiguration;

        it("has public addresses for tasks where there is no NAT gateway", async () => {
            const recorded = await declared();
            assert.deepEqual(subnetsOf(recorded), {
                subnets: ["decanter-test-network-public-1-id", "decanter-test-network-public-2-id"],
                securityGroups: ["decanter-test-id"],
                assignPublicIp: true,
            });
            assert.deepEqual(names(recorded, "NatGateway"), []);
            assert.deepEqual(names(recorded, "Subnet"), [
                "decanter-test-network-public-1",
                "decanter-test-network-public-2",
            ]);
        });

        it("has private subnets with one NAT gateway for all zones, or one for each", async () => {
            const one = await declared({ natGateways: 1 });
            assert.deepEqual(subnetsOf(one), {
                subnets: ["decanter-test-network-private-1-id", "decanter-test-network-private-2-id"],
                securityGroups: ["decanter-test-id"],
                assignPublicIp: false,
            });
            const routes = (recorded: Recorded[]) =>
                names(recorded, "RouteTableAssociation")
                    .filter((name) => name.includes("private"))
                    .map((name) => {
                        const { routeTableId, subnetId } = inputs(recorded, "RouteTableAssociation", name);
                        return `${subnetId} ${routeTableId}`;
                    });
            assert.deepEqual(routes(one), [
                "decanter-test-network-private-1-id decanter-test-network-private-1-id",
                "decanter-test-network-private-2-id decanter-test-network-private-1-id",
            ]);
            const each = await declared({ natGateways: 3, zones: 3 });
            const nat = the(each, "NatGateway", "decanter-test-network-nat-3");
            // The internet gateway has the network's name.
            assert.ok(
                nat.options?.dependencies.includes("decanter-test-network"),
                String(nat.options?.dependencies),
            );
            assert.deepEqual(names(each, "NatGateway"), [
                "decanter-test-network-nat-1",
                "decanter-test-network-nat-2",
                "decanter-test-network-nat-3",
            ]);
            assert.deepEqual(routes(each), [
                "decanter-test-network-private-1-id decanter-test-network-private-1-id",
                "decanter-test-network-private-2-id decanter-test-network-private-2-id",
                "decanter-test-network-private-3-id decanter-test-network-private-3-id",
            ]);
            const zones = names(each, "Subnet").map(
                (name) => inputs(each, "Subnet", name).availabilityZone as string,
            );
            const letters = ["a", "b", "c", "a", "b", "c"].map((letter) => `eu-central-1${letter}`);
            assert.deepEqual(zones, letters);
            const blocks = names(each, "Subnet").map(
                (name) => inputs(each, "Subnet", name).cidrBlock as string,
            );
            assert.equal(new Set(blocks).size, 6);
        });

        it("lets the world reach the load balancer alone, and the load balancer the release alone", async () => {
            const recorded = await declared();
            const rules = names(recorded, "SecurityGroupIngressRule").map((name) =>
                inputs(recorded, "SecurityGroupIngressRule", name),
            );
            assert.deepEqual(rules, [
                {
                    securityGroupId: "decanter-test-id",
                    referencedSecurityGroupId: "decanter-test-web-id",
                    ipProtocol: "tcp",
                    fromPort: 4000,
                    toPort: 4000,
                },
                ...[443, 80].map((port) => ({
                    securityGroupId: "decanter-test-web-id",
                    cidrIpv4: "0.0.0.0/0",
                    ipProtocol: "tcp",
                    fromPort: port,
                    toPort: port,
                })),
            ]);
            for (const name of names(recorded, "SecurityGroup")) {
                const { ingress, egress } = inputs(recorded, "SecurityGroup", name);
                assert.deepEqual([ingress, egress], [undefined, undefined]);
            }
            const closed = inputs(recorded, "DefaultSecurityGroup", "decanter-test-network");
            assert.deepEqual(closed, { vpcId: "decanter-test-network-id" });
        });

        it("may be a VPC that is there", async () => {
            const there = { vpcId: "vpc-1", publicSubnetIds: ["subnet-1", "subnet-2"] };
            const recorded = await declared(there);
            for (const type of ["Vpc", "Subnet", "InternetGateway", "RouteTable", "NatGateway"])
                assert.deepEqual(names(recorded, type), []);
            assert.equal(inputs(recorded, "SecurityGroup", "decanter-test").vpcId, "vpc-1");
            assert.equal(inputs(recorded, "TargetGroup", "decanter-test-web").vpcId, "vpc-1");
            assert.deepEqual(inputs(recorded, "LoadBalancer", "decanter-test-web").subnets, [
                "subnet-1",
                "subnet-2",
            ]);
            assert.equal(subnetsOf(recorded).assignPublicIp, true);
            const inside = await declared({ ...there, privateSubnetIds: ["subnet-3", "subnet-4"] });
            assert.deepEqual(inputs(inside, "LoadBalancer", "decanter-test-web").subnets, [
                "subnet-1",
                "subnet-2",
            ]);
            assert.deepEqual(subnetsOf(inside), {
                subnets: ["subnet-3", "subnet-4"],
                securityGroups: ["decanter-test-id"],
                assignPublicIp: false,
            });
        });
    });

    describe("the load balancer", () => {
        it("serves https with TLS 1.3 and a validated certificate, and redirects the rest", async () => {
            const recorded = await declared();
            assert.deepEqual(inputs(recorded, "Listener", "decanter-test-web-https"), {
                loadBalancerArn: "arn:decanter-test-web",
                port: 443,
                protocol: "HTTPS",
                certificateArn: "arn:decanter-test",
                sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
                defaultActions: [{ type: "forward", targetGroupArn: "arn:decanter-test-web" }],
            });
            assert.ok(
                the(recorded, "Listener", "decanter-test-web-https").options?.dependencies.includes(
                    "decanter-test",
                ),
                "it waits for the validation",
            );
            assert.deepEqual(inputs(recorded, "Listener", "decanter-test-web-http"), {
                loadBalancerArn: "arn:decanter-test-web",
                port: 80,
                protocol: "HTTP",
                defaultActions: [
                    {
                        type: "redirect",
                        redirect: { port: "443", protocol: "HTTPS", statusCode: "HTTP_301" },
                    },
                ],
            });
            assert.deepEqual(inputs(recorded, "Certificate", "decanter-test"), {
                domainName: "www.example.com",
                validationMethod: "DNS",
            });
            assert.deepEqual(inputs(recorded, "Record", "decanter-test-validation"), {
                zoneId: "Z1",
                name: "_1.a.example",
                type: "CNAME",
                records: ["_2.acm"],
                ttl: 60,
                allowOverwrite: true,
            });
            assert.deepEqual(inputs(recorded, "CertificateValidation", "decanter-test"), {
                certificateArn: "arn:decanter-test",
                validationRecordFqdns: ["_1.a.example"],
            });
        });

        it("has a name in DNS where there is a zone, and takes a certificate that is there", async () => {
            const certificateArn = `arn:aws:acm:eu-central-1:${account}:certificate/1`;
            const recorded = await declared({ certificateArn });
            assert.deepEqual(inputs(recorded, "Record", "decanter-test"), {
                zoneId: "Z1",
                name: "www.example.com",
                type: "A",
                aliases: [{ name: "decanter-test-web.elb", zoneId: "ZELB", evaluateTargetHealth: false }],
            });
            const without = await declared({ certificateArn, zoneId: "" });
            for (const type of ["Record", "Certificate", "CertificateValidation"])
                assert.deepEqual(names(without, type), []);
            assert.equal(
                inputs(without, "Listener", "decanter-test-web-https").certificateArn,
                certificateArn,
            );
        });

        it("drops invalid headers, checks often, and has target groups without a name of their own", async () => {
            const recorded = await declared();
            assert.deepEqual(inputs(recorded, "LoadBalancer", "decanter-test-web"), {
                loadBalancerType: "application",
                subnets: ["decanter-test-network-public-1-id", "decanter-test-network-public-2-id"],
                securityGroups: ["decanter-test-web-id"],
                dropInvalidHeaderFields: true,
                enableDeletionProtection: false,
            });
            assert.deepEqual(inputs(recorded, "TargetGroup", "decanter-test-web"), {
                port: 4000,
                protocol: "HTTP",
                targetType: "ip",
                vpcId: "decanter-test-network-id",
                deregistrationDelay: 30,
                healthCheck: {
                    path: "/health",
                    matcher: "200-499",
                    interval: 5,
                    timeout: 4,
                    healthyThreshold: 2,
                    unhealthyThreshold: 3,
                },
            });
        });

        it("writes access logs by choice, to a bucket of its own that nobody else reads", async () => {
            assert.deepEqual(names(await declared(), "Bucket"), []);
            const recorded = await declared({ accessLogDays: 90 });
            assert.deepEqual(inputs(recorded, "LoadBalancer", "decanter-test-web").accessLogs, {
                bucket: "decanter-test-access",
                enabled: true,
            });
            assert.deepEqual(inputs(recorded, "BucketPublicAccessBlock", "decanter-test-access"), {
                bucket: "decanter-test-access-id",
                blockPublicAcls: true,
                blockPublicPolicy: true,
                ignorePublicAcls: true,
                restrictPublicBuckets: true,
            });
            const [rule] = inputs(recorded, "BucketLifecycleConfiguration", "decanter-test-access").rules;
            assert.deepEqual(rule.expiration, { days: 90 });
            const [write, plain] = statements(
                inputs(recorded, "BucketPolicy", "decanter-test-access").policy as string,
            );
            assert.deepEqual(write, {
                Effect: "Allow",
                Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
                Action: "s3:PutObject",
                Resource: `arn:decanter-test-access/AWSLogs/${account}/*`,
            });
            assert.equal(plain?.Effect, "Deny");
        });
    });

    it("keeps what holds data or the address from being deleted, where it is told to", async () => {
        const protectedOnes = async (settings: Settings) =>
            (await declared({ accessLogDays: 90, ...settings }))
                .filter(({ options }) => options?.protect)
                .map(({ type, name }) => `${type.split(":").at(-1)} ${name}`)
                .sort();
        assert.deepEqual(await protectedOnes({}), []);
        assert.deepEqual(await protectedOnes({ protect: true }), [
            "Bucket decanter-test-access",
            "LoadBalancer decanter-test-web",
            "LogGroup decanter-test",
            "Repository decanter-test",
        ]);
        const recorded = await declared({ protect: true, accessLogDays: 90 });
        assert.equal(inputs(recorded, "LoadBalancer", "decanter-test-web").enableDeletionProtection, true);
        assert.equal(inputs(recorded, "Repository", "decanter-test").forceDelete, false);
        assert.equal(inputs(recorded, "Bucket", "decanter-test-access").forceDestroy, false);
    });

    it("names resources by the stack, whatever the release is called, and takes over those of before", async () => {
        const declaredAs = async (release: string, before: Release[]) => {
            const recorded = await mockPulumi({ ...everything, scaleRequests: 0, strategy: "blue-green" });
            fargate({ ...readConfig(), release } as ConfigOf<"fargate">, { pastReleases: before });
            await settled();
            return recorded.filter(({ type }) => /^(aws|random):/.test(type));
        };
        const before = [{ release: "My_cellar_of_good_wines", version: "1.0.0", image: "x" }];
        const [hello, shop] = [await declaredAs("hello", []), await declaredAs("shop", before)];
        const named = (recorded: Recorded[]) => recorded.map(({ type, name }) => `${type} ${name}`).sort();
        assert.deepEqual(named(shop), named(hello));
        for (const { type, name, options } of shop.filter((each) => each.type.startsWith("aws:"))) {
            const rest = name.slice("decanter-test".length);
            for (const release of ["my-cellar-of-g", "shop"])
                assert.ok(options?.aliases?.includes(`${release}${rest}`), `${type} ${name}`);
        }
    });

    it("keeps the parameters and the log group that the stack has", async () => {
        const recorded = await mockPulumi({ ...required, app: "examples/hello" });
        fargate(readConfig() as ConfigOf<"fargate">, { logs: "/decanter/test/shop" });
        await settled();
        assert.equal(inputs(recorded, "LogGroup", "decanter-test").name, "/decanter/test/shop");
        const { name } = inputs(recorded, "Parameter", "decanter-test-RELEASE_COOKIE");
        assert.equal(name, "/decanter/test/shop/RELEASE_COOKIE");
    });

    it("keeps logs as long as it is told to", async () => {
        assert.deepEqual(inputs(await declared({ logDays: 90 }), "LogGroup", "decanter-test"), {
            name: "/decanter/test/release",
            retentionInDays: 90,
        });
    });

    describe("the service", () => {
        it("rolls, goes back by itself, and says so", async () => {
            const recorded = await declared({ replicas: 3 });
            assert.deepEqual(inputs(recorded, "Service", "decanter-test"), {
                cluster: "arn:decanter-test",
                taskDefinition: "arn:decanter-test",
                desiredCount: 3,
                capacityProviderStrategies: [{ capacityProvider: "FARGATE", weight: 1 }],
                forceNewDeployment: true,
                triggers: { capacity: "FARGATE" },
                networkConfiguration: {
                    subnets: ["decanter-test-network-public-1-id", "decanter-test-network-public-2-id"],
                    securityGroups: ["decanter-test-id"],
                    assignPublicIp: true,
                },
                loadBalancers: [
                    {
                        targetGroupArn: "arn:decanter-test-web",
                        containerName: "release",
                        containerPort: 4000,
                    },
                ],
                healthCheckGracePeriodSeconds: 60,
                deploymentMinimumHealthyPercent: 100,
                deploymentMaximumPercent: 200,
                deploymentConfiguration: { strategy: "ROLLING" },
                deploymentCircuitBreaker: { enable: true, rollback: true },
                availabilityZoneRebalancing: "ENABLED",
                waitForSteadyState: true,
                enableExecuteCommand: true,
                enableEcsManagedTags: true,
                propagateTags: "SERVICE",
            });
            const { options } = the(recorded, "Service", "decanter-test");
            assert.deepEqual(options?.hooks, {
                beforeCreate: ["decanter-test-migrate"],
                beforeUpdate: ["decanter-test-migrate", "decanter-test-again"],
                onError: ["decanter-test-explain"],
            });
            assert.deepEqual(options?.ignoreChanges, []);
            assert.deepEqual(options?.timeouts, { create: "24m", update: "24m" });
            const rules = recorded.filter(
                ({ type }) => type.includes(":SecurityGroup") && type.endsWith("Rule"),
            );
            const ofReplicas = rules
                .map(({ name }) => name)
                .filter((name) => !name.startsWith("decanter-test-web"));
            assert.deepEqual(ofReplicas.sort(), [
                "decanter-test",
                "decanter-test-load-balancer",
                "decanter-test-port",
            ]);
            for (const name of [
                "decanter-test-web-https",
                "decanter-test-web-http",
                "decanter-test-network-public",
                ...ofReplicas,
            ])
                assert.ok(options?.dependencies.includes(name), name);
        });

        it("migrates only where there is a migration", async () => {
            const { options } = the(await declared({ migrate: "none" }), "Service", "decanter-test");
            assert.deepEqual(options?.hooks, {
                beforeUpdate: ["decanter-test-again"],
                onError: ["decanter-test-explain"],
            });
        });

        it("leaves the number of replicas to load, where it scales", async () => {
            const recorded = await declared({ replicas: 2, maxReplicas: 6, scaleRequests: 1000 });
            assert.deepEqual(the(recorded, "Service", "decanter-test").options?.ignoreChanges, [
                "desiredCount",
            ]);
            assert.deepEqual(inputs(recorded, "Target", "decanter-test"), {
                serviceNamespace: "ecs",
                scalableDimension: "ecs:service:DesiredCount",
                resourceId: "service/decanter-test/decanter-test",
                minCapacity: 2,
                maxCapacity: 6,
            });
            const metric = (name: string) =>
                inputs(recorded, "Policy", name).targetTrackingScalingPolicyConfiguration;
            const cooldowns = { scaleOutCooldown: 60, scaleInCooldown: 300 };
            assert.deepEqual(metric("decanter-test-cpu"), {
                ...cooldowns,
                targetValue: 60,
                predefinedMetricSpecification: { predefinedMetricType: "ECSServiceAverageCPUUtilization" },
            });
            assert.deepEqual(metric("decanter-test-requests"), {
                ...cooldowns,
                targetValue: 1000,
                predefinedMetricSpecification: {
                    predefinedMetricType: "ALBRequestCountPerTarget",
                    resourceLabel: "app/decanter-test-web/1/targetgroup/decanter-test-web/1",
                },
            });
            const byCpu = await declared({ maxReplicas: 6 });
            assert.deepEqual(names(byCpu, "Policy"), ["decanter-test-cpu"]);
            assert.deepEqual(names(await declared(), "Target"), []);
        });

        it("runs on spare capacity by choice", async () => {
            const service = inputs(await declared({ spot: true }), "Service", "decanter-test");
            assert.deepEqual(service.capacityProviderStrategies, [
                { capacityProvider: "FARGATE_SPOT", weight: 1 },
            ]);
            assert.deepEqual(service.triggers, { capacity: "FARGATE_SPOT" });
        });

        it("deploys by blue and green by choice, and leaves the weights to ECS", async () => {
            const recorded = await declared({ strategy: "blue-green", bakeSeconds: 90 });
            assert.deepEqual(names(recorded, "TargetGroup"), [
                "decanter-test-web-blue",
                "decanter-test-web-green",
            ]);
            const service = inputs(recorded, "Service", "decanter-test");
            assert.deepEqual(service.deploymentConfiguration, {
                strategy: "BLUE_GREEN",
                bakeTimeInMinutes: "2",
            });
            assert.equal(service.deploymentCircuitBreaker, undefined);
            assert.deepEqual(service.alarms, { enable: true, rollback: true, alarmNames: ["decanter-test"] });
            assert.deepEqual(service.loadBalancers, [
                {
                    targetGroupArn: "arn:decanter-test-web-blue",
                    containerName: "release",
                    containerPort: 4000,
                    advancedConfiguration: {
                        alternateTargetGroupArn: "arn:decanter-test-web-green",
                        productionListenerRule: "arn:decanter-test-web",
                        roleArn: "arn:decanter-test-load-balancer",
                    },
                },
            ]);
            assert.deepEqual(the(recorded, "Service", "decanter-test").options?.timeouts, {
                create: "26m",
                update: "26m",
            });
            const { metricName, period, threshold } = inputs(recorded, "MetricAlarm", "decanter-test");
            assert.deepEqual([metricName, period, threshold], ["HTTPCode_Target_5XX_Count", 60, 10]);
            const rule = the(recorded, "ListenerRule", "decanter-test-web");
            assert.deepEqual(rule.options?.ignoreChanges, ["actions"]);
            assert.deepEqual(
                rule.inputs.actions[0].forward.targetGroups.map(({ weight }: { weight: number }) => weight),
                [100, 0],
            );
            assert.equal(
                inputs(recorded, "Listener", "decanter-test-web-https").defaultActions[0].type,
                "fixed-response",
            );
            assert.deepEqual(inputs(recorded, "RolePolicyAttachment", "decanter-test-load-balancer"), {
                role: "decanter-test-load-balancer",
                policyArn: "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers",
            });
        });
    });

    describe("clustering", () => {
        it("is off by default", async () => {
            const recorded = await declared();
            assert.deepEqual(names(recorded, "PrivateDnsNamespace"), []);
            assert.equal(inputs(recorded, "Service", "decanter-test").serviceRegistries, undefined);
            const { command, environment } = container(recorded);
            assert.equal(command, undefined);
            assert.ok(!JSON.stringify(environment).includes("RELEASE_DISTRIBUTION"));
        });

        for (const [clustering, node] of [
            ["together", "hello"],
            ["apart", "hello-1"],
        ]) {
            it(`finds nodes of ${clustering === "apart" ? "the same release" : "every release"} by DNS`, async () => {
                const recorded = await declared({ clustering });
                assert.deepEqual(inputs(recorded, "PrivateDnsNamespace", "decanter-test-nodes"), {
                    name: "test.decanter.internal",
                    vpc: "decanter-test-network-id",
                });
                assert.deepEqual(inputs(recorded, "Service", "decanter-test-nodes"), {
                    name: "nodes",
                    dnsConfig: {
                        namespaceId: "decanter-test-nodes-id",
                        routingPolicy: "MULTIVALUE",
                        dnsRecords: [{ type: "A", ttl: 5 }],
                    },
                    healthCheckCustomConfig: { failureThreshold: 1 },
                    forceDestroy: true,
                });
                assert.deepEqual(inputs(recorded, "Service", "decanter-test").serviceRegistries, {
                    registryArn: "arn:decanter-test-nodes",
                });
                const { command, environment } = container(recorded);
                assert.deepEqual(
                    environment.filter(({ name }: { name: string }) => /^(DNS|RELEASE_DIST)/.test(name)),
                    [
                        { name: "DNS_CLUSTER_QUERY", value: "nodes.test.decanter.internal" },
                        { name: "RELEASE_DISTRIBUTION", value: "name" },
                    ],
                );
                assert.match(command[2] as string, new RegExp(`RELEASE_NODE=${node}@`));
                const ports = names(recorded, "SecurityGroupIngressRule")
                    .map((name) => inputs(recorded, "SecurityGroupIngressRule", name))
                    .filter(
                        ({ referencedSecurityGroupId }) => referencedSecurityGroupId === "decanter-test-id",
                    )
                    .map(({ securityGroupId, fromPort, toPort }) => [securityGroupId, fromPort, toPort]);
                assert.deepEqual(ports, [
                    ["decanter-test-id", 9100, 9100],
                    ["decanter-test-id", 4369, 4369],
                ]);
            });
        }
    });

    it("replaces and changes nothing that outlives a release when the release changes", async () => {
        const releaseOnly = /^(Image|LifecyclePolicy|RemoteImage|TaskDefinition)$/;
        const lasting = async (settings: Settings) =>
            (await declared(settings))
                .filter(({ type }) => !releaseOnly.test(type.split(":").at(-1) ?? ""))
                .map(({ type, name, inputs: properties }) => ({ type, name, properties }))
                .sort((a, b) => `${a.type} ${a.name}`.localeCompare(`${b.type} ${b.name}`));
        assert.deepEqual(
            await lasting({ ...everything, version: "2.0.0", env: { A: "1" } }),
            await lasting({ ...everything, version: "1.0.0" }),
        );
    });
});
