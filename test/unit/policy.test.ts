import { strict as assert } from "node:assert";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { credentials } from "@grpc/grpc-js";
import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import {
    AnalyzeRequest,
    type AnalyzeResponse,
    type AnalyzerInfo,
    AnalyzerResourceOptions,
} from "@pulumi/pulumi/proto/analyzer_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { UNKNOWN } from "../../policy/properties";
import { rules, violations } from "../../policy/rules";
import { readConfig } from "../../stacks/config/config";
import { dockerHost } from "../../stacks/dockerHost";
import { mockPulumi, settled } from "../support/mockPulumi";

type Properties = Record<string, unknown>;

/** What one rule says of resources: those that keep it, and those that break it, with what it has to say. */
interface Case {
    rule: string;
    good: [type: string, properties: Properties][];
    bad: [type: string, properties: Properties, says: RegExp][];
}

const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const RULE = "aws:ec2/securityGroupRule:SecurityGroupRule";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const LISTENER = "aws:lb/listener:Listener";
const INSTANCE = "aws:ec2/instance:Instance";
const TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate";
const TASK = "aws:ecs/taskDefinition:TaskDefinition";
const PARAMETER = "aws:ssm/parameter:Parameter";
const POLICY = "aws:iam/policy:Policy";
const ROLE = "aws:iam/role:Role";
const CONTAINER = "docker:index/container:Container";
const BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";

const DIGEST = `ghcr.io/acme/shop@sha256:${"0a".repeat(32)}`;
const redirect = [{ type: "redirect", redirect: { port: "443", protocol: "HTTPS", statusCode: "HTTP_301" } }];
const host = {
    ami: "ami-1",
    metadataOptions: { httpTokens: "required" },
    rootBlockDevice: { encrypted: true },
};
const template = {
    metadataOptions: { httpTokens: "required" },
    blockDeviceMappings: [{ deviceName: "/dev/xvda", ebs: { encrypted: "true" } }, { virtualName: "none" }],
};
const world = { cidrIpv4: "0.0.0.0/0", ipProtocol: "tcp" };
const secret = (value: unknown) => ({
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    value,
});
const NOT_YET = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function allow(statement: Properties): Properties {
    return { policy: JSON.stringify({ Statement: [{ Effect: "Allow", ...statement }] }) };
}

function task(container: Properties): Properties {
    return { containerDefinitions: JSON.stringify([{ name: "app", image: DIGEST, ...container }]) };
}

function base64(text: string | Uint8Array): string {
    return Buffer.from(text).toString("base64");
}

const cases: Case[] = [
    {
        rule: "world-reaches-http-only",
        good: [
            [INGRESS, { ...world, fromPort: 443, toPort: 443 }],
            [INGRESS, { ...world, cidrIpv4: "10.0.0.0/16", fromPort: 22, toPort: 22 }],
            [INGRESS, { ...world, cidrIpv4: UNKNOWN, fromPort: 22, toPort: 22 }],
            [INGRESS, { referencedSecurityGroupId: "sg-1", ipProtocol: "-1" }],
            [INGRESS, { ...world, fromPort: NOT_YET, toPort: NOT_YET }],
            [RULE, { type: "egress", protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] }],
            [GROUP, { egress: [{ protocol: "-1", cidrBlocks: ["0.0.0.0/0"] }] }],
            [GROUP, { ingress: [{ protocol: "tcp", fromPort: 80, toPort: 80, cidrBlocks: ["0.0.0.0/0"] }] }],
        ],
        bad: [
            [INGRESS, { ...world, fromPort: 22, toPort: 22 }, /22 to 22 .*open to "0\.0\.0\.0\/0"/],
            [INGRESS, { ...world, fromPort: 80, toPort: 443 }, /80 to 443/],
            [INGRESS, { ...world, ipProtocol: "-1" }, /protocol "-1"/],
            [INGRESS, { ...world, ipProtocol: "icmp", fromPort: 80, toPort: 80 }, /protocol "icmp"/],
            [INGRESS, { ...world, fromPort: 4000, toPort: UNKNOWN }, /4000/],
            [
                INGRESS,
                { cidrIpv6: secret("::/0"), ipProtocol: "tcp", fromPort: 22, toPort: 22 },
                /open to "::\/0"/,
            ],
            [
                RULE,
                {
                    type: "ingress",
                    protocol: "tcp",
                    fromPort: 22,
                    toPort: 22,
                    cidrBlocks: ["10.0.0.0/8", "128.0.0.0/1"],
                },
                /open to "128\.0\.0\.0\/1"/,
            ],
            [GROUP, { ingress: [{ protocol: "-1", ipv6CidrBlocks: ["2000::/3"] }] }, /open to "2000::\/3"/],
            [
                INGRESS,
                { ...world, cidrIpv4: "8.0.0.0/7", fromPort: 22, toPort: 22 },
                /open to "8\.0\.0\.0\/7"/,
            ],
            [
                "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
                { ingress: [{ cidrBlocks: ["::/0"] }] },
                /::/,
            ],
        ],
    },
    {
        rule: "listeners-speak-tls",
        good: [
            [LISTENER, { protocol: "HTTP", defaultActions: redirect }],
            [LISTENER, { protocol: "HTTPS", sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06" }],
            [LISTENER, { protocol: "HTTPS", sslPolicy: UNKNOWN }],
            [LISTENER, { protocol: "TCP", defaultActions: [{ type: "forward" }] }],
        ],
        bad: [
            [LISTENER, { protocol: "HTTP", defaultActions: [{ type: "forward" }] }, /\["forward"\]: make it/],
            [LISTENER, { protocol: "HTTP", defaultActions: [{ type: "redirect", redirect: {} }] }, /HTTPS/],
            [LISTENER, { protocol: "HTTPS" }, /sslPolicy is nothing: take/],
            [LISTENER, { protocol: "TLS", sslPolicy: "ELBSecurityPolicy-2016-08" }, /2016-08": take/],
            [
                "aws:alb/listener:Listener",
                { protocol: "HTTPS", sslPolicy: "ELBSecurityPolicy-TLS13-1-0-2021-06" },
                /1-0/,
            ],
        ],
    },
    {
        rule: "disks-are-encrypted",
        good: [
            [INSTANCE, { ...host, ebsBlockDevices: [{ encrypted: true }] }],
            [INSTANCE, { ...host, rootBlockDevice: UNKNOWN }],
            [TEMPLATE, template],
        ],
        bad: [
            [
                INSTANCE,
                { ...host, rootBlockDevice: undefined },
                /rootBlockDevice\.encrypted is nothing: make/,
            ],
            [INSTANCE, { ...host, rootBlockDevice: { encrypted: false } }, /encrypted is false/],
            [INSTANCE, { ...host, ebsBlockDevices: [{ encrypted: true }, {}] }, /ebsBlockDevices\[1\]/],
            [TEMPLATE, { ...template, blockDeviceMappings: undefined }, /blockDeviceMappings\[0\]/],
            [TEMPLATE, { ...template, blockDeviceMappings: [{ ebs: { encrypted: "false" } }] }, /"false"/],
        ],
    },
    {
        rule: "storage-is-encrypted",
        good: [
            ["aws:ebs/volume:Volume", { encrypted: true }],
            ["aws:rds/instance:Instance", { replicateSourceDb: "db-1" }],
            ["aws:ecr/repository:Repository", {}],
        ],
        bad: [
            ["aws:ebs/volume:Volume", {}, /encrypted is nothing/],
            ["aws:efs/fileSystem:FileSystem", { encrypted: false }, /encrypted is false: make it true/],
            ["aws:rds/instance:Instance", {}, /storageEncrypted is nothing/],
            ["aws:rds/cluster:Cluster", { storageEncrypted: false }, /storageEncrypted is false/],
        ],
    },
    {
        rule: "secret-parameters-are-secure",
        good: [
            [PARAMETER, { name: "/shop/DATABASE_URL", type: "SecureString", value: secret("ecto://") }],
            [PARAMETER, { name: "/shop/image", type: "String", value: DIGEST }],
            [PARAMETER, { name: "/secrets/version", type: "String", value: "1" }],
        ],
        bad: [
            [
                PARAMETER,
                { name: "/shop/DATABASE_URL", type: "String" },
                /"\/shop\/DATABASE_URL" is a "String": make/,
            ],
            [PARAMETER, { name: "/shop/release-cookie", type: "StringList" }, /SecureString/],
            [
                PARAMETER,
                { name: "/shop/x", type: "SecureString", insecureValue: "merlot" },
                /insecureValue.*as value/,
            ],
        ],
    },
    {
        rule: "buckets-are-private",
        good: [
            [
                BLOCK,
                {
                    blockPublicAcls: true,
                    blockPublicPolicy: true,
                    ignorePublicAcls: true,
                    restrictPublicBuckets: UNKNOWN,
                },
            ],
        ],
        bad: [
            [
                BLOCK,
                { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true },
                /restrictPublicBuckets is nothing: make it true/,
            ],
        ],
    },
    {
        rule: "metadata-needs-a-token",
        good: [
            [INSTANCE, host],
            [INSTANCE, { ...host, metadataOptions: UNKNOWN }],
            [TEMPLATE, template],
        ],
        bad: [
            [INSTANCE, { ...host, metadataOptions: undefined }, /httpTokens is nothing: make it "required"/],
            [
                TEMPLATE,
                { ...template, metadataOptions: { httpTokens: "optional" } },
                /httpTokens is "optional"/,
            ],
        ],
    },
    {
        rule: "hosts-have-no-key-pair",
        good: [[INSTANCE, { ...host, keyName: "" }]],
        bad: [
            [INSTANCE, { ...host, keyName: "ada" }, /keyName is "ada": leave it out/],
            [TEMPLATE, { ...template, keyName: "ada" }, /Session Manager/],
        ],
    },
    {
        rule: "logs-end-some-day",
        good: [["aws:cloudwatch/logGroup:LogGroup", { retentionInDays: 30 }]],
        bad: [
            ["aws:cloudwatch/logGroup:LogGroup", {}, /retentionInDays is nothing, which keeps/],
            ["aws:cloudwatch/logGroup:LogGroup", { retentionInDays: 0 }, /retentionInDays is 0/],
        ],
    },
    {
        rule: "permissions-are-narrow",
        good: [
            [POLICY, allow({ Action: ["ecr:GetAuthorizationToken"], Resource: "*" })],
            [POLICY, allow({ Action: "s3:*", Resource: "arn:aws:s3:::shop/*" })],
            [POLICY, allow({ Action: "iam:PassRole", Resource: "arn:aws:iam::1:role/shop" })],
            [POLICY, { policy: { Statement: { Effect: "Deny", Action: "*", Resource: "*" } } }],
            [POLICY, { policy: NOT_YET }],
            [ROLE, { assumeRolePolicy: allow({ Action: "sts:AssumeRole" }).policy }],
        ],
        bad: [
            [POLICY, allow({ Action: "*", Resource: "*" }), /"\*" is allowed on "\*": name the actions/],
            [
                POLICY,
                allow({ Action: ["ec2:Describe*", "ssm:*"], Resource: ["arn:aws:s3:::shop", "*"] }),
                /"ssm:\*"/,
            ],
            [POLICY, allow({ Action: "s3:*", Resource: "arn:aws:*:*:*:*" }), /"s3:\*" is allowed/],
            [POLICY, allow({ Action: "s3:*", NotResource: "arn:aws:s3:::shop" }), /all but some resources/],
            [
                "aws:iam/rolePolicy:RolePolicy",
                allow({ NotAction: "iam:*", Resource: "*" }),
                /all but "iam:\*"/,
            ],
            [POLICY, allow({ Action: "iam:PassRole", Resource: "*" }), /name the roles that are passed/],
            [POLICY, allow({ Action: "iam:Pass?ole", Resource: "*" }), /Pass\?ole/],
            [
                ROLE,
                { inlinePolicies: [{ policy: secret(allow({ Action: "*", Resource: "*" }).policy) }] },
                /"\*" is allowed on "\*"/,
            ],
            [
                ROLE,
                { managedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"] },
                /allows everything/,
            ],
        ],
    },
    {
        rule: "images-are-digests",
        good: [
            [TASK, task({})],
            [TASK, { containerDefinitions: NOT_YET }],
            [CONTAINER, { image: DIGEST, labels: [{ label: "decanter.version", value: "1.0.0" }] }],
            [CONTAINER, { image: "sha256:0a", labels: [{ label: "decanter.version", value: "1.0.0" }] }],
            [
                CONTAINER,
                { image: "docker.io/registry:3", labels: [{ label: "decanter.stack", value: "prod" }] },
            ],
            [INSTANCE, { ...host, userData: `#!/bin/sh\nIMAGE=${DIGEST}\nIMAGE="$1"\ndocker run "$IMAGE"` }],
            [INSTANCE, { ...host, userData: 'IMAGE="ghcr.io/acme/$APP@sha256:0a"' }],
        ],
        bad: [
            [TASK, task({ image: "nginx:1.29" }), /container "app" runs "nginx:1\.29": name its digest/],
            [
                TASK,
                { containerDefinitions: secret(task({ image: undefined }).containerDefinitions) },
                /nothing/,
            ],
            [
                CONTAINER,
                { image: "shop:1.0.0", labels: [{ label: "decanter.version", value: "1.0.0" }] },
                /shop:1/,
            ],
            [
                INSTANCE,
                { ...host, userData: "#!/bin/sh\nexport IMAGE='shop:1.0.0'" },
                /sets IMAGE to "shop:1\.0\.0"/,
            ],
            [INSTANCE, { ...host, userDataBase64: base64("IMAGE=shop") }, /sets IMAGE to "shop"/],
            [
                TEMPLATE,
                { ...template, userData: base64(gzipSync("APP_IMAGE=shop:1\n")) },
                /APP_IMAGE to "shop:1"/,
            ],
        ],
    },
    {
        rule: "secrets-are-references",
        good: [
            [
                TASK,
                task({
                    environment: [
                        { name: "SECRETS_VERSION", value: "4" },
                        { name: "RELEASE_SECRETS_VERSION", value: "4" },
                        { name: "TOKENIZERS_PARALLELISM", value: "true" },
                        { name: "DATABASE_SECRET_ARN", value: "arn:aws:ssm:eu-west-1:1:parameter/shop/DB" },
                        { name: "PHX_HOST", value: "shop.example" },
                    ],
                    secrets: [
                        {
                            name: "DATABASE_URL",
                            valueFrom: "arn:aws:ssm:eu-west-1:1:parameter/shop/DATABASE_URL",
                        },
                        { name: "COOKIE", valueFrom: "arn:aws-cn:secretsmanager:cn-north-1:1:secret:shop" },
                    ],
                }),
            ],
            [
                INSTANCE,
                {
                    ...host,
                    userData: [
                        "#cloud-config",
                        "lock_passwd: true",
                        "TOKEN=$(curl -X PUT http://169.254.169.254/latest/api/token)",
                        'export DATABASE_URL="$(aws ssm get-parameter --name /shop/DATABASE_URL)"',
                        "docker login --username AWS --password-stdin",
                        "SECRETS_PATH=/shop RELEASE_COOKIE=`cat cookie`",
                    ].join("\n"),
                },
            ],
        ],
        bad: [
            ...[
                "RELEASE_COOKIE",
                "SECRET_KEY_BASE",
                "PGPASSWORD",
                "GITHUB_TOKEN",
                "API_KEY",
                "DATABASE_URL",
            ].map((name): Case["bad"][number] => [
                TASK,
                task({ environment: [{ name, value: "merlot" }] }),
                new RegExp(`variable ${name} with a plain value: put it into an SSM parameter`),
            ]),
            [
                TASK,
                task({ environment: [{ name: "MQ", value: "amqp://ada:merlot@mq" }] }),
                /MQ with a URL with a/,
            ],
            [
                TASK,
                task({ secrets: [{ name: "COOKIE", valueFrom: "merlot" }] }),
                /COOKIE from something .* no ARN/,
            ],
            [
                INSTANCE,
                { ...host, userData: "docker run -e PASSWORD=merlot app" },
                /holds a value of PASSWORD/,
            ],
            [INSTANCE, { ...host, userData: 'Environment="API_TOKEN=merlot"' }, /holds a value of API_TOKEN/],
            [
                INSTANCE,
                { ...host, userData: "write:\n  - db_password: merlot" },
                /holds a value of db_password/,
            ],
            [INSTANCE, { ...host, userData: secret("A=AKIAMERLOT0MERLOT012") }, /an AWS access key id/],
            [
                TEMPLATE,
                {
                    ...template,
                    userData: base64(
                        `content: ${base64(`-----BEGIN PRIVATE KEY-----\n${"merlot".repeat(9)}`)}`,
                    ),
                },
                /holds a private key/,
            ],
        ],
    },
];

describe("the policy pack", () => {
    it("has cases for every rule, and each rule once", () => {
        const names = rules.map(({ name }) => name);
        assert.deepEqual(
            cases.map(({ rule }) => rule),
            names,
        );
        assert.equal(new Set(names).size, names.length);
    });

    for (const { rule, good, bad } of cases) {
        it(`lets ${rule} pass what keeps it`, () => {
            for (const [type, properties] of good) assert.deepEqual(violations(type, properties), []);
        });

        it(`finds with ${rule} what breaks it, and nothing else`, () => {
            for (const [type, properties, says] of bad) {
                const [said = "", ...others] = violations(type, properties);
                assert.match(said, says);
                assert.ok(said.startsWith(`${rule}: `), said);
                assert.deepEqual(others, []);
                assert.ok(!said.includes("merlot"), said);
            }
        });
    }

    it("finds nothing in what the target docker declares", async () => {
        const recorded = await mockPulumi();
        dockerHost(readConfig());
        await settled();
        const found = recorded.flatMap(({ type, inputs }) => violations(type, inputs));
        assert.deepEqual(found, []);
    });

    it("says nothing of what it does not know", () => {
        assert.deepEqual(violations("random:index/randomPassword:RandomPassword", { length: 32 }), []);
        assert.deepEqual(violations(TASK, { containerDefinitions: "no JSON" }), []);
        assert.deepEqual(violations(INSTANCE, { ...host, userData: base64("\x1f\x8b broken") }), []);
    });
});

describe("the policy pack as the engine runs it", function () {
    // The runner compiles it.
    this.timeout(60_000);
    let pack: ChildProcessWithoutNullStreams;
    let client: AnalyzerClient;

    before(async () => {
        const runner = require.resolve("@pulumi/pulumi/cmd/run-policy-pack");
        pack = spawn(process.execPath, [runner, "127.0.0.1:1", "."], { cwd: "policy" });
        let said = "";
        pack.stderr.on("data", (data: Buffer) => (said += data.toString()));
        const port = await Promise.race([
            once(pack.stdout, "data").then(([data]) => String(data).trim()),
            once(pack, "exit").then(() => assert.fail(said)),
        ]);
        client = new AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure());
    });
    after(() => {
        client.close();
        pack.kill();
    });

    async function analyze(type: string, properties: Record<string, JavaScriptValue>): Promise<string[]> {
        const request = new AnalyzeRequest()
            .setType(type)
            .setProperties(Struct.fromJavaScript(properties))
            .setOptions(new AnalyzerResourceOptions());
        const call = promisify<AnalyzeRequest, AnalyzeResponse>(client.analyze.bind(client));
        return (await call(request))
            .getDiagnosticsList()
            .map((found) => `${found.getEnforcementlevel()} ${found.getPolicyname()} ${found.getMessage()}`);
    }

    it("names every rule once", async () => {
        const info = promisify<Empty, AnalyzerInfo>(client.getAnalyzerInfo.bind(client));
        const policies = (await info(new Empty())).getPoliciesList();
        assert.deepEqual(
            policies.map((policy) => policy.getName()),
            rules.map(({ name }) => name),
        );
        assert.deepEqual(new Set(policies.map((policy) => policy.getEnforcementlevel())), new Set([1]));
    });

    it("refuses what breaks a rule, within secrets too", async () => {
        const said = await analyze(CONTAINER, {
            image: secret("shop:1.0.0") as JavaScriptValue,
            labels: [{ label: "decanter.version", value: "1.0.0" }],
        });
        assert.equal(said.length, 1);
        assert.match(said[0] ?? "", /^1 images-are-digests .*shop:1\.0\.0/s);
    });

    it("lets what is not known yet pass in silence", async () => {
        const said = await analyze(INSTANCE, {
            ami: NOT_YET,
            userData: NOT_YET,
            metadataOptions: { httpTokens: NOT_YET },
            rootBlockDevice: NOT_YET,
        });
        assert.deepEqual(said, []);
    });
});
