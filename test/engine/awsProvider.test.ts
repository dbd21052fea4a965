import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type OutputMap, type Stack } from "@pulumi/pulumi/automation";
import { AwsStandIn } from "../support/awsEngine";
import { countChanges, skipWithoutEngine } from "../support/realEngine";

const SERVICE = "aws:ecs/service:Service";

describe("the stand-in for AWS with Pulumi's engine", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    describe("does what the real provider would", itStandsIn);
});

function itStandsIn(): void {
    let standIn: AwsStandIn;
    let stack: Stack;
    let backend: string;
    let release = "1";
    let password = "riesling";
    /** The health check of a service of Cloud Map. */
    let health: { failureThreshold?: number } = { failureThreshold: 1 };
    let recordType = "A";
    /** What the gate sees: the changes so far, as it runs. */
    let atGate: string[] = [];

    async function program(): Promise<Record<string, unknown>> {
        const zones = await aws.getAvailabilityZones({});
        const token = await aws.ecr.getAuthorizationToken({});
        const gate = new pulumi.ResourceHook("gate", () => {
            atGate = standIn.events();
        });
        const host = new aws.ec2.Instance("host", {
            ami: "ami-1",
            instanceType: "t4g.small",
            userData: `RELEASE=${release}`,
            userDataReplaceOnChange: true,
        });
        const address = new aws.ec2.Eip("address", { domain: "vpc" });
        const association = new aws.ec2.EipAssociation(
            "address",
            { allocationId: address.allocationId, instanceId: host.id },
            { hooks: { beforeCreate: [gate] } },
        );
        const parameter = new aws.ssm.Parameter("secret", {
            name: "/shop/secret",
            type: "SecureString",
            value: pulumi.secret(password),
        });
        const task = new aws.ecs.TaskDefinition("shop", {
            family: "shop",
            containerDefinitions: pulumi.jsonStringify([
                { name: "shop", image: release, environment: [{ name: "V", value: parameter.version }] },
            ]),
        });
        const nodes = new aws.servicediscovery.Service("nodes", {
            dnsConfig: { namespaceId: "ns-1", dnsRecords: [{ type: recordType, ttl: 5 }] },
            healthCheckCustomConfig: health,
        });
        const cluster = new aws.ecs.Cluster("shop");
        const service = new aws.ecs.Service("shop", { cluster: cluster.arn, taskDefinition: task.arn });
        return {
            zones: zones.names,
            user: token.userName,
            address: address.publicIp,
            associated: association.id,
            task: service.taskDefinition,
            cluster: cluster.name,
            nodes: nodes.id,
            tags: host.tagsAll,
            repository: new aws.ecr.Repository("shop").repositoryUrl,
        };
    }

    async function up(): Promise<OutputMap> {
        standIn.clear();
        return (await stack.up()).outputs;
    }

    before(async () => {
        standIn = new AwsStandIn("127.0.0.1:5000");
        backend = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-state-"));
        stack = await LocalWorkspace.createStack(
            { stackName: "test", projectName: "stand-in", program },
            {
                envVars: {
                    ...standIn.env,
                    PULUMI_BACKEND_URL: `file://${backend}`,
                    PULUMI_CONFIG_PASSPHRASE: "test",
                },
            },
        );
        await stack.setConfig("aws:region", { value: "eu-central-1" });
        await stack.setConfig("aws:defaultTags", { value: '{"tags":{"stack":"test"}}' });
    });
    after(() => {
        standIn.remove();
        fs.rmSync(backend, { recursive: true });
    });

    it("makes what is declared, and answers plausibly", async () => {
        const outputs = await up();
        assert.deepEqual(outputs.zones?.value, ["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
        assert.equal(outputs.user?.value, "AWS");
        assert.match(outputs.address?.value, /^198\.51\.100\.\d+$/);
        assert.match(outputs.associated?.value, /^eipassoc-[0-9a-f]{17}$/);
        assert.match(outputs.cluster?.value, /^shop-[0-9a-f]{7}$/);
        assert.match(outputs.repository?.value, /^127\.0\.0\.1:5000\/shop-[0-9a-f]{7}$/);
        assert.equal(outputs.task?.value, "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop:1");
        assert.deepEqual(outputs.tags?.value, { stack: "test" });
        assert.ok(atGate.includes("create Instance host"));
        assert.ok(!atGate.includes("create EipAssociation address"));
        const [parameter] = standIn.changes().filter(({ name }) => name === "secret");
        assert.equal(parameter?.inputs?.value, "riesling");
    });

    it("changes nothing when nothing has changed, at a preview too", async () => {
        assert.equal(countChanges((await stack.preview()).changeSummary), 0);
        await up();
        assert.deepEqual(standIn.events(), []);
    });

    it("replaces a host before the old one goes, with the address moved in between", async () => {
        release = "2";
        const { task } = await up();
        assert.match(task?.value, /shop:2$/);
        const events = standIn.events().filter((event) => /Instance|EipAssociation/.test(event));
        assert.deepEqual(events, [
            "create Instance host",
            "create EipAssociation address",
            "delete EipAssociation address",
            "delete Instance host",
        ]);
        assert.ok(!atGate.includes("delete Instance host"));
    });

    it("counts a parameter up in place, which replaces what names its version", async () => {
        password = "merlot";
        const { changeSummary } = await stack.preview();
        assert.equal(changeSummary.update, 2);
        assert.equal(changeSummary.replace, 1);
        const { task } = await up();
        assert.match(task?.value, /shop:3$/);
        assert.ok(standIn.events().includes("update Parameter secret"));
    });

    it("fails as it is told, and goes on when it is told no more", async () => {
        release = "3";
        standIn.order({
            "aws:ec2/eipAssociation:EipAssociation address": { fail: "no such host", slowMs: 500 },
        });
        await assert.rejects(up(), /no such host/);
        const [failed] = standIn.changes().filter(({ type }) => type.endsWith(":EipAssociation"));
        assert.equal(failed?.error, "no such host");
        assert.ok((failed?.end ?? 0) - failed.begin >= 500);
        assert.ok(!standIn.events().includes("delete Instance host"));
        standIn.order({});
        await up();
        assert.ok(standIn.events().includes("create EipAssociation address"));
        assert.ok(standIn.events().includes("delete Instance host"));
    });

    it("keeps what failed when it was there, and has it repaired by the next update", async () => {
        release = "4";
        standIn.order({ [`${SERVICE} shop`]: { fail: "the service did not get steady", half: true } });
        await assert.rejects(up(), /the service did not get steady/);
        standIn.order({});
        await up();
        assert.ok(standIn.events().includes("update Service shop"));
        assert.deepEqual(await up().then(() => standIn.events()), []);
    });

    it("replaces a service of Cloud Map for the type of its records, and while its health check is empty", async () => {
        const made = () => standIn.events().filter((event) => event === "create Service nodes").length;
        recordType = "AAAA";
        await up();
        assert.equal(made(), 1);
        health = {};
        await up();
        assert.equal(made(), 1);
        await up();
        assert.equal(made(), 1, "nothing was read back of an empty block");
        health = { failureThreshold: 1 };
        await up();
        assert.equal(made(), 1);
        await up();
        assert.deepEqual(standIn.events(), []);
    });

    it("deletes everything, the address before the host", async () => {
        standIn.clear();
        await stack.destroy();
        const events = standIn.events();
        assert.equal(events.length, 9);
        assert.ok(events.every((event) => event.startsWith("delete ")));
        const order = ["delete EipAssociation address", "delete Instance host"];
        assert.deepEqual(
            events.filter((event) => order.includes(event)),
            order,
        );
    });
}
