import { strict as assert } from "node:assert";
import program from "../../index";
import { App } from "../support/app";
import { itDeploys } from "../support/deploys";
import { baseImages, freePort } from "../support/machine";
import { MiniEngine } from "../support/miniEngine";

const deployer = (stack: string) => new MiniEngine(stack, program);

describe("a release on a Docker host, without Pulumi's engine", function () {
    this.timeout(300_000);

    const stack = `test-${process.pid}`;
    itDeploys(stack, deployer(stack), deployer);
});

describe("the order of a deploy", function () {
    this.timeout(300_000);

    const pulumi = deployer(`test-order-${process.pid}`);
    const app = new App();
    after(async () => {
        await pulumi.destroy();
        app.remove();
    });

    it("migrates, boots, checks, swaps, and stops the old release last", async () => {
        const settings = { ...baseImages(), app: app.folder, publicPort: await freePort() };
        await pulumi.up(settings);
        app.release("1.0.1");
        await pulumi.up(settings);
        assert.deepEqual(pulumi.events, [
            "hook hello-prepare-build",
            "hook hello-clear-build",
            "hook hello-registry-started",
            "create hello-migration",
            "hook hello-proven",
            "hook hello-migration",
            "create hello-1",
            "hook hello-healthy",
            "create hello-swap",
            "hook hello-prune",
            "delete hello-swap",
            "delete hello-migration",
            "delete hello-1",
        ]);
    });
});
