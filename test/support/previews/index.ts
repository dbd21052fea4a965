import * as aws from "@pulumi/aws";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

// A program whose previews are the samples of bin/preview-comment: `change` says what is different from the first update.

const config = new pulumi.Config();
const change = config.get("change") ?? "nothing";
const secret = config.requireSecret("secret");

if (change === "many") declareMany(config.requireNumber("round"));
else declareShop();

function declareShop(): void {
    const isUpdate = change === "update";
    const isReplacement = change === "replacement";
    const cookie = new random.RandomPassword("cookie", {
        length: isReplacement ? 64 : 48,
        keepers: { rotation: isReplacement ? "2" : "1" },
    });
    const parameter = new aws.ssm.Parameter("database", {
        name: "/shop/DATABASE_URL",
        type: "SecureString",
        value: secret,
        tags: {
            owner: "cellar",
            token: isUpdate ? pulumi.secret("canary-tag-2") : pulumi.secret("canary-tag-1"),
        },
    });
    new aws.ssm.Parameter("cookie", { name: "/shop/COOKIE", type: "SecureString", value: cookie.result });
    const role = new aws.iam.Role("shop", { assumeRolePolicy: policyFor("sts:AssumeRole") });
    new aws.iam.RolePolicy("shop", {
        role: role.name,
        policy: policyFor("ssm:GetParameter", ...(isUpdate ? ["ssm:GetParameters"] : [])),
    });
    const task = new aws.ecs.TaskDefinition("shop", {
        family: "shop",
        containerDefinitions: pulumi.jsonStringify([
            {
                name: "shop",
                image: `ghcr.io/acme/shop:1.0.${isReplacement ? 1 : 0}`,
                secrets: [{ name: "DATABASE_URL", valueFrom: parameter.arn }],
                environment: [{ name: "PORT", value: "4000" }],
            },
        ]),
    });
    const cluster = new aws.ecs.Cluster("shop");
    new aws.ecs.Service("shop", {
        cluster: cluster.arn,
        taskDefinition: task.arn,
        desiredCount: isUpdate ? 3 : 2,
    });
    new aws.ec2.Instance("host", {
        ami: "ami-1",
        instanceType: "t4g.small",
        userData: `#!/bin/sh\nset -eu\nexport RELEASE=${isReplacement ? 2 : 1}\nexec /opt/boot\n`,
        userDataReplaceOnChange: true,
    });
    // Its provider tells details, as that of AWS does.
    new docker.Volume("uploads", {
        name: "uploads",
        labels: [
            { label: "app", value: "shop" },
            { label: "rotation", value: isReplacement ? "2" : "1" },
            ...(change === "secretLabel" ? [{ label: "token", value: secret }] : []),
        ],
    });
    if (change !== "deletion") {
        new aws.s3.Bucket("uploads");
        new aws.cloudwatch.LogGroup("shop", { retentionInDays: isUpdate ? 30 : 7 });
    }
    if (change !== "refusal") new aws.ec2.Eip("address", { domain: "vpc" }, { protect: true });
    if (change === "failure")
        secret.apply((value) => {
            throw new pulumi.RunError(`the release cannot be built with ${value}:\nmix.lock is missing`);
        });
}

function policyFor(...actions: string[]): string {
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }],
    });
}

/** So many resources that no comment holds their changes. */
function declareMany(round: number): void {
    for (let index = 1; index <= 500; index += 1) {
        const name = `host-${String(index).padStart(3, "0")}`;
        new aws.route53.Record(name, {
            zoneId: "Z1",
            name: `${name}.example.com`,
            type: "TXT",
            ttl: 60,
            records: [`round=${round} ${"v=1; ".repeat(16)}`],
        });
    }
}
