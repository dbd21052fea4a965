import { strict as assert } from "node:assert";
import { type Config, readConfig } from "../../../stacks/config/config";
import { dockerHost } from "../../../stacks/dockerHost";
import { fargate } from "../../../stacks/fargate";
import { floatingIp } from "../../../stacks/floatingIp";
import { fargateStack, floatingIpStack } from "../../support/awsStack";
import { certificate, privateKey } from "../../support/certificate";
import { declaredSettings, mockPulumi, settled } from "../../support/mockPulumi";

type Settings = Record<string, unknown>;
type Target = Config["target"];

const targets: Record<Target, Settings> = {
    docker: {},
    fargate: { ...fargateStack, maxReplicas: 4 },
    "floating-ip": { ...floatingIpStack, zoneId: "Z1" },
};
const digest = `sha256:${"0a".repeat(32)}`;
const policy = "arn:aws:iam::123456789012:policy/uploads";
const certificateArn = "arn:aws:acm:eu-central-1:123456789012:certificate/x";
const pem = certificate + privateKey;

/** What a build argument is on each target. */
const built = (line: string): Partial<Record<Target, string[]>> => ({
    docker: [`RemoteImage release.build${line}`],
    fargate: [`RemoteImage decanter-test.build${line}`],
    "floating-ip": [`RemoteImage decanter-test.build${line}`],
});
const acme = { https: "acme", domain: "shop.example" };
const task = "TaskDefinition decanter-test.containerDefinitions[0]";
const host = "Instance decanter-test.userData";

/** A setting, a value of it, and what a resource then has that it did not have before, on each target that has the setting. */
const reaches: [key: string, settings: Settings, lines: Partial<Record<Target, string[]>>][] = [
    ["app", { app: "test/apps/c_nif" }, built(".context = test/apps/c_nif")],
    ["release", { app: "test/apps/estate", release: "estate" }, built(".buildArgs.RELEASE = estate")],
    ["version", { version: "9.8.7" }, built(".buildArgs.VERSION = 9.8.7")],
    [
        "dockerfile",
        { dockerfile: "mix.exs", prepareDeps: "mix x" },
        // What is an argument of the app's own Dockerfile alone is none of Decanter's.
        built(".buildArgs.PREPARE_DEPS = mix x"),
    ],
    [
        "image",
        { image: `ghcr.io/acme/hello@${digest}` },
        {
            docker: [`Container release-1.image = ghcr.io/acme/hello@${digest}`],
            fargate: [`${task}.image = ghcr.io/acme/hello@${digest}`],
            "floating-ip": [`${host} IMAGE=ghcr.io/acme/hello@${digest}`],
        },
    ],
    [
        "port",
        { port: 4321 },
        {
            docker: [
                "Container release-1.envs[4] = PORT=4321",
                "Container release-swap.envs[1] = PORT=4321",
                "Container release-1.healthcheck.tests[3] has 127.0.0.1/4321",
            ],
            fargate: [
                "SecurityGroupIngressRule decanter-test-port.fromPort = 4321",
                "Service decanter-test.loadBalancers[0].containerPort = 4321",
                `${task}.portMappings[0].containerPort = 4321`,
                `${task}.healthCheck.command[3] has 127.0.0.1/4321`,
                `${task}.environment[4].value = 4321`,
            ],
            "floating-ip": [`${host} PORT=4321`, `${host} HEALTH= has 127.0.0.1/4321`],
        },
    ],
    [
        "healthPath",
        { healthPath: "/up" },
        {
            docker: [
                "Container release-swap.envs[2] = HEALTH_PATH=/up",
                "Container release-1.healthcheck.tests[3] has GET /up ",
            ],
            fargate: [
                "TargetGroup decanter-test-web.healthCheck.path = /up",
                `${task}.healthCheck.command[3] has GET /up `,
            ],
            "floating-ip": [`${host} HEALTH_PATH=/up`, `${host} HEALTH= has GET /up `],
        },
    ],
    [
        "healthHost",
        { healthHost: "shop.example" },
        {
            docker: [
                "Container release-swap.envs[3] = HEALTH_HOST=shop.example",
                "Container release-1.healthcheck.tests[3] has Host: shop.example",
            ],
            "floating-ip": [`${host} HEALTH= has Host: shop.example`],
        },
    ],
    [
        "replicas",
        { replicas: 3 },
        {
            docker: ["Container release-3.restart = always"],
            fargate: ["Service decanter-test.desiredCount = 3", "Target decanter-test.minCapacity = 3"],
        },
    ],
    [
        "bootSeconds",
        { bootSeconds: 77 },
        {
            fargate: [
                `${task}.healthCheck.startPeriod = 77`,
                "Service decanter-test.healthCheckGracePeriodSeconds = 77",
            ],
            "floating-ip": [`${host} BOOT_SECONDS=77`],
        },
    ],
    [
        "bakeSeconds",
        { bakeSeconds: 120, strategy: "blue-green" },
        {
            docker: ["Container release-swap.envs[7] = BAKE_SECONDS=120"],
            fargate: ["Service decanter-test.deploymentConfiguration.bakeTimeInMinutes = 2"],
            "floating-ip": [`${host} BAKE_SECONDS=120`],
        },
    ],
    [
        "drainSeconds",
        { drainSeconds: 17 },
        {
            docker: [
                "Container release-1.stopTimeout = 17",
                "Container release-1.destroyGraceSeconds = 17",
                "Container release-swap.envs[9] = DRAIN_SECONDS=17",
            ],
            fargate: ["TargetGroup decanter-test-web.deregistrationDelay = 17", `${task}.stopTimeout = 17`],
            "floating-ip": [`${host} DRAIN_SECONDS=17`, `${host} LIMITS= has --stop-timeout 17`],
        },
    ],
    [
        "migrate",
        { migrate: "bin/other" },
        {
            docker: ["Container release-migration.command[0] = exec bin/other"],
            "floating-ip": [`${host} MIGRATE=bin/other`],
        },
    ],
    ["migrateSeconds", { migrateSeconds: 123 }, { "floating-ip": [`${host} MIGRATE_SECONDS=123`] }],
    [
        "env",
        { env: { TASTE: "dry" } },
        {
            docker: [
                "Container release-1.envs[8] = TASTE=dry",
                "Container release-migration.envs[8] = TASTE=dry",
            ],
            fargate: [`${task}.environment[7].value = dry`],
            "floating-ip": [`${host} LIMITS= has --env TASTE=dry`],
        },
    ],
    [
        "secrets",
        { secrets: { API_KEY: "hunter2" } },
        {
            docker: [
                "Container release-1.envs[0] = API_KEY=hunter2",
                "Container release-migration.envs[0] = API_KEY=hunter2",
            ],
            fargate: ["Parameter decanter-test-API_KEY.value = hunter2", `${task}.secrets[0].name = API_KEY`],
            "floating-ip": [
                "Parameter decanter-test-API_KEY.value = hunter2",
                `${host} SECRET_NAMES= has API_KEY`,
            ],
        },
    ],
    [
        "secretsVersion",
        { secretsVersion: 5 },
        {
            docker: ["RandomPassword release-cookie.keepers.version = 5"],
            fargate: ["RandomPassword decanter-test-key-base.keepers.version = 5"],
            "floating-ip": ["RandomPassword decanter-test-key-base.keepers.version = 5"],
        },
    ],
    [
        "domain",
        { domain: "shop.example" },
        {
            docker: ["Container release-1.envs[2] = PHX_HOST=shop.example"],
            fargate: [
                "Certificate decanter-test.domainName = shop.example",
                "Record decanter-test.name = shop.example",
                `${task}.environment[2].value = shop.example`,
            ],
            "floating-ip": [
                "Record decanter-test.name = shop.example",
                `${host} LIMITS= has --env PHX_HOST=shop.example`,
            ],
        },
    ],
    [
        "host",
        { host: "ssh://me@server", tlsCertificate: pem, domain: "shop.example" },
        {
            docker: ["docker docker.host = ssh://me@server"],
            fargate: ["docker docker.host = ssh://me@server"],
            "floating-ip": [
                "docker docker.host = ssh://me@server",
                "docker docker-tls.host = ssh://me@server",
            ],
        },
    ],
    ["publicPort", { publicPort: 8123 }, { docker: ["Container router.ports[0].external = 8123"] }],
    [
        "publicPort",
        { tlsCertificate: pem, domain: "shop.example" },
        { docker: ["Container router.ports[0].external = 80", "Container router.ports[0].ip = 0.0.0.0"] },
    ],
    [
        "https",
        acme,
        {
            docker: [
                "Container router.envs[3] = HTTPS_PORT=443",
                "Image certificate.build.args.CLIENT = acme",
            ],
        },
    ],
    ["httpsPort", { ...acme, httpsPort: 8443 }, { docker: ["Container router.ports[1].external = 8443"] }],
    ["hstsSeconds", { ...acme, hstsSeconds: 600 }, { docker: ["Container release-swap.envs[5] = HSTS=600"] }],
    [
        "domainAliases",
        { ...acme, domainAliases: ["cellar.example"] },
        { docker: ["Container certificate.envs[0] = NAMES=shop.example cellar.example"] },
    ],
    [
        "edge",
        { edge: "front", domain: "shop.example" },
        {
            docker: [
                "Container edge-router.networksAdvanced[1].name = decanter-front",
                "Container release-swap.envs[5] = EDGE=front",
                "Container route.envs[2] = NAMES=shop.example",
                "Container route.volumes[0].volumeName = decanter-front",
            ],
        },
    ],
    [
        "acmeServer",
        { ...acme, acmeServer: "https://ca.example" },
        { docker: ["Container certificate.envs[1] = ACME_SERVER=https://ca.example"] },
    ],
    [
        "acmeEmail",
        { ...acme, acmeEmail: "me@shop.example" },
        { docker: ["Container certificate.envs[2] = ACME_EMAIL=me@shop.example"] },
    ],
    [
        "acmeDns",
        { ...acme, acmeDns: "route53" },
        { docker: ["Container certificate.envs[3] = ACME_DNS=route53"] },
    ],
    [
        "acmeRoot",
        { ...acme, acmeRoot: "-----BEGIN CERTIFICATE-----" },
        { docker: ["Container certificate.envs[4] = ACME_ROOT=-----BEGIN CERTIFICATE-----"] },
    ],
    [
        "acmeEnv",
        { ...acme, acmeEnv: { TOKEN: "t" } },
        { docker: ["Container certificate.envs[0] = TOKEN=t"] },
    ],
    [
        "acmeImage",
        { ...acme, acmeImage: "lego:9" },
        { docker: ["Image certificate.build.args.ACME_IMAGE = lego:9"] },
    ],
    ["bindAddress", { bindAddress: "::1" }, { docker: ["Container router.ports[0].ip = ::1"] }],
    [
        "behindProxy",
        { behindProxy: true },
        {
            docker: ["Container release-swap.envs[4] = BEHIND_PROXY=true"],
            "floating-ip": [`${host} BEHIND_PROXY=true`],
        },
    ],
    [
        "registryAddress",
        { registryAddress: "ghcr.io/acme" },
        { docker: ["Image release.imageName = ghcr.io/acme/hello:0.1.0"] },
    ],
    ...(["registryUsername", "registryPassword"] as const).map((key): (typeof reaches)[number] => {
        const name = key === "registryUsername" ? "username" : "password";
        const login = { registryUsername: "me", registryPassword: "hunter2" };
        const lines = [`docker docker.registryAuth has "${name}":"${login[key]}"`];
        lines.push(`Image release.registry.${name} = ${login[key]}`);
        return [key, { registryAddress: "ghcr.io/acme", ...login }, { docker: lines }];
    }),
    [
        "keepReleases",
        { keepReleases: 9 },
        {
            fargate: ['LifecyclePolicy decanter-test.policy has "countNumber":9}'],
            "floating-ip": ['LifecyclePolicy decanter-test.policy has "countNumber":9}'],
        },
    ],
    [
        "readOnly",
        { readOnly: false },
        {
            docker: ["Container release-1.readOnly = false", "Container release-migration.readOnly = false"],
            fargate: [`${task}.readonlyRootFilesystem = false`],
            "floating-ip": [`${host} LIMITS= has (--tmpfs`],
        },
    ],
    [
        "memoryMb",
        { memoryMb: 2048 },
        {
            docker: ["Container release-1.memory = 2048", "Container release-migration.memory = 2048"],
            fargate: ["TaskDefinition decanter-test.memory = 2048"],
            "floating-ip": [`${host} LIMITS= has --memory 2048m`],
        },
    ],
    [
        "cpus",
        { cpus: "1", memoryMb: 2048 },
        {
            docker: ["Container release-1.cpus = 1", "Container release-migration.cpus = 1"],
            fargate: ["TaskDefinition decanter-test.cpu = 1024"],
            "floating-ip": [`${host} LIMITS= has --cpus 1`],
        },
    ],
    [
        "platform",
        { platform: "linux/amd64" },
        {
            docker: ["RemoteImage release.build.platform = linux/amd64"],
            fargate: [
                "RemoteImage decanter-test.build.platform = linux/amd64",
                "TaskDefinition decanter-test.runtimePlatform.cpuArchitecture = X86_64",
            ],
            "floating-ip": ["RemoteImage decanter-test.build.platform = linux/amd64"],
        },
    ],
    ["minimal", { minimal: false }, built(".buildArgs.BASE = debian")],
    ["assets", { assets: "make ui" }, built(".buildArgs.ASSETS = make ui")],
    [
        "runtimePackages",
        { runtimePackages: ["imagemagick", "curl"] },
        built(".buildArgs.RUNTIME_PACKAGES = imagemagick curl"),
    ],
    [
        "missingLibraries",
        { missingLibraries: ["libcuda.so.1"] },
        built(".buildArgs.MISSING_LIBRARIES = libcuda.so.1"),
    ],
    ["builderPackages", { builderPackages: ["cargo"] }, built(".buildArgs.BUILDER_PACKAGES = cargo")],
    ["pathDependencies", { pathDependencies: ["../../docs"] }, built(".context = .")],
    ["prepareDeps", { prepareDeps: "mix x" }, built(".buildArgs.PREPARE_DEPS = mix x")],
    ["buildEnv", { buildEnv: { GIT_SHA: "0123" } }, built(".buildArgs.BUILD_ENV has GIT_SHA='0123'")],
    ["builder", { builder: "arm" }, built(".builder = arm")],
    ["cacheFrom", { cacheFrom: ["type=inline"] }, built(".cacheFroms[0] = type=inline")],
    ["cacheTo", { cacheTo: ["type=inline"] }, built(".cacheTos[0] = type=inline")],
    ...(["sbom", "provenance"] as const).flatMap((key): typeof reaches => {
        const [value, line] = key === "sbom" ? ["true", "true"] : ["max", "mode=max"];
        const { docker, ...others } = built(`.${key} = ${line}`);
        return [
            [key, { [key]: value, registryAddress: "ghcr.io/acme" }, { docker }],
            [key, { [key]: value }, others],
        ];
    }),
    ["builderImage", { builderImage: "b:1" }, built(".buildArgs.BUILDER_IMAGE = b:1")],
    ["runnerImage", { runnerImage: "r:1" }, built(".buildArgs.RUNNER_IMAGE = r:1")],
    ["nodeImage", { nodeImage: "n:1", app: "test/apps/npm" }, built(".buildArgs.NODE_IMAGE = n:1")],
    [
        "routerImage",
        { routerImage: "h:1", tlsCertificate: pem, domain: "shop.example" },
        {
            docker: ["Image router.build.args.ROUTER_IMAGE = h:1"],
            "floating-ip": ["RemoteImage decanter-test-tls.build.buildArgs.PROXY_IMAGE = h:1"],
        },
    ],
    ["registryImage", { registryImage: "g:1" }, { docker: ["Container registry.image = g:1"] }],
    [
        "archive",
        { archive: true },
        {
            docker: ["Container release-1.hooks has release-archived"],
            fargate: [
                "Bucket decanter-test-archive.forceDestroy = true",
                "TaskDefinition decanter-test.hooks has decanter-test-archived",
            ],
            "floating-ip": [
                "Bucket decanter-test-archive.forceDestroy = true",
                "Instance decanter-test.hooks has decanter-test-archived",
            ],
        },
    ],
    [
        "archiveDays",
        { archive: true, archiveDays: 99 },
        {
            fargate: ["BucketLifecycleConfiguration decanter-test-archive.rules[0].expiration.days = 99"],
            "floating-ip": [
                "BucketLifecycleConfiguration decanter-test-archive.rules[0].expiration.days = 99",
            ],
        },
    ],
    [
        "region",
        { region: "us-east-1" },
        {
            fargate: [
                "aws aws.region = us-east-1",
                `${task}.logConfiguration.options.awslogs-region = us-east-1`,
            ],
            "floating-ip": ["aws aws.region = us-east-1", `${host} REGION=us-east-1`],
        },
    ],
    ...(["vpcId", "publicSubnetIds", "privateSubnetIds"] as const).map((key): (typeof reaches)[number] => {
        const subnets = { publicSubnetIds: ["subnet-1", "subnet-2"], privateSubnetIds: ["subnet-3"] };
        const [service, instance] = {
            vpcId: [
                "TargetGroup decanter-test-web.vpcId = vpc-1",
                "SecurityGroup decanter-test.vpcId = vpc-1",
            ],
            publicSubnetIds: [
                "LoadBalancer decanter-test-web.subnets[1] = subnet-2",
                "Instance decanter-test.subnetId = subnet-1",
            ],
            privateSubnetIds: ["Service decanter-test.networkConfiguration.subnets[0] = subnet-3"],
        }[key] as [string, string?];
        return [
            key,
            { vpcId: "vpc-1", ...subnets },
            { fargate: [service], ...(instance && { "floating-ip": [instance] }) },
        ];
    }),
    [
        "zones",
        { zones: 3 },
        {
            fargate: ["Subnet decanter-test-network-public-3.availabilityZone = eu-central-1c"],
            "floating-ip": ["Subnet decanter-test-network-public-3.availabilityZone = eu-central-1c"],
        },
    ],
    [
        "natGateways",
        { natGateways: 1 },
        { fargate: ["NatGateway decanter-test-network-nat-1.subnetId = decanter-test-network-public-1-id"] },
    ],
    [
        "zoneId",
        { zoneId: "Z2" },
        {
            fargate: ["Record decanter-test.zoneId = Z2", "Record decanter-test-validation.zoneId = Z2"],
            "floating-ip": ["Record decanter-test.zoneId = Z2"],
        },
    ],
    [
        "protect",
        { protect: true },
        {
            fargate: [
                "LoadBalancer decanter-test-web.enableDeletionProtection = true",
                "Repository decanter-test.forceDelete = false",
            ],
            "floating-ip": [
                "Eip decanter-test.protect = true",
                "Repository decanter-test.forceDelete = false",
            ],
        },
    ],
    [
        "logDays",
        { logDays: 7 },
        {
            fargate: ["LogGroup decanter-test.retentionInDays = 7"],
            "floating-ip": ["LogGroup decanter-test.retentionInDays = 7"],
        },
    ],
    [
        "certificateArn",
        { certificateArn },
        { fargate: [`Listener decanter-test-web-https.certificateArn = ${certificateArn}`] },
    ],
    [
        "accessLogDays",
        { accessLogDays: 12 },
        { fargate: ["BucketLifecycleConfiguration decanter-test-access.rules[0].expiration.days = 12"] },
    ],
    ["maxReplicas", { maxReplicas: 6 }, { fargate: ["Target decanter-test.maxCapacity = 6"] }],
    [
        "scaleCpuPercent",
        { scaleCpuPercent: 44 },
        { fargate: ["Policy decanter-test-cpu.targetTrackingScalingPolicyConfiguration.targetValue = 44"] },
    ],
    [
        "scaleRequests",
        { scaleRequests: 999 },
        {
            fargate: [
                "Policy decanter-test-requests.targetTrackingScalingPolicyConfiguration.targetValue = 999",
            ],
        },
    ],
    [
        "spot",
        { spot: true },
        { fargate: ["Service decanter-test.capacityProviderStrategies[0].capacityProvider = FARGATE_SPOT"] },
    ],
    [
        "strategy",
        { strategy: "blue-green" },
        { fargate: ["Service decanter-test.deploymentConfiguration.strategy = BLUE_GREEN"] },
    ],
    [
        "clustering",
        { clustering: "together" },
        { fargate: [`${task}.command[2] has export RELEASE_NODE=hello@`] },
    ],
    ["console", { console: false }, { fargate: ["Service decanter-test.enableExecuteCommand = false"] }],
    [
        "taskPolicyArns",
        { taskPolicyArns: [policy] },
        {
            fargate: [
                `RolePolicyAttachment decanter-test-task-123456789012-policy/uploads.policyArn = ${policy}`,
            ],
        },
    ],
    [
        "ami",
        { ami: "ami-1123456789abcdef0" },
        { "floating-ip": ["Instance decanter-test.ami = ami-1123456789abcdef0"] },
    ],
    [
        "instanceType",
        { instanceType: "t4g.large" },
        { "floating-ip": ["Instance decanter-test.instanceType = t4g.large"] },
    ],
    ["diskGb", { diskGb: 33 }, { "floating-ip": ["Instance decanter-test.rootBlockDevice.volumeSize = 33"] }],
    [
        "tlsCertificate",
        { tlsCertificate: pem, domain: "shop.example" },
        {
            docker: [`Container certificate.envs[1] = TLS_CERTIFICATE=${pem}`],
            "floating-ip": [`Parameter decanter-test-tls-TLS_CERTIFICATE.value = ${pem}`],
        },
    ],
];

/**
 * Those that reach no resource, but a hook or what the program is: tested with the component that runs it, and a renamed argument
 * breaks the type check on the way there.
 */
const elsewhere: Partial<Record<string, Target[]>> = {
    target: ["docker", "fargate", "floating-ip"],
    bootCheck: ["docker", "fargate", "floating-ip"],
    buildSecrets: ["docker", "fargate", "floating-ip"],
    bootSeconds: ["docker"],
    migrate: ["fargate"],
    migrateSeconds: ["docker", "fargate"],
    keepReleases: ["docker"],
    keepFor: ["fargate", "floating-ip"],
};

/** Every property of what a stack declares, a line each. */
async function linesOf(settings: Settings): Promise<Set<string>> {
    const recorded = await mockPulumi(settings, [
        "secrets",
        "buildSecrets",
        "registryPassword",
        "tlsCertificate",
        "acmeEnv",
    ]);
    const config = readConfig();
    if (config.target === "docker") dockerHost(config);
    else if (config.target === "fargate") fargate(config);
    else floatingIp(config);
    await settled();
    const lines = new Set<string>();
    for (const { type, name, inputs, options } of recorded) {
        const resource = `${type.split(":").at(-1)} ${name}`;
        addLines(lines, resource, inputs);
        if (options?.protect) lines.add(`${resource}.protect = true`);
        for (const hook of Object.values(options?.hooks ?? {}).flat())
            lines.add(`${resource}.hooks = ${hook}`);
    }
    return lines;
}

function addLines(lines: Set<string>, path: string, value: unknown): void {
    if (typeof value === "object" && value !== null) {
        // A secret on its way to the engine.
        if ("4dabf18193072939515e22adb298388d" in value)
            return addLines(lines, path, (value as unknown as { value: unknown }).value);
        for (const [key, item] of Object.entries(value))
            addLines(lines, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, item);
    } else if (path.endsWith(".userData")) {
        for (const line of String(value).split("\n")) lines.add(`${path} ${line}`);
    } else if (path.endsWith(".containerDefinitions")) {
        addLines(lines, path, JSON.parse(String(value)));
    } else {
        lines.add(`${path} = ${String(value)}`);
    }
}

/** Whether there is a line: as it is written, or for "A has B" one of A in which there is B. */
function isThere(lines: Set<string>, expected: string): boolean {
    const [path = "", part] = expected.split(" has ");
    if (part === undefined) return lines.has(expected);
    return [...lines].some((line) => line.startsWith(path) && line.slice(path.length).includes(part));
}

/** The targets that a setting is for, as Pulumi.yaml says. */
function targetsOf(key: string, description: string): Target[] {
    if (description.startsWith("Docker host: ")) return ["docker"];
    if (description.startsWith("Fargate: ")) return ["fargate"];
    if (description.startsWith("Floating IP: ")) return ["floating-ip"];
    if (description.startsWith("AWS: ")) return ["fargate", "floating-ip"];
    return NOT_ON[key] ?? ["docker", "fargate", "floating-ip"];
}

/** Settings that not every target has, although they are not named after one. */
const NOT_ON: Record<string, Target[]> = {
    healthHost: ["docker", "floating-ip"],
    replicas: ["docker", "fargate"],
    publicPort: ["docker"],
    bindAddress: ["docker"],
    behindProxy: ["docker", "floating-ip"],
    registryAddress: ["docker"],
    registryUsername: ["docker"],
    registryPassword: ["docker"],
    routerImage: ["docker", "floating-ip"],
    tlsCertificate: ["docker", "floating-ip"],
    registryImage: ["docker"],
};

describe("a setting", () => {
    const before = new Map<Target, Set<string>>();

    it("of Pulumi.yaml is tested on each target that has it", () => {
        const tested = (key: string) => [
            ...reaches.filter(([one]) => one === key).flatMap(([, , lines]) => Object.keys(lines)),
            ...(elsewhere[key] ?? []),
        ];
        for (const [key, { description }] of Object.entries(declaredSettings()))
            assert.deepEqual([...new Set(tested(key))].sort(), targetsOf(key, description).sort(), key);
    });

    for (const [key, settings, expected] of reaches) {
        for (const [target, lines] of Object.entries(expected) as [Target, string[]][]) {
            it(`reaches what it is for: ${key}, on the target ${target}`, async () => {
                const base = targets[target];
                if (!before.has(target)) before.set(target, await linesOf(base));
                const after = await linesOf({ ...base, ...settings });
                for (const line of lines) {
                    assert.ok(isThere(after, line), line);
                    assert.ok(!isThere(before.get(target) ?? new Set(), line), `${line}, without it`);
                }
            });
        }
    }
});
