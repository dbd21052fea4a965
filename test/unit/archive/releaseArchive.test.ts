import { strict as assert } from "node:assert";
import type * as pulumi from "@pulumi/pulumi";
import { violations } from "../../../policy/rules";
import { type ConfigOf, readConfig } from "../../../stacks/config/config";
import { dockerHost } from "../../../stacks/dockerHost";
import { fargate } from "../../../stacks/fargate";
import { floatingIp } from "../../../stacks/floatingIp";
import { mockPulumi, type Recorded, settled, the, valueOf } from "../../support/mockPulumi";

type Settings = Record<string, unknown>;

const aws = { region: "eu-central-1", domain: "www.example.com", zoneId: "Z1", platform: "linux/arm64" };
const digest = `sha256:${"0a".repeat(32)}`;
const targets = {
    docker: { settings: {}, declare: () => dockerHost(readConfig()) },
    fargate: {
        settings: { ...aws, target: "fargate", cpus: "0.5" },
        declare: () => fargate(readConfig() as ConfigOf<"fargate">),
    },
    "floating-ip": {
        settings: { ...aws, target: "floating-ip", ami: "ami-0123456789abcdef0" },
        declare: () => floatingIp(readConfig() as ConfigOf<"floating-ip">),
    },
};

async function run(target: keyof typeof targets, settings: Settings = {}) {
    const recorded = await mockPulumi({ ...targets[target].settings, ...settings });
    const outputs = targets[target].declare();
    await settled();
    return { recorded, outputs };
}

/** What is declared for the archive: the resources' inputs, by type. */
function archiveIn(recorded: Recorded[]): Record<string, Settings> {
    const found = recorded.filter(
        ({ type, name }) => name === "decanter-test-archive" && !type.startsWith("decanter:"),
    );
    return Object.fromEntries(found.map(({ type, inputs }) => [type.split(":").at(-1), inputs]));
}

describe("the archive of releases", () => {
    for (const target of ["fargate", "floating-ip"] as const) {
        describe(`on AWS (${target})`, () => {
            it("is a private bucket, and nothing else", async () => {
                const { recorded } = await run(target, { archive: true, archiveDays: 90 });
                const { BucketPolicy, ...others } = archiveIn(recorded);
                assert.deepEqual(others, {
                    Bucket: { forceDestroy: true },
                    BucketPublicAccessBlock: {
                        bucket: "decanter-test-archive-id",
                        blockPublicAcls: true,
                        blockPublicPolicy: true,
                        ignorePublicAcls: true,
                        restrictPublicBuckets: true,
                    },
                    BucketOwnershipControls: {
                        bucket: "decanter-test-archive-id",
                        rule: { objectOwnership: "BucketOwnerEnforced" },
                    },
                    BucketServerSideEncryptionConfiguration: {
                        bucket: "decanter-test-archive-id",
                        rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
                    },
                    BucketLifecycleConfiguration: {
                        bucket: "decanter-test-archive-id",
                        rules: [
                            {
                                id: "expire",
                                status: "Enabled",
                                filter: { prefix: "" },
                                expiration: { days: 90 },
                                abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
                            },
                        ],
                    },
                });
                assert.equal(BucketPolicy?.bucket, "decanter-test-archive-id");
                assert.deepEqual(JSON.parse(BucketPolicy.policy as string), {
                    Version: "2012-10-17",
                    Statement: [
                        {
                            Effect: "Deny",
                            Principal: "*",
                            Action: "s3:*",
                            Resource: ["arn:decanter-test-archive", "arn:decanter-test-archive/*"],
                            Condition: { Bool: { "aws:SecureTransport": "false" } },
                        },
                    ],
                });
            });

            it("breaks no rule of the policy pack", async () => {
                const { recorded } = await run(target, { archive: true });
                const broken = recorded
                    .filter(({ type }) => type.startsWith("aws:"))
                    .flatMap(({ type, inputs }) => violations(type, inputs));
                assert.deepEqual(broken, []);
            });

            it("has all its parts in one component", async () => {
                const { recorded } = await run(target, { archive: true });
                const parents = recorded
                    .filter(({ type, name }) => name === "decanter-test-archive" && type.startsWith("aws:"))
                    .map(({ options }) => options?.parent);
                assert.deepEqual(parents, Array(6).fill("decanter:index:ReleaseArchive"));
            });

            it("is kept from being deleted where that is asked for", async () => {
                const { recorded } = await run(target, { archive: true, protect: true });
                const { inputs, options } = the(recorded, "Bucket", "decanter-test-archive");
                assert.deepEqual(inputs, { forceDestroy: false });
                assert.equal(options?.protect, true);
            });

            it("is not there by default, and nothing runs for it", async () => {
                const { recorded, outputs } = await run(target, { archiveDays: 90 });
                assert.deepEqual(archiveIn(recorded), {});
                assert.ok(!JSON.stringify(recorded).includes("decanter-test-archived"));
                assert.ok(!("archive" in outputs));
            });

            it("is there before what is deployed, which waits for the upload", async () => {
                const { recorded, outputs } = await run(target, { archive: true });
                const deployed = target === "fargate" ? "TaskDefinition" : "Instance";
                const { options } = the(recorded, deployed, "decanter-test");
                assert.deepEqual(options?.hooks, {
                    beforeCreate: ["decanter-test-boot-check", "decanter-test-archived"],
                });
                assert.ok(options?.dependencies.includes("decanter-test-archive"));
                assert.equal(
                    await valueOf(outputs.archive as pulumi.Output<string>),
                    "s3://decanter-test-archive",
                );
            });

            it("stays, and gets nothing, where an image is given", async () => {
                const { recorded } = await run(target, { archive: true, image: `ghcr.io/a/hello@${digest}` });
                assert.equal(Object.keys(archiveIn(recorded)).length, 6);
                assert.ok(!JSON.stringify(recorded).includes("decanter-test-archived"));
            });
        });
    }

    describe("on a Docker host", () => {
        const hooksOf = (recorded: Recorded[]) =>
            ["release-1", "release-2"].map(
                (name) => the(recorded, "Container", name).options?.hooks.beforeCreate,
            );

        it("is a folder, written before the first container is made", async () => {
            const settings = { archive: true, replicas: 2, migrate: "none" };
            const { recorded, outputs } = await run("docker", settings);
            assert.deepEqual(hooksOf(recorded), Array(2).fill(["release-boot-check", "release-archived"]));
            assert.equal(outputs.archive, ".decanter/archive/test");
            assert.deepEqual(
                recorded.filter(({ type }) => type.startsWith("aws:")),
                [],
            );
        });

        for (const [what, settings] of [
            ["by default", {}],
            ["where an image is given", { archive: true, image: `ghcr.io/a/hello@${digest}` }],
        ] as const) {
            it(`is not written ${what}`, async () => {
                const { recorded } = await run("docker", { ...settings, replicas: 2, migrate: "none" });
                assert.deepEqual(hooksOf(recorded), Array(2).fill(["release-boot-check"]));
            });
        }
    });
});
