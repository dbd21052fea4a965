import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import { Edge } from "../../../components/dockerHost/edge";
import { Route } from "../../../components/dockerHost/route";
import { Router, type RouterArgs } from "../../../components/dockerHost/router";
import program from "../../../index";
import { readEdgeConfig } from "../../../stacks/config/config";
import { mockPulumi, settled, the, valueOf } from "../../support/mockPulumi";

const labels = { "decanter.stack": "decanter/test" };
const labelList = [{ label: "decanter.stack", value: "decanter/test" }];
const health = { port: 4001, path: "/up" };

describe("Edge", () => {
    it("has the only ports, a network for routers and a volume for their names, both found by its own name", async () => {
        const recorded = await mockPulumi();
        const edge = new Edge("edge", { edge: "front", image: "haproxy:3", labels });
        await settled();
        for (const type of ["Network", "Volume"])
            assert.deepEqual(the(recorded, type, "edge").inputs, {
                name: "decanter-front",
                labels: labelList,
            });
        const { inputs: ports, options: of } = the(recorded, "Container", "edge");
        assert.deepEqual(ports.ports, [
            { internal: 8080, external: 80, ip: "0.0.0.0" },
            { internal: 8443, external: 443, ip: "0.0.0.0" },
        ]);
        // No image replaces it; the ports have one owner.
        assert.deepEqual([of?.ignoreChanges, of?.deleteBeforeReplace], [["image"], true]);
        assert.equal(await valueOf(edge.container), "edge-haproxy-1a2b3c4");
    });

    it("has HAProxy in the same network namespace, which goes once its successor serves", async () => {
        const recorded = await mockPulumi();
        new Edge("edge", { edge: "front", image: "haproxy:3", labels });
        await settled();
        const { inputs, options } = the(recorded, "Container", "edge-haproxy");
        assert.deepEqual([inputs.networkMode, inputs.ports], ["container:edge-id", undefined]);
        assert.deepEqual([options?.ignoreChanges, options?.deleteBeforeReplace], [["image"], false]);
        assert.deepEqual(options?.hooks, { afterCreate: ["edge-former"] });
        assert.equal(inputs.wait, true);
        for (const name of ["edge", "edge-haproxy"]) {
            const { readOnly, restart, volumes } = the(recorded, "Container", name).inputs;
            assert.deepEqual([readOnly, restart], [true, "always"]);
            // The mocks name what they make after the resource.
            assert.deepEqual(volumes, [{ volumeName: "edge-1a2b3c4", containerPath: "/edge" }]);
        }
    });

    for (const [args, problem] of [
        [{ edge: "-a" }, /Edge edge: edge must be a name of letters, digits, -, _ and \., got "-a"/],
        [{ publicPort: 0 }, /publicPort must be a whole number from 1 to 65535, got 0/],
        [{ httpsPort: 65_536 }, /httpsPort must be a whole number from 1 to 65535, got 65536/],
    ] as const)
        it(`refuses ${JSON.stringify(args)}`, async () => {
            await mockPulumi();
            assert.throws(() => new Edge("edge", { edge: "front", image: "haproxy:3", ...args }), problem);
        });
});

describe("Router behind an edge", () => {
    const args: RouterArgs = { image: "haproxy:3", publicPort: 80, health, labels, edge: "front" };

    it("has no port, is on the edge's network too, and goes once its successor serves", async () => {
        const recorded = await mockPulumi();
        const router = new Router("router", { ...args, httpsPort: 443 });
        await settled();
        const { inputs, options } = the(recorded, "Container", "edge-router");
        assert.deepEqual(inputs.ports, []);
        assert.deepEqual(inputs.networksAdvanced, [{ name: "router-1a2b3c4" }, { name: "decanter-front" }]);
        assert.ok(inputs.envs.includes("EDGE=front"));
        assert.equal(inputs.stopSignal, "SIGUSR1");
        assert.deepEqual(inputs.labels, [...labelList, { label: "decanter.edge", value: "front" }]);
        assert.equal(options?.deleteBeforeReplace, false);
        assert.deepEqual(options?.hooks, { beforeCreate: ["router-edge"] });
        assert.equal(await valueOf(router.containerName), "edge-router-1a2b3c4");
    });

    it("is replaced by another edge, and by none", async () => {
        for (const [edge, name] of [
            ["front", "edge-router"],
            [undefined, "router"],
        ]) {
            const recorded = await mockPulumi();
            new Router("router", { ...args, edge });
            await settled();
            the(recorded, "Container", name ?? "");
        }
    });
});

describe("Route", () => {
    const declare = async (names: string[], drainSeconds?: number) => {
        const recorded = await mockPulumi();
        const router = new Router("router", { image: "haproxy:3", publicPort: 80, health, edge: "front" });
        new Route("route", { edge: "front", router, names, drainSeconds, labels });
        await settled();
        return recorded;
    };

    it("leaves the names in the edge's volume, and has no network", async () => {
        const recorded = await declare(["shop.example", "*.shop.example"]);
        const { inputs, options } = the(recorded, "Container", "route");
        assert.deepEqual(inputs.envs, [
            "OWNER=router-1a2b3c4",
            "ROUTER=edge-router-1a2b3c4",
            "NAMES=shop.example *.shop.example",
        ]);
        assert.equal(inputs.networkMode, "none");
        assert.deepEqual(inputs.volumes, [{ volumeName: "decanter-front", containerPath: "/edge" }]);
        assert.deepEqual([inputs.wait, inputs.restart], [true, "always"]);
        assert.equal(options?.deleteBeforeReplace, false);
        assert.deepEqual(options?.hooks, { afterCreate: ["route-former-routers"], onError: ["route-word"] });
    });

    it("has a name, and a time to drain", async () => {
        await assert.rejects(declare([]), /Route route: names must be one host name or more, got \[\]/);
        await assert.rejects(
            declare(["shop.example"], 0),
            /drainSeconds must be a whole number from 1 to 3600/,
        );
    });
});

describe("a stack with the target edge", () => {
    it("has an edge of its name, and no app", async () => {
        const recorded = await mockPulumi({ target: "edge", publicPort: 81, httpsPort: 444, app: "none" });
        const outputs = (await program()) as { edge: string; containers: pulumi.Output<string[]> };
        await settled();
        assert.equal(outputs.edge, "test");
        assert.deepEqual(await valueOf(outputs.containers), ["edge-haproxy-1a2b3c4"]);
        assert.deepEqual(
            recorded
                .filter(({ type }) => type.includes("Container") || type.includes("Image"))
                .map(({ name }) => name),
            ["edge", "edge", "edge-haproxy"],
        );
        assert.deepEqual(the(recorded, "Container", "edge").inputs.ports, [
            { internal: 8080, external: 81, ip: "0.0.0.0" },
            { internal: 8443, external: 444, ip: "0.0.0.0" },
        ]);
    });

    it("has its settings checked, all at once, and its name", async () => {
        await mockPulumi({ target: "edge", httpsPort: 0, host: "tcp://a", bindAddress: "a" }, [], {}, "a..b");
        assert.throws(
            () => readEdgeConfig(),
            /host must be unix:.*[^]*bindAddress must be an IP address.*[^]*httpsPort must be .*[^]*the stack's name must be/,
        );
        await mockPulumi({ target: "docker" });
        assert.equal(readEdgeConfig(), undefined);
    });
});
