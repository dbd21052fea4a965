import { strict as assert } from "node:assert";
import { violations } from "../../policy/rules";
import { nameOf } from "../../stacks/awsRelease";
import { type ConfigOf, readConfig } from "../../stacks/config";
import { fargate } from "../../stacks/fargate";
import type { Outputs, Release } from "../../stacks/outputs";
import { mockPulumi, type Recorded, secretValue, settled, the, valueOf } from "../support/mockPulumi";

type Settings = Record<string, unknown>;

const account = "123456789012";
const required = {
    target: "fargate",
    region: "eu-central-1",
    domain: "www.example.com",
    zoneId: "Z1",
    platform: "linux/arm64",
    cpus: "0.5",
};
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

async function run(settings: Settings = {}, before: Release[] = [], elsewhere: Release[] = []) {
    const recorded = await mockPulumi({ ...required, ...settings });
    const outputs = fargate(readConfig() as ConfigOf<"fargate">, before, elsewhere);
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
        inputs(recorded, "TaskDefinition", "hello").containerDefinitions as string,
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
            "Certificate hello",
            "CertificateValidation hello",
            "Cluster hello",
            "ClusterCapacityProviders hello",
            "DefaultSecurityGroup hello-network",
            "Image hello",
            "InternetGateway hello-network",
            "LifecyclePolicy hello",
            "Listener hello-web-http",
            "Listener hello-web-https",
            "LoadBalancer hello-web",
            "LogGroup hello",
            "Parameter hello-RELEASE_COOKIE",
            "Parameter hello-SECRET_KEY_BASE",
            "RandomPassword hello-cookie",
            "RandomPassword hello-key-base",
            "Record hello",
            "Record hello-validation",
            "RemoteImage hello",
            "Repository hello",
            "Role hello-execution",
            "Role hello-task",
            "RolePolicy hello-console",
            "RolePolicy hello-execution",
            "Route hello-network-public",
            "RouteTable hello-network-public",
            "RouteTableAssociation hello-network-public-1",
            "RouteTableAssociation hello-network-public-2",
            "SecurityGroup hello",
            "SecurityGroup hello-web",
            "SecurityGroupEgressRule hello",
            "SecurityGroupEgressRule hello-load-balancer",
            "SecurityGroupIngressRule hello-port",
            "SecurityGroupIngressRule hello-web-443",
            "SecurityGroupIngressRule hello-web-80",
            "Service hello",
            "Subnet hello-network-public-1",
            "Subnet hello-network-public-2",
            "TargetGroup hello-web",
            "TaskDefinition hello",
            "Vpc hello-network",
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
        it(`breaks no rule of the policy pack with ${what}`, async () => {
            const recorded = await declared(settings);
            const broken = recorded
                .filter(({ type }) => type.startsWith("aws:"))
                .flatMap(({ type, inputs: properties }) => violations(type, properties));
            assert.deepEqual(broken, []);
        });

        it(`has a parent for every resource but the log group, with ${what}`, async () => {
            const orphans = (await declared(settings)).filter(
                ({ type, options }) => type.startsWith("aws:") && options?.parent === "",
            );
            assert.deepEqual(
                orphans.map(({ name, type }) => [name, type]),
                [["hello", "aws:cloudwatch/logGroup:LogGroup"]],
            );
        });
    }

    it("tags everything with project, stack and release, and asks one region", async () => {
        const provider = inputs(await declared(), "aws", "aws");
        assert.deepEqual(JSON.parse(provider.defaultTags as string), {
            tags: { project: "decanter", stack: "test", release: "hello" },
        });
        assert.equal(provider.region, "eu-central-1");
        const service = inputs(await declared(), "Service", "hello");
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
            image: "registry/hello@sha256:1",
            tag: "0.1.0-hello",
        };
        assert.deepEqual(values, {
            target: "fargate",
            url: "https://www.example.com",
            version: "0.1.0",
            image: "registry/hello:0.1.0-hello@sha256:1",
            containers: ["hello/hello/hello"],
            console:
                "/bin/sh -c 'cd /app 2> /dev/null; [ ! -e /tmp/release-node ] || export RELEASE_NODE=$(cat /tmp/release-node); exec bin/hello remote'",
            releases: [now, ...before],
            previous: before[0],
            logs: "/decanter/test/hello",
            securityGroup: "hello-id",
        });
    });

    describe("the image", () => {
        it("is pushed to a repository whose tags never move, and is scanned", async () => {
            const recorded = await declared();
            assert.deepEqual(inputs(recorded, "Repository", "hello"), {
                imageTagMutability: "IMMUTABLE",
                imageScanningConfiguration: { scanOnPush: true },
                encryptionConfigurations: [{ encryptionType: "AES256" }],
                forceDelete: true,
            });
            const image = inputs(recorded, "Image", "hello");
            // The mocked id of the image is its name.
            assert.equal(image.imageName, `${account}.dkr.ecr.eu-central-1.amazonaws.com/hello:0.1.0-hello`);
            assert.deepEqual(secretValue(image.registry), { username: "AWS", password: "ecr-password" });
            assert.equal(container(recorded).image, "registry/hello@sha256:1");
        });

        it("is never removed while one may go back to it, however many follow", async () => {
            const before = [
                { release: "hello", version: "0.0.9", image: "a@sha256:2", tag: "0.0.9-2" },
                { release: "hello", version: "0.0.8", image: "a@sha256:3" },
            ];
            const policy = JSON.parse(
                inputs(await declared({ keepReleases: 3 }, before), "LifecyclePolicy", "hello")
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
                rule(1, "keep 0.1.0-hello", kept("0.1.0-hello")),
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
            const policy = inputs(recorded, "LifecyclePolicy", "hello").policy as string;
            assert.deepEqual(
                (JSON.parse(policy) as { rules: { description: string }[] }).rules.map(
                    ({ description }) => description,
                ),
                ["keep 0.1.0-hello", "keep b", "keep c", "keep d", "keep the newest"],
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
            const [, pull] = statements(inputs(recorded, "RolePolicy", "hello-execution").policy as string);
            assert.deepEqual(pull?.Resource, [
                `arn:aws:ecr:eu-central-1:${account}:repository/hello`,
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
                const role = inputs(recorded, "RolePolicy", "hello-execution").policy as string;
                const [, pull] = statements(role);
                assert.equal(
                    (pull?.Resource as string[])[1],
                    `arn:${partition}:ecr:${region}:${account}:repository/built`,
                );
                // The mocks' own ARNs name no partition but arn:aws of eu-central-1.
                assert.equal(
                    inputs(recorded, "RolePolicyAttachment", "hello-load-balancer").policyArn,
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
            assert.equal(image, "registry/hello@sha256:1");
            assert.deepEqual(healthCheck.command.slice(0, 3), ["CMD", "/bin/bash", "-c"]);
            assert.match(healthCheck.command[3] as string, /GET \/health /);
            delete healthCheck.command;
            assert.deepEqual(healthCheck, { interval: 5, timeout: 5, retries: 3, startPeriod: 60 });
            assert.deepEqual(others, {
                name: "hello",
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
                        "awslogs-group": "/decanter/test/hello",
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
                inputs(await declared({ env }), "TaskDefinition", "hello").containerDefinitions as string;
            assert.equal(await definitions({ A: "1", B: "2" }), await definitions({ B: "2", A: "1" }));
        });

        it("runs on Fargate, with its size and for its CPU, and stays when the next one comes", async () => {
            const recorded = await declared({ cpus: "2", memoryMb: 4096 });
            const { containerDefinitions, ...task } = inputs(recorded, "TaskDefinition", "hello");
            assert.ok(containerDefinitions);
            assert.deepEqual(task, {
                family: "decanter-test-hello",
                requiresCompatibilities: ["FARGATE"],
                networkMode: "awsvpc",
                cpu: "2048",
                memory: "4096",
                runtimePlatform: { operatingSystemFamily: "LINUX", cpuArchitecture: "ARM64" },
                executionRoleArn: "arn:hello-execution",
                taskRoleArn: "arn:hello-task",
                skipDestroy: true,
            });
            const amd64 = inputs(await declared({ platform: "linux/amd64" }), "TaskDefinition", "hello");
            assert.equal(amd64.runtimePlatform.cpuArchitecture, "X86_64");
        });

        it("comes after the boot check, and after what lets it read its secrets", async () => {
            const { options } = the(await declared(), "TaskDefinition", "hello");
            assert.deepEqual(options?.hooks, { beforeCreate: ["hello-boot-check"] });
            for (const name of ["hello-execution", "hello-console", "hello-RELEASE_COOKIE"])
                assert.ok(options?.dependencies.includes(name), name);
            const own = await declared({ image: `${given}@${digest}` });
            assert.deepEqual(the(own, "TaskDefinition", "hello").options?.hooks, {});
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
            assert.equal(inputs(recorded, "TargetGroup", "hello-web").deregistrationDelay, 90);
        });
    });

    describe("the secrets", () => {
        const settings = { secrets: { DATABASE_URL: "ecto://hunter2" } };

        it("are encrypted parameters, one for each variable, and marked secret on their way", async () => {
            const recorded = await declared(settings);
            const values = ["DATABASE_URL", "RELEASE_COOKIE", "SECRET_KEY_BASE"].map((variable) => {
                const { value, ...others } = inputs(recorded, "Parameter", `hello-${variable}`);
                assert.deepEqual(others, {
                    name: `/decanter/test/hello/${variable}`,
                    type: "SecureString",
                    tier: "Intelligent-Tiering",
                });
                return secretValue(value);
            });
            assert.deepEqual(values, [
                "ecto://hunter2",
                "hello-cookie-generated",
                "hello-key-base-generated",
            ]);
        });

        it("reach the release by ARN, and stand in no resource in plain text", async () => {
            const recorded = await declared(settings);
            assert.deepEqual(container(recorded).secrets[0], {
                name: "DATABASE_URL",
                valueFrom: `arn:aws:ssm:eu-central-1:${account}:parameter/decanter/test/hello/DATABASE_URL`,
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
            assert.equal(secretValue(inputs(recorded, "Parameter", "hello-RELEASE_COOKIE").value), "own");
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
            const parameter = (name: string) =>
                `arn:aws:ssm:eu-central-1:${account}:parameter/decanter/test/hello/${name}`;
            const policy = inputs(recorded, "RolePolicy", "hello-execution");
            assert.equal(policy.role, "hello-execution-id");
            assert.deepEqual(statements(policy.policy as string), [
                { Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" },
                {
                    Effect: "Allow",
                    Action: [
                        "ecr:BatchCheckLayerAvailability",
                        "ecr:BatchGetImage",
                        "ecr:GetDownloadUrlForLayer",
                    ],
                    Resource: [`arn:aws:ecr:eu-central-1:${account}:repository/hello`],
                },
                {
                    Effect: "Allow",
                    Action: "ssm:GetParameters",
                    Resource: ["A", "RELEASE_COOKIE", "SECRET_KEY_BASE"].map(parameter),
                },
                {
                    Effect: "Allow",
                    Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
                    Resource: "arn:hello:*",
                },
            ]);
            for (const name of ["hello-execution", "hello-task"]) {
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
            const { role, policy } = inputs(recorded, "RolePolicy", "hello-console");
            assert.equal(role, "hello-task-id");
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
            assert.equal(inputs(recorded, "Service", "hello").enableExecuteCommand, true);
            const without = await declared({ console: false });
            assert.deepEqual(names(without, "RolePolicy"), ["hello-execution"]);
            assert.equal(inputs(without, "Service", "hello").enableExecuteCommand, false);
        });

        it("have the app's own policies", async () => {
            const recorded = await declared({ taskPolicyArns: [`arn:aws:iam::${account}:policy/uploads`] });
            assert.deepEqual(inputs(recorded, "RolePolicyAttachment", "hello-task-1"), {
                role: "hello-task",
                policyArn: `arn:aws:iam::${account}:policy/uploads`,
            });
        });
    });

    describe("the network", () => {
        const subnetsOf = (recorded: Recorded[]) => inputs(recorded, "Service", "hello").networkConfiguration;

        it("has public addresses for tasks where there is no NAT gateway", async () => {
            const recorded = await declared();
            assert.deepEqual(subnetsOf(recorded), {
                subnets: ["hello-network-public-1-id", "hello-network-public-2-id"],
                securityGroups: ["hello-id"],
                assignPublicIp: true,
            });
            assert.deepEqual(names(recorded, "NatGateway"), []);
            assert.deepEqual(names(recorded, "Subnet"), ["hello-network-public-1", "hello-network-public-2"]);
        });

        it("has private subnets with one NAT gateway for all zones, or one for each", async () => {
            const one = await declared({ natGateways: 1 });
            assert.deepEqual(subnetsOf(one), {
                subnets: ["hello-network-private-1-id", "hello-network-private-2-id"],
                securityGroups: ["hello-id"],
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
                "hello-network-private-1-id hello-network-private-1-id",
                "hello-network-private-2-id hello-network-private-1-id",
            ]);
            const each = await declared({ natGateways: 3, zones: 3 });
            assert.deepEqual(names(each, "NatGateway"), [
                "hello-network-nat-1",
                "hello-network-nat-2",
                "hello-network-nat-3",
            ]);
            assert.deepEqual(routes(each), [
                "hello-network-private-1-id hello-network-private-1-id",
                "hello-network-private-2-id hello-network-private-2-id",
                "hello-network-private-3-id hello-network-private-3-id",
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
                    securityGroupId: "hello-id",
                    referencedSecurityGroupId: "hello-web-id",
                    ipProtocol: "tcp",
                    fromPort: 4000,
                    toPort: 4000,
                },
                ...[443, 80].map((port) => ({
                    securityGroupId: "hello-web-id",
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
            const closed = inputs(recorded, "DefaultSecurityGroup", "hello-network");
            assert.deepEqual(closed, { vpcId: "hello-network-id" });
        });

        it("may be a VPC that is there", async () => {
            const there = { vpcId: "vpc-1", publicSubnetIds: ["subnet-1", "subnet-2"] };
            const recorded = await declared(there);
            for (const type of ["Vpc", "Subnet", "InternetGateway", "RouteTable", "NatGateway"])
                assert.deepEqual(names(recorded, type), []);
            assert.equal(inputs(recorded, "SecurityGroup", "hello").vpcId, "vpc-1");
            assert.equal(inputs(recorded, "TargetGroup", "hello-web").vpcId, "vpc-1");
            assert.deepEqual(inputs(recorded, "LoadBalancer", "hello-web").subnets, ["subnet-1", "subnet-2"]);
            assert.equal(subnetsOf(recorded).assignPublicIp, true);
            const inside = await declared({ ...there, privateSubnetIds: ["subnet-3", "subnet-4"] });
            assert.deepEqual(inputs(inside, "LoadBalancer", "hello-web").subnets, ["subnet-1", "subnet-2"]);
            assert.deepEqual(subnetsOf(inside), {
                subnets: ["subnet-3", "subnet-4"],
                securityGroups: ["hello-id"],
                assignPublicIp: false,
            });
        });
    });

    describe("the load balancer", () => {
        it("serves https with TLS 1.3 and a validated certificate, and redirects the rest", async () => {
            const recorded = await declared();
            assert.deepEqual(inputs(recorded, "Listener", "hello-web-https"), {
                loadBalancerArn: "arn:hello-web",
                port: 443,
                protocol: "HTTPS",
                certificateArn: "arn:hello",
                sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
                defaultActions: [{ type: "forward", targetGroupArn: "arn:hello-web" }],
            });
            assert.ok(
                the(recorded, "Listener", "hello-web-https").options?.dependencies.includes("hello"),
                "it waits for the validation",
            );
            assert.deepEqual(inputs(recorded, "Listener", "hello-web-http"), {
                loadBalancerArn: "arn:hello-web",
                port: 80,
                protocol: "HTTP",
                defaultActions: [
                    {
                        type: "redirect",
                        redirect: { port: "443", protocol: "HTTPS", statusCode: "HTTP_301" },
                    },
                ],
            });
            assert.deepEqual(inputs(recorded, "Certificate", "hello"), {
                domainName: "www.example.com",
                validationMethod: "DNS",
            });
            assert.deepEqual(inputs(recorded, "Record", "hello-validation"), {
                zoneId: "Z1",
                name: "_1.a.example",
                type: "CNAME",
                records: ["_2.acm"],
                ttl: 60,
                allowOverwrite: true,
            });
            assert.deepEqual(inputs(recorded, "CertificateValidation", "hello"), {
                certificateArn: "arn:hello",
                validationRecordFqdns: ["_1.a.example"],
            });
        });

        it("has a name in DNS where there is a zone, and takes a certificate that is there", async () => {
            const certificateArn = `arn:aws:acm:eu-central-1:${account}:certificate/1`;
            const recorded = await declared({ certificateArn });
            assert.deepEqual(inputs(recorded, "Record", "hello"), {
                zoneId: "Z1",
                name: "www.example.com",
                type: "A",
                aliases: [{ name: "hello-web.elb", zoneId: "ZELB", evaluateTargetHealth: false }],
            });
            const without = await declared({ certificateArn, zoneId: "" });
            for (const type of ["Record", "Certificate", "CertificateValidation"])
                assert.deepEqual(names(without, type), []);
            assert.equal(inputs(without, "Listener", "hello-web-https").certificateArn, certificateArn);
        });

        it("drops invalid headers, checks often, and has target groups without a name of their own", async () => {
            const recorded = await declared();
            assert.deepEqual(inputs(recorded, "LoadBalancer", "hello-web"), {
                loadBalancerType: "application",
                subnets: ["hello-network-public-1-id", "hello-network-public-2-id"],
                securityGroups: ["hello-web-id"],
                dropInvalidHeaderFields: true,
                enableDeletionProtection: false,
            });
            assert.deepEqual(inputs(recorded, "TargetGroup", "hello-web"), {
                port: 4000,
                protocol: "HTTP",
                targetType: "ip",
                vpcId: "hello-network-id",
                deregistrationDelay: 30,
                healthCheck: {
                    path: "/health",
                    matcher: "200,301,302,307,308",
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
            assert.deepEqual(inputs(recorded, "LoadBalancer", "hello-web").accessLogs, {
                bucket: "hello-access",
                enabled: true,
            });
            assert.deepEqual(inputs(recorded, "BucketPublicAccessBlock", "hello-access"), {
                bucket: "hello-access-id",
                blockPublicAcls: true,
                blockPublicPolicy: true,
                ignorePublicAcls: true,
                restrictPublicBuckets: true,
            });
            const [rule] = inputs(recorded, "BucketLifecycleConfiguration", "hello-access").rules;
            assert.deepEqual(rule.expiration, { days: 90 });
            const [write, plain] = statements(
                inputs(recorded, "BucketPolicy", "hello-access").policy as string,
            );
            assert.deepEqual(write, {
                Effect: "Allow",
                Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
                Action: "s3:PutObject",
                Resource: `arn:hello-access/AWSLogs/${account}/*`,
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
            "Bucket hello-access",
            "LoadBalancer hello-web",
            "LogGroup hello",
            "Repository hello",
        ]);
        const recorded = await declared({ protect: true, accessLogDays: 90 });
        assert.equal(inputs(recorded, "LoadBalancer", "hello-web").enableDeletionProtection, true);
        assert.equal(inputs(recorded, "Repository", "hello").forceDelete, false);
        assert.equal(inputs(recorded, "Bucket", "hello-access").forceDestroy, false);
    });

    it("names resources so that AWS takes it, whatever the release is called", async () => {
        assert.equal(nameOf("hello"), "hello");
        assert.equal(nameOf("My_cellar_of_good_wines"), "my-cellar-of-g");
        assert.equal(nameOf("shop_of_wines_and_more"), "shop-of-wines");
        const recorded = await mockPulumi({ ...everything, scaleRequests: 0, strategy: "blue-green" });
        fargate({ ...readConfig(), release: "my_cellar_of_wines" } as ConfigOf<"fargate">);
        await settled();
        for (const { type, name } of recorded.filter((resource) => /^aws:(lb|s3)/.test(resource.type))) {
            // Pulumi puts eight more characters behind it.
            assert.match(name, /^[a-z][a-z-]{0,23}$/, type);
        }
        const { family } = inputs(recorded, "TaskDefinition", "my-cellar-of-w");
        assert.equal(family, "decanter-test-my-cellar-of-w");
        const { name } = inputs(recorded, "Parameter", "my-cellar-of-w-RELEASE_COOKIE");
        assert.equal(name, "/decanter/test/my_cellar_of_wines/RELEASE_COOKIE");
    });

    it("keeps logs as long as it is told to", async () => {
        assert.deepEqual(inputs(await declared({ logDays: 90 }), "LogGroup", "hello"), {
            name: "/decanter/test/hello",
            retentionInDays: 90,
        });
    });

    describe("the service", () => {
        it("rolls, goes back by itself, and says so", async () => {
            const recorded = await declared({ replicas: 3 });
            assert.deepEqual(inputs(recorded, "Service", "hello"), {
                cluster: "arn:hello",
                taskDefinition: "arn:hello",
                desiredCount: 3,
                capacityProviderStrategies: [{ capacityProvider: "FARGATE", weight: 1 }],
                forceNewDeployment: true,
                triggers: { capacity: "FARGATE" },
                networkConfiguration: {
                    subnets: ["hello-network-public-1-id", "hello-network-public-2-id"],
                    securityGroups: ["hello-id"],
                    assignPublicIp: true,
                },
                loadBalancers: [
                    { targetGroupArn: "arn:hello-web", containerName: "hello", containerPort: 4000 },
                ],
                healthCheckGracePeriodSeconds: 60,
                deploymentMinimumHealthyPercent: 100,
                deploymentMaximumPercent: 200,
                deploymentConfiguration: { strategy: "ROLLING" },
                deploymentCircuitBreaker: { enable: true, rollback: true },
                availabilityZoneRebalancing: "ENABLED",
                waitForSteadyState: true,
                sigintRollback: true,
                enableExecuteCommand: true,
                enableEcsManagedTags: true,
                propagateTags: "SERVICE",
            });
            const { options } = the(recorded, "Service", "hello");
            assert.deepEqual(options?.hooks, {
                beforeCreate: ["hello-migrate"],
                beforeUpdate: ["hello-migrate"],
                onError: ["hello-explain"],
            });
            assert.deepEqual(options?.ignoreChanges, []);
            assert.deepEqual(options?.timeouts, { create: "24m", update: "24m" });
            const rules = recorded.filter(
                ({ type }) => type.includes(":SecurityGroup") && type.endsWith("Rule"),
            );
            const ofReplicas = rules.map(({ name }) => name).filter((name) => !name.startsWith("hello-web"));
            assert.deepEqual(ofReplicas.sort(), ["hello", "hello-load-balancer", "hello-port"]);
            for (const name of ["hello-web-https", "hello-web-http", "hello-network-public", ...ofReplicas])
                assert.ok(options?.dependencies.includes(name), name);
        });

        it("migrates only where there is a migration", async () => {
            const { options } = the(await declared({ migrate: "none" }), "Service", "hello");
            assert.deepEqual(options?.hooks, { onError: ["hello-explain"] });
        });

        it("leaves the number of replicas to load, where it scales", async () => {
            const recorded = await declared({ replicas: 2, maxReplicas: 6, scaleRequests: 1000 });
            assert.deepEqual(the(recorded, "Service", "hello").options?.ignoreChanges, ["desiredCount"]);
            assert.deepEqual(inputs(recorded, "Target", "hello"), {
                serviceNamespace: "ecs",
                scalableDimension: "ecs:service:DesiredCount",
                resourceId: "service/hello/hello",
                minCapacity: 2,
                maxCapacity: 6,
            });
            const metric = (name: string) =>
                inputs(recorded, "Policy", name).targetTrackingScalingPolicyConfiguration;
            const cooldowns = { scaleOutCooldown: 60, scaleInCooldown: 300 };
            assert.deepEqual(metric("hello-cpu"), {
                ...cooldowns,
                targetValue: 60,
                predefinedMetricSpecification: { predefinedMetricType: "ECSServiceAverageCPUUtilization" },
            });
            assert.deepEqual(metric("hello-requests"), {
                ...cooldowns,
                targetValue: 1000,
                predefinedMetricSpecification: {
                    predefinedMetricType: "ALBRequestCountPerTarget",
                    resourceLabel: "app/hello-web/1/targetgroup/hello-web/1",
                },
            });
            const byCpu = await declared({ maxReplicas: 6 });
            assert.deepEqual(names(byCpu, "Policy"), ["hello-cpu"]);
            assert.deepEqual(names(await declared(), "Target"), []);
        });

        it("runs on spare capacity by choice", async () => {
            const service = inputs(await declared({ spot: true }), "Service", "hello");
            assert.deepEqual(service.capacityProviderStrategies, [
                { capacityProvider: "FARGATE_SPOT", weight: 1 },
            ]);
            assert.deepEqual(service.triggers, { capacity: "FARGATE_SPOT" });
        });

        it("deploys by blue and green by choice, and leaves the weights to ECS", async () => {
            const recorded = await declared({ strategy: "blue-green", bakeSeconds: 90 });
            assert.deepEqual(names(recorded, "TargetGroup"), ["hello-web-blue", "hello-web-green"]);
            const service = inputs(recorded, "Service", "hello");
            assert.deepEqual(service.deploymentConfiguration, {
                strategy: "BLUE_GREEN",
                bakeTimeInMinutes: "2",
            });
            assert.equal(service.deploymentCircuitBreaker, undefined);
            assert.deepEqual(service.alarms, { enable: true, rollback: true, alarmNames: ["hello"] });
            assert.deepEqual(service.loadBalancers, [
                {
                    targetGroupArn: "arn:hello-web-blue",
                    containerName: "hello",
                    containerPort: 4000,
                    advancedConfiguration: {
                        alternateTargetGroupArn: "arn:hello-web-green",
                        productionListenerRule: "arn:hello-web",
                        roleArn: "arn:hello-load-balancer",
                    },
                },
            ]);
            assert.deepEqual(the(recorded, "Service", "hello").options?.timeouts, {
                create: "26m",
                update: "26m",
            });
            const rule = the(recorded, "ListenerRule", "hello-web");
            assert.deepEqual(rule.options?.ignoreChanges, ["actions"]);
            assert.deepEqual(
                rule.inputs.actions[0].forward.targetGroups.map(({ weight }: { weight: number }) => weight),
                [100, 0],
            );
            assert.equal(
                inputs(recorded, "Listener", "hello-web-https").defaultActions[0].type,
                "fixed-response",
            );
            assert.deepEqual(inputs(recorded, "RolePolicyAttachment", "hello-load-balancer"), {
                role: "hello-load-balancer",
                policyArn: "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers",
            });
        });
    });

    describe("clustering", () => {
        it("is off by default", async () => {
            const recorded = await declared();
            assert.deepEqual(names(recorded, "PrivateDnsNamespace"), []);
            assert.equal(inputs(recorded, "Service", "hello").serviceRegistries, undefined);
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
                assert.deepEqual(inputs(recorded, "PrivateDnsNamespace", "hello-nodes"), {
                    name: "test.hello.internal",
                    vpc: "hello-network-id",
                });
                assert.deepEqual(inputs(recorded, "Service", "hello-nodes"), {
                    name: "nodes",
                    dnsConfig: {
                        namespaceId: "hello-nodes-id",
                        routingPolicy: "MULTIVALUE",
                        dnsRecords: [{ type: "A", ttl: 5 }],
                    },
                    healthCheckCustomConfig: { failureThreshold: 1 },
                    forceDestroy: true,
                });
                assert.deepEqual(inputs(recorded, "Service", "hello").serviceRegistries, {
                    registryArn: "arn:hello-nodes",
                });
                const { command, environment } = container(recorded);
                assert.deepEqual(
                    environment.filter(({ name }: { name: string }) => /^(DNS|RELEASE_DIST)/.test(name)),
                    [
                        { name: "DNS_CLUSTER_QUERY", value: "nodes.test.hello.internal" },
                        { name: "RELEASE_DISTRIBUTION", value: "name" },
                    ],
                );
                assert.match(command[2] as string, new RegExp(`RELEASE_NODE=${node}@`));
                const ports = names(recorded, "SecurityGroupIngressRule")
                    .map((name) => inputs(recorded, "SecurityGroupIngressRule", name))
                    .filter(({ referencedSecurityGroupId }) => referencedSecurityGroupId === "hello-id")
                    .map(({ securityGroupId, fromPort, toPort }) => [securityGroupId, fromPort, toPort]);
                assert.deepEqual(ports, [
                    ["hello-id", 9100, 9100],
                    ["hello-id", 4369, 4369],
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
