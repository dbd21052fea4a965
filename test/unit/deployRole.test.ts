import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { violations } from "../../policy/rules";
import { type ConfigOf, readConfig } from "../../stacks/config/config";
import { fargate } from "../../stacks/fargate";
import { floatingIp } from "../../stacks/floatingIp";
import { mockPulumi, type Recorded, settled } from "../support/mockPulumi";

interface Statement {
    Action: string[];
    Resource: string | string[];
}

/** The action that makes each resource, where it is not Create and the resource's name. */
const ACTIONS: Record<string, string> = {
    "acm:Certificate": "acm:RequestCertificate",
    "acm:CertificateValidation": "acm:DescribeCertificate",
    "appautoscaling:Policy": "application-autoscaling:PutScalingPolicy",
    "appautoscaling:Target": "application-autoscaling:RegisterScalableTarget",
    "cloudwatch:LogGroup": "logs:CreateLogGroup",
    "cloudwatch:MetricAlarm": "cloudwatch:PutMetricAlarm",
    "ec2:DefaultSecurityGroup": "ec2:RevokeSecurityGroupIngress",
    "ec2:Eip": "ec2:AllocateAddress",
    "ec2:EipAssociation": "ec2:AssociateAddress",
    "ec2:Instance": "ec2:RunInstances",
    "ec2:RouteTableAssociation": "ec2:AssociateRouteTable",
    "ecr:LifecyclePolicy": "ecr:PutLifecyclePolicy",
    "ecs:ClusterCapacityProviders": "ecs:PutClusterCapacityProviders",
    "ecs:TaskDefinition": "ecs:RegisterTaskDefinition",
    "iam:RolePolicy": "iam:PutRolePolicy",
    "iam:RolePolicyAttachment": "iam:AttachRolePolicy",
    "lb:ListenerRule": "elasticloadbalancing:CreateRule",
    "route53:Record": "route53:ChangeResourceRecordSets",
    "s3:BucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:BucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "s3:BucketPolicy": "s3:PutBucketPolicy",
    "s3:BucketPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:BucketServerSideEncryptionConfiguration": "s3:PutEncryptionConfiguration",
    "ssm:Parameter": "ssm:PutParameter",
    "vpc:SecurityGroupEgressRule": "ec2:AuthorizeSecurityGroupEgress",
    "vpc:SecurityGroupIngressRule": "ec2:AuthorizeSecurityGroupIngress",
};
const PREFIXES: Record<string, string> = { lb: "elasticloadbalancing" };

const common = {
    region: "eu-central-1",
    domain: "www.example.com",
    zoneId: "Z1",
    platform: "linux/arm64",
    archive: true,
};
const targets: Record<string, () => Promise<Recorded[]>> = {
    fargate: async () => {
        const choices = { natGateways: 1, accessLogDays: 1, maxReplicas: 2, clustering: "apart" };
        const recorded: Recorded[] = [];
        for (const strategy of ["rolling", "blue-green"]) {
            const declared = await mockPulumi({
                ...common,
                ...choices,
                target: "fargate",
                cpus: "0.5",
                strategy,
                taskPolicyArns: ["arn:aws:iam::123456789012:policy/uploads"],
            });
            fargate(readConfig() as ConfigOf<"fargate">);
            await settled();
            recorded.push(...declared);
        }
        return recorded;
    },
    "floating-ip": async () => {
        const recorded = await mockPulumi({ ...common, target: "floating-ip", ami: "ami-0123456789abcdef0" });
        floatingIp(readConfig() as ConfigOf<"floating-ip">);
        await settled();
        return recorded;
    },
};

for (const [target, declare] of Object.entries(targets)) {
    describe(`the role that deploys the target ${target}`, () => {
        const policy = fs.readFileSync(`docs/deploy-role/${target}.json`, "utf8");
        const statements = (JSON.parse(policy) as { Statement: Statement[] }).Statement;
        const allowed = statements.flatMap(({ Action }) => Action);

        it("may make each resource that the target declares", async () => {
            const types = (await declare()).map(({ type }) => type).filter((type) => type.startsWith("aws:"));
            const needed = [...new Set(types)].map((type) => {
                const [, module = "", kind = ""] = type.split(":");
                const service = module.split("/")[0] ?? "";
                return ACTIONS[`${service}:${kind}`] ?? `${PREFIXES[service] ?? service}:Create${kind}`;
            });
            assert.ok(needed.length > 15);
            assert.deepEqual(
                needed.filter((action) => !allowed.includes(action)),
                [],
            );
        });

        it("has no wildcard actions, reads its own parameters, and passes its own roles on", () => {
            assert.deepEqual(violations("aws:iam/policy:Policy", { policy }), []);
            const resources = (prefix: string) =>
                statements
                    .filter(({ Action }) => Action.some((action) => action.startsWith(prefix)))
                    .map(({ Resource }) => Resource);
            assert.deepEqual(resources("ssm:GetParameter"), [
                "arn:aws:ssm:*:123456789012:parameter/decanter/*",
            ]);
            // Neither decanter-deploy nor decanter-preview (docs/ci-github.md) is one of these.
            assert.deepEqual(resources("iam:PassRole"), [
                [
                    "arn:aws:iam::123456789012:role/decanter-*-???????",
                    "arn:aws:iam::123456789012:role/hello-*",
                ],
            ]);
        });

        it("may look into the archive and add to it, and writes to no other bucket", () => {
            const resourcesOf = (action: string) =>
                statements
                    .filter(({ Action }) => Action.includes(action))
                    .flatMap(({ Resource }) => Resource);
            const archives = ["arn:aws:s3:::decanter-*-archive-*", "arn:aws:s3:::hello-archive-*"];
            for (const archive of archives) assert.ok(resourcesOf("s3:ListBucket").includes(archive));
            assert.deepEqual(
                resourcesOf("s3:PutObject"),
                archives.map((archive) => `${archive}/*`),
            );
        });

        it("may read and write the tags of its own buckets, as providers from 6.23 on do", () => {
            for (const action of ["s3:ListTagsForResource", "s3:TagResource", "s3:UntagResource"]) {
                const resources = statements
                    .filter(({ Action }) => Action.includes(action))
                    .flatMap(({ Resource }) => Resource);
                assert.ok(resources.length > 0, action);
                assert.ok(
                    resources.every((resource) =>
                        /^arn:aws:s3:::(hello|decanter-\*)-(access|archive)-\*/.test(resource),
                    ),
                    resources.join(),
                );
            }
        });

        if (target === "fargate") {
            it("may end what it has started, and start it again", () => {
                const needed = [
                    "DescribeServiceRevisions",
                    "DescribeServices",
                    "DescribeTasks",
                    "ListServiceDeployments",
                    "ListTasks",
                    "RunTask",
                    "StopServiceDeployment",
                    "StopTask",
                    "UpdateService",
                ].map((action) => `ecs:${action}`);
                const isAllowed = (action: string) =>
                    allowed.some((one) =>
                        one.endsWith("*") ? action.startsWith(one.slice(0, -1)) : one === action,
                    );
                assert.deepEqual(
                    needed.filter((action) => !isAllowed(action)),
                    [],
                );
            });
        }

        if (target === "floating-ip") {
            it("may hear what hosts say, and tell them something, in the stacks' own log groups", () => {
                for (const action of ["logs:CreateLogStream", "logs:GetLogEvents", "logs:PutLogEvents"]) {
                    const [only, ...others] = statements.filter(({ Action }) => Action.includes(action));
                    assert.deepEqual(others, [], action);
                    assert.equal(only?.Resource, "arn:aws:logs:*:123456789012:log-group:/decanter/*", action);
                }
            });
        }

        it("fits into a role's inline policies", () => {
            assert.ok(JSON.stringify(JSON.parse(policy)).length < 10_240);
        });
    });
}
