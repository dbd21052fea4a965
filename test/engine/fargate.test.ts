import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { dockerCli } from "../../components/docker/dockerCli";
import { AwsStandIn } from "../support/awsEngine";
import { FakeAws } from "../support/fakeAws";
import { FakeS3 } from "../support/fakeS3";
import { baseImages, freePort } from "../support/machine";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";

describe("the target fargate, with Pulumi's engine and a stand-in for AWS", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    describe("deployed", itDeploys);
});

const SERVICE = "aws:ecs/service:Service decanter-engin";
const digestOf = (release: number) => `sha256:${`${release}`.repeat(64)}`;

function itDeploys(): void {
    let standIn: AwsStandIn;
    let fake: FakeAws;
    let s3: FakeS3;
    let engine: RealEngine;
    let registry: string;
    /** How the migration's task ends. */
    let exitCode = 0;
    /** What had happened when the migration began. */
    let seen: string[] = [];
    /** Task definition of the service, as ECS has it. */
    let running: string | undefined;

    const name = `engine-test-fargate-${process.pid}`;
    const archive = `.decanter/archive/${name}`;
    const settings = (release: number, others: Record<string, unknown> = {}) => ({
        target: "fargate",
        region: "eu-central-1",
        domain: "www.example.com",
        zoneId: "Z1",
        platform: "linux/amd64",
        cpus: "0.5",
        natGateways: 1,
        clustering: "apart",
        version: `1.0.${release}`,
        image: `${registry}/shop@${digestOf(release)}`,
        secrets: { DATABASE_URL: "ecto://me:hunter2@db/shop" },
        ...others,
    });
    const up = async (given: Record<string, unknown>) => {
        standIn.clear();
        fake.clear();
        const changes = await engine.up(given);
        const service = standIn.changes().find(({ type }) => type.endsWith("service:Service"));
        running = service?.inputs?.taskDefinition ?? running;
        return changes;
    };
    const rejected = async (given: Record<string, unknown>) => {
        await assert.rejects(up(given));
        return engine.said;
    };
    /** What happened to the release itself. */
    const events = () =>
        standIn.events().filter((event) => / (TaskDefinition|Service|Parameter) decanter-engin/.test(event));
    const migrated = () => fake.requests("RunTask").map(({ taskDefinition }) => taskDefinition as string);
    const revisionOf = (arn: string | undefined) => Number(arn?.split(":").at(-1));

    before(async () => {
        registry = `127.0.0.1:${await freePort()}`;
        standIn = new AwsStandIn(registry);
        const taskArn = "arn:aws:ecs:eu-central-1:123456789012:task/hello/1";
        const failedTask = "arn:aws:ecs:eu-central-1:123456789012:task/hello/2";
        fake = await FakeAws.start({
            // Those of a service that failed, or migrations that still run.
            ListTasks: ({ family }) => ({ taskArns: family === undefined ? [] : [failedTask] }),
            RunTask: () => {
                seen = standIn.events();
                return { tasks: [{ taskArn }] };
            },
            DescribeTasks: ({ tasks: [asked] }) => ({
                tasks: [
                    {
                        taskArn: asked as string,
                        taskDefinitionArn: migrated().at(-1),
                        startedBy: "ecs-svc/1",
                        lastStatus: "STOPPED",
                        containers: [{ name: "release", exitCode: asked === failedTask ? 7 : exitCode }],
                    },
                ],
            }),
            // ECS has gone back by itself.
            DescribeServices: () => ({
                services: [
                    {
                        status: "ACTIVE",
                        taskDefinition: running,
                        desiredCount: 1,
                        deployments: [
                            { taskDefinition: "arn:task-definition/decanter-engin:3", runningCount: 1 },
                        ],
                    },
                ],
            }),
            ListServiceDeployments: () => ({ serviceDeployments: [] }),
            GetLogEvents: () => ({ events: [{ message: "cannot reach ecto://me:hunter2@db/shop" }] }),
        });
        s3 = await FakeS3.start();
        engine = new RealEngine(name, { ...standIn.env, ...fake.env, ...s3.env });
    });
    after(async () => {
        await engine.destroy();
        standIn.remove();
        await fake.stop();
        await s3.stop();
        fs.rmSync(archive, { recursive: true, force: true });
    });

    it("breaks no policy, and neither makes nor migrates anything at a preview", async () => {
        assert.ok((await engine.preview(settings(1), ["policy"])) > 40);
        assert.deepEqual(standIn.events(), []);
        assert.deepEqual(fake.requests("RunTask"), []);
    });

    it("migrates before the service is there", async () => {
        await up(settings(1));
        assert.ok(seen.includes("create TaskDefinition decanter-engin"));
        assert.ok(
            seen.includes("create NatGateway decanter-engin-network-nat-1"),
            "the task reaches the registry",
        );
        assert.ok(
            seen.includes("create RolePolicy decanter-engin-execution"),
            "the task may read its secrets",
        );
        assert.ok(!seen.includes("create Service decanter-engin"));
        assert.deepEqual(standIn.events().slice(-2), [
            "create Service decanter-engin",
            "create Record decanter-engin",
        ]);
        assert.equal(migrated().length, 1);
        const { url, image, containers, previous } = engine.outputs;
        assert.equal(url, "https://www.example.com");
        assert.equal(image, `${registry}/shop@${digestOf(1)}`);
        assert.match(
            (containers as [string])[0],
            /^decanter-engin-[0-9a-f]{7}\/decanter-engin-[0-9a-f]{7}\/release$/,
        );
        assert.equal(previous, null);
    });

    it("changes nothing when nothing has changed, and does not migrate", async () => {
        assert.equal(await engine.preview(settings(1)), 0);
        assert.equal(await up(settings(1)), 0);
        assert.deepEqual(standIn.events(), []);
        assert.deepEqual(migrated(), []);
    });

    it("runs the next release: its task, the migration with it, the service", async () => {
        await up(settings(2));
        assert.deepEqual(events(), [
            "create TaskDefinition decanter-engin",
            "update Service decanter-engin",
            "delete TaskDefinition decanter-engin",
        ]);
        assert.deepEqual(
            seen.filter((event) => events().includes(event)),
            ["create TaskDefinition decanter-engin"],
        );
        const [task] = standIn
            .changes()
            .filter(({ op, type }) => op === "create" && type.endsWith(":TaskDefinition"));
        const [service] = standIn.changes().filter(({ type }) => type.endsWith("service:Service"));
        assert.deepEqual(migrated(), [task?.outputs?.arn]);
        assert.equal(service?.inputs?.taskDefinition, task?.outputs?.arn);
        const gone = standIn.changes().find(({ op }) => op === "delete");
        assert.equal(gone?.inputs?.skipDestroy ?? gone?.outputs?.skipDestroy, true, "AWS keeps the old one");
        assert.equal((engine.outputs.previous as { version: string }).version, "1.0.1");
    });

    it("stops at a migration that fails, says why without a secret, and migrates again", async () => {
        exitCode = 1;
        const said = await rejected(settings(3));
        assert.match(said, /the migration "bin\/migrate" failed, so nothing of the new release is started/);
        assert.match(said, /ended with exit code 1/);
        assert.match(said, /cannot reach \[secret\]/);
        assert.doesNotMatch(said, /hunter2/);
        assert.deepEqual(events(), ["create TaskDefinition decanter-engin"]);
        exitCode = 0;
        await up(settings(3));
        assert.equal(migrated().length, 1);
        assert.deepEqual(events(), ["update Service decanter-engin", "delete TaskDefinition decanter-engin"]);
    });

    it("says what AWS says where the release does not get healthy, and tries again", async () => {
        const reason = "deployment failed: tasks failed to start; rolled back";
        standIn.order({ [SERVICE]: { fail: reason, slowMs: 2000 } });
        const said = await rejected(settings(4));
        assert.match(said, new RegExp(reason));
        assert.match(said, /the new release does not run: task \S+ ended with exit code 7/);
        assert.match(said, /cannot reach \[secret\]/);
        assert.match(said, /What serves now: decanter-engin:3 \(1 replica\)/);
        assert.equal(
            (await engine.lastOutputs()).version,
            "1.0.3",
            "the outputs are those of the release that serves",
        );
        standIn.order({});
        await up(settings(4));
        assert.deepEqual(events(), ["update Service decanter-engin", "delete TaskDefinition decanter-engin"]);
        assert.equal(migrated().length, 1);
    });

    it("rolls when a secret has changed, and changes no more than that", async () => {
        const first = revisionOf(
            standIn.changes().find(({ type }) => type.endsWith(":Service"))?.inputs?.taskDefinition,
        );
        await up(settings(4, { secrets: { DATABASE_URL: "ecto://me:hunter3@db/shop" } }));
        assert.deepEqual(events(), [
            "update Parameter decanter-engin-DATABASE_URL",
            "create TaskDefinition decanter-engin",
            "update Service decanter-engin",
            "delete TaskDefinition decanter-engin",
        ]);
        assert.deepEqual(standIn.events(), events());
        assert.ok(revisionOf(migrated()[0]) > first);
    });

    it("scales without a deploy and without a migration", async () => {
        const secrets = { DATABASE_URL: "ecto://me:hunter3@db/shop" };
        await up(settings(4, { secrets, replicas: 3 }));
        assert.deepEqual(standIn.events(), ["update Service decanter-engin"]);
        assert.deepEqual(migrated(), []);
    });

    it("keeps every secret encrypted in its state", () => {
        const state = engine.state();
        const values = standIn
            .operations()
            .filter(({ type }) => type.endsWith(":Parameter"))
            .map(({ inputs }) => inputs?.value as string);
        for (const value of new Set(["hunter2", "hunter3", ...values].filter(Boolean)))
            assert.ok(!state.includes(value), "a secret lies in the state");
        assert.ok(state.includes("/release/DATABASE_URL"));
    });

    describe("with an image that it builds", () => {
        let container = "";
        const build = () => ({ ...settings(5, baseImages()), image: "" });

        before(async () => {
            const image = baseImages().registryImage ?? "docker.io/registry:3";
            const { stdout, code, output } = await dockerCli(undefined, [
                "run",
                "--detach",
                "--publish",
                `${registry}:5000`,
                image,
            ]);
            assert.equal(code, 0, output);
            container = stdout.trim();
        });
        after(() => dockerCli(undefined, ["rm", "-f", container]));

        it("pushes it with a tag of its own, and runs its digest", async () => {
            await up(build());
            const task = standIn
                .changes()
                .find(({ op, type }) => op === "create" && type.endsWith(":TaskDefinition"));
            const [{ image }] = JSON.parse(task?.inputs?.containerDefinitions as string) as [
                { image: string },
            ];
            assert.match(image, new RegExp(`^${registry}/decanter-engin-[0-9a-f]{7}@sha256:[0-9a-f]{64}$`));
            const { releases } = engine.outputs as { releases: { tag: string; image: string }[] };
            assert.match(releases[0]?.tag ?? "", /^1\.0\.5-[0-9a-f]{12}$/);
            const policy = standIn
                .changes()
                .find(({ op, type }) => op !== "delete" && type.endsWith(":LifecyclePolicy"));
            assert.ok(JSON.stringify(policy?.inputs).includes(releases[0]?.tag ?? "-"));
            assert.equal((await dockerCli(undefined, ["pull", "-q", image])).code, 0);
            assert.equal(await engine.preview(build()), 0);
        });

        describe("and archives", () => {
            const build = () => ({ ...settings(6, baseImages()), image: "", archive: true });
            const deployed = () =>
                standIn.events().filter((event) => / (TaskDefinition|Service) decanter-engin$/.test(event));

            it("ends, and deploys nothing, where the archive cannot be made", async () => {
                standIn.order({
                    "aws:s3/bucketPolicy:BucketPolicy decanter-engin-archive": { fail: "no such policy" },
                });
                assert.match(await rejected(build()), /no such policy/);
                standIn.order({});
                assert.deepEqual([deployed(), s3.asked], [[], []]);
            });

            it("deploys nothing that it cannot archive, in a bucket that is private by then", async () => {
                let there: string[] = [];
                s3.refuse = (request) => {
                    there = standIn.events();
                    if (!request.startsWith("PUT ")) return undefined;
                    return { status: 403, code: "AccessDenied", message: "not authorized: s3:PutObject" };
                };
                const said = await rejected(build());
                s3.refuse = () => undefined;
                assert.match(said, /the release hello 1\.0\.6 could not be archived, so it is not deployed/);
                assert.match(
                    said,
                    /s3:PutObject for \S+ failed \(AccessDenied: not authorized: s3:PutObject\)/,
                );
                assert.ok(there.includes("create BucketPolicy decanter-engin-archive"), there.join("\n"));
                assert.deepEqual(deployed(), []);
            });

            it("has it in the bucket and in a folder, with the commit that it was built at", async () => {
                await up(build());
                assert.equal(await engine.preview(build()), 0);
                const { releases, archive: address } = engine.outputs as {
                    releases: { tag: string }[];
                    archive: string;
                };
                assert.match(address, /^s3:\/\/decanter-engin-archive-[0-9a-f]{7}$/);
                const file = "hello-1.0.6-linux-amd64.tar.gz";
                const files = [file, `${file}.sha256`, `${file}.provenance.json`];
                const folder = `${address.replace("s3://", "")}/${releases[0]?.tag}`;
                assert.deepEqual(
                    [...s3.objects.keys()],
                    files.map((each) => `${folder}/${each}`),
                );
                assert.deepEqual(
                    [...s3.objects.values()],
                    files.map((each) => fs.readFileSync(`${archive}/${each}`)),
                );
                const provenance = JSON.parse(fs.readFileSync(`${archive}/${files[2]}`, "utf8"));
                const [source] = provenance.predicate.buildDefinition.resolvedDependencies;
                assert.equal(source.name, "source");
                assert.match(source.digest.gitCommit, /^[0-9a-f]{40}$/);
            });
        });
    });

    describe("and destroyed", () => {
        it("goes, the service before what it runs on", async () => {
            standIn.clear();
            await engine.destroy();
            const gone = standIn.changes();
            assert.ok(gone.length > 40, `${gone.length}`);
            assert.ok(gone.every(({ op, error }) => op === "delete" && error === undefined));
            const position = (event: string) => standIn.events().indexOf(`delete ${event}`);
            for (const later of [
                "Cluster decanter-engin",
                "LoadBalancer decanter-engin-web",
                "NatGateway decanter-engin-network-nat-1",
            ])
                assert.ok(position("Service decanter-engin") < position(later), later);
        });
    });
}
