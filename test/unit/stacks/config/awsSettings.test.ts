import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import { type Config, readConfig } from "../../../../stacks/config/config";
import type { FargateSettings } from "../../../../stacks/config/fargateSettings";
import type { HostSettings } from "../../../../stacks/config/hostSettings";
import { fargateStack as fargate, floatingIpStack as floatingIp } from "../../../support/awsStack";
import { certificate, privateKey } from "../../../support/certificate";
import { declaredSettings, mockPulumi, settingsOf, valueOf } from "../../../support/mockPulumi";

type Settings = Record<string, unknown>;

const pem = [certificate, privateKey];
const setCertificate = "pulumi config set --secret tlsCertificate < chain-and-key.pem";
const oneSubnet = "pulumi config set --path 'publicSubnetIds[0]' subnet-0123456789abcdef0";
const latest = (cpu: string) =>
    `pulumi config set ami "$(aws ssm get-parameter --name /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${cpu} --query Parameter.Value --output text)"`;

/** Settings with one thing wrong, and the line that says so, by the key that it is about. */
const wrong: [key: string, settings: Settings, line: string][] = [
    [
        "region",
        { ...fargate, region: "" },
        'must be a region of AWS, got "": pulumi config set region eu-central-1',
    ],
    [
        "region",
        { ...fargate, region: "Frankfurt" },
        'must be a region of AWS, got "Frankfurt": pulumi config set region eu-central-1',
    ],
    [
        "domain",
        { ...fargate, domain: "localhost" },
        'must be what visitors use, got "localhost": pulumi config set domain www.example.com',
    ],
    [
        "platform",
        { ...fargate, platform: "" },
        'must be linux/amd64 or linux/arm64, got "": pulumi config set platform linux/amd64',
    ],
    [
        "registryAddress",
        { ...fargate, registryAddress: "ghcr.io/acme" },
        "must be empty on AWS, where the stack has a repository in ECR: pulumi config rm registryAddress",
    ],
    [
        "keepReleases",
        { ...fargate, keepReleases: 41 },
        "must be 40 at most on AWS, got 41: pulumi config set keepReleases 5",
    ],
    [
        "keepReleases",
        { ...fargate, keepReleases: 14, keepFor: ["prod", "demo"] },
        "must be 13 at most on AWS with 2 in keepFor, got 14: pulumi config set keepReleases 5",
    ],
    [
        "keepFor",
        { ...fargate, keepFor: ["organization/decanter/prod"] },
        `must be a list of names of stacks, got "[\\"organization/decanter/prod\\"]": pulumi config set --path 'keepFor[0]' prod`,
    ],
    [
        "zoneId",
        { ...fargate, zoneId: "example.com" },
        'must be the id of a hosted zone in Route 53, got "example.com": pulumi config set zoneId Z0123456789ABCDEFGHIJ',
    ],
    [
        "zoneId",
        { ...fargate, zoneId: "" },
        "must be set for a certificate to be made, or certificateArn to one that is there: pulumi config set zoneId Z0123456789ABCDEFGHIJ",
    ],
    [
        "certificateArn",
        { ...fargate, certificateArn: "www.example.com" },
        'must be the ARN of a certificate in ACM, got "www.example.com": pulumi config set certificateArn arn:aws:acm:eu-central-1:123456789012:certificate/...',
    ],
    [
        "vpcId",
        { ...fargate, vpcId: "main", publicSubnetIds: ["subnet-1", "subnet-2"] },
        'must be the id of a VPC, got "main": pulumi config set vpcId vpc-0123456789abcdef0',
    ],
    [
        "vpcId",
        { ...fargate, privateSubnetIds: ["subnet-1"] },
        "must be set where there are subnets: pulumi config set vpcId vpc-0123456789abcdef0",
    ],
    [
        "publicSubnetIds",
        { ...fargate, vpcId: "vpc-1", publicSubnetIds: ["subnet-1"] },
        `must be two or more, in two zones, where vpcId is set, got ["subnet-1"]: ${oneSubnet}`,
    ],
    [
        "publicSubnetIds",
        { ...fargate, publicSubnetIds: ["10.0.0.0/24"] },
        `must be a list of ids of subnets, got "[\\"10.0.0.0/24\\"]": ${oneSubnet.replace("subnet-0", "subnet-0")}`,
    ],
    [
        "privateSubnetIds",
        { ...fargate, privateSubnetIds: "subnet-1" },
        `must be a list of ids of subnets, got "subnet-1": ${oneSubnet.replace("public", "private")}`,
    ],
    [
        "zones",
        { ...fargate, zones: 1 },
        'must be a whole number from 2 to 6, got "1": pulumi config set zones 2',
    ],
    [
        "natGateways",
        { ...fargate, zones: 3, natGateways: 2 },
        "must be 0, 1, or one for each of the 3 zones, got 2: pulumi config set natGateways 1",
    ],
    [
        "protect",
        { ...fargate, protect: "yes" },
        'must be true or false, got "yes": pulumi config set protect true',
    ],
    [
        "archiveDays",
        { ...fargate, archiveDays: 0 },
        'must be a whole number from 1 to 3650, got "0": pulumi config set archiveDays 365',
    ],
    [
        "logDays",
        { ...fargate, logDays: 31 },
        "must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, got 31: pulumi config set logDays 30",
    ],
    [
        "cpus",
        { ...fargate, cpus: "0" },
        'must be one of Fargate\'s: 0.25, 0.5, 1, 2, 4, 8, 16, got "0": pulumi config set cpus 0.5',
    ],
    [
        "memoryMb",
        { ...fargate, memoryMb: 512 },
        "must be one of Fargate's for 0.5 CPUs: 1024, 2048, 3072, 4096, got 512: pulumi config set memoryMb 1024",
    ],
    [
        "drainSeconds",
        { ...fargate, drainSeconds: 121 },
        "must be 120 at most on Fargate, got 121: pulumi config set drainSeconds 120",
    ],
    [
        "replicas",
        { ...fargate, replicas: 0 },
        'must be a whole number from 1 to 1000, got "0": pulumi config set replicas 2',
    ],
    [
        "maxReplicas",
        { ...fargate, replicas: 4, maxReplicas: 2 },
        "must be 0, or at least replicas (4), got 2: pulumi config set maxReplicas 8",
    ],
    [
        "scaleCpuPercent",
        { ...fargate, scaleCpuPercent: 101 },
        'must be a whole number from 0 to 100, got "101": pulumi config set scaleCpuPercent 60',
    ],
    [
        "scaleRequests",
        { ...fargate, strategy: "blue-green", scaleRequests: 100 },
        "must be 0 with the strategy blue-green, got 100: pulumi config set scaleRequests 0",
    ],
    [
        "accessLogDays",
        { ...fargate, accessLogDays: "always" },
        'must be a whole number from 0 to 3650, got "always": pulumi config set accessLogDays 90',
    ],
    ["spot", { ...fargate, spot: "1" }, 'must be true or false, got "1": pulumi config set spot true'],
    [
        "strategy",
        { ...fargate, strategy: "canary" },
        'must be rolling or blue-green, got "canary": pulumi config set strategy rolling',
    ],
    [
        "clustering",
        { ...fargate, clustering: "yes" },
        'must be none, together or apart, got "yes": pulumi config set clustering none',
    ],
    ["console", { ...fargate, console: "" }, 'must be true or false, got "": pulumi config set console true'],
    [
        "taskPolicyArns",
        { ...fargate, taskPolicyArns: ["uploads"] },
        'must be a list of ARNs of policies in IAM, got "[\\"uploads\\"]": pulumi config set --path \'taskPolicyArns[0]\' arn:aws:iam::123456789012:policy/uploads',
    ],
    [
        "ami",
        { ...floatingIp, ami: "" },
        `must be the id of an image of Amazon Linux 2023 in the stack's region, got "": ${latest("arm64")}`,
    ],
    [
        "ami",
        { ...floatingIp, platform: "linux/amd64", ami: "debian" },
        `must be the id of an image of Amazon Linux 2023 in the stack's region, got "debian": ${latest("x86_64")}`,
    ],
    [
        "instanceType",
        { ...floatingIp, instanceType: "small" },
        'must be a type of EC2 instance, got "small": pulumi config set instanceType t4g.small',
    ],
    [
        "diskGb",
        { ...floatingIp, diskGb: 7 },
        'must be a whole number from 8 to 16384, got "7": pulumi config set diskGb 20',
    ],
    [
        "replicas",
        { ...floatingIp, replicas: 2 },
        "must be 1 with one host, got 2: pulumi config set replicas 1",
    ],
    [
        "natGateways",
        { ...floatingIp, natGateways: 1 },
        'must be 0 with a floating IP, as its host is in a public subnet, got "1": pulumi config set natGateways 0',
    ],
    [
        "tlsCertificate",
        { ...floatingIp, tlsCertificate: pem[0] },
        `must be a certificate with its chain, and its private key, as PEM: ${setCertificate}`,
    ],
];

async function configOf(settings: Settings, secretKeys = ["secrets", "tlsCertificate"]): Promise<Config> {
    await mockPulumi(settings, secretKeys);
    return readConfig();
}

/** The error that settings cause, without its title. */
async function problemOf(settings: Settings, secretKeys?: string[]): Promise<string> {
    try {
        await configOf(settings, secretKeys);
        return "";
    } catch (error) {
        assert.ok(pulumi.RunError.isInstance(error), `not a RunError: ${error as Error}`);
        return error.message.replace("the settings of this stack cannot be used: ", "");
    }
}

describe("the settings of a stack on AWS", () => {
    it("are all tested with a wrong value", () => {
        const ours = Object.entries(declaredSettings()).filter(([, { description }]) =>
            /^(AWS|Fargate|Floating IP): /.test(description),
        );
        assert.ok(ours.length > 20);
        const tested = new Set(wrong.map(([key]) => key));
        assert.deepEqual(
            ours.map(([key]) => key).filter((key) => !tested.has(key)),
            [],
        );
    });

    for (const [key, settings, line] of wrong) {
        it(`are refused where they are wrong: ${key}, of ${JSON.stringify(settings[key])}`, async () => {
            assert.equal(await problemOf(settings), `${key} ${line}`);
        });
    }

    it("are refused where a certificate lies in plain text, without showing it", async () => {
        const problem = await problemOf({ ...floatingIp, tlsCertificate: pem.join("\n") }, []);
        assert.equal(
            problem,
            `tlsCertificate must be encrypted, and lies in plain text in the stack's file: ${setCertificate}`,
        );
    });

    it("are refused where Parameter Store does not take a secret, without showing it", async () => {
        const rule = (bytes: number) =>
            `secrets.KEY must have 1 to 8192 bytes for AWS's Parameter Store, and has ${bytes}: pulumi config set --secret --path secrets.KEY value`;
        for (const target of [fargate, floatingIp]) {
            assert.equal(await problemOf({ ...target, secrets: { KEY: "" } }), rule(0));
            assert.equal(await problemOf({ ...target, secrets: { KEY: "ä".repeat(4097) } }), rule(8194));
            assert.equal(await problemOf({ ...target, secrets: { KEY: "ä".repeat(4096) } }), "");
        }
    });

    it("name all that is missing at once, each with the command that sets it", async () => {
        const problem = await problemOf({ target: "fargate" });
        for (const command of [
            "platform linux/amd64",
            "domain www.example.com",
            "region eu-central-1",
            "cpus 0.5",
        ])
            assert.ok(
                problem.includes(`pulumi config set ${command}\n`) || problem.endsWith(command),
                command,
            );
        assert.match(problem, /^the settings of this stack cannot be used \(5 problems\)/);
    });

    it("have defaults that cost little, and choices", async () => {
        const { aws } = (await configOf(fargate)) as { aws: FargateSettings };
        assert.deepEqual(aws, {
            region: "eu-central-1",
            network: { zones: 2, natGateways: 0 },
            platform: "linux/arm64",
            limits: { readOnly: true, cpus: "0.5", memoryMb: 1024 },
            zoneId: "Z1",
            protect: false,
            keepFor: [],
            logDays: 30,
            archiveDays: 365,
            certificateArn: undefined,
            accessLogDays: 0,
            maxReplicas: 0,
            scaleCpuPercent: 60,
            scaleRequests: 0,
            spot: false,
            strategy: "rolling",
            clustering: "none",
            console: true,
            taskPolicyArns: [],
        });
        const { aws: host } = (await configOf(floatingIp)) as { aws: HostSettings };
        assert.deepEqual(host, {
            region: "eu-central-1",
            network: { zones: 2, natGateways: 0 },
            platform: "linux/arm64",
            zoneId: undefined,
            protect: false,
            logDays: 30,
            keepFor: [],
            archiveDays: 365,
            ami: "ami-0123456789abcdef0",
            instanceType: "t4g.small",
            diskGb: 20,
            tlsCertificate: undefined,
        });
    });

    it("take each of Fargate's sizes", async () => {
        for (const [cpus, memoryMb] of [
            ["0.25", 512],
            ["1", 8192],
            ["4", 30_720],
            ["8", 61_440],
            ["16", 122_880],
        ])
            assert.equal((await configOf({ ...fargate, cpus, memoryMb })).limits.memoryMb, memoryMb);
    });

    it("keep a certificate secret", async () => {
        const { aws } = (await configOf({ ...floatingIp, tlsCertificate: pem.join("\n") })) as {
            aws: HostSettings;
        };
        assert.ok(aws.tlsCertificate && (await pulumi.isSecret(aws.tlsCertificate)));
        assert.equal(await valueOf(aws.tlsCertificate), pem.join("\n"));
    });

    it("allow attestations without a registry of one's own", async () => {
        assert.equal(await problemOf({ ...fargate, sbom: "true" }), "");
        assert.ok(Object.keys(settingsOf({})).length > 60);
    });
});
