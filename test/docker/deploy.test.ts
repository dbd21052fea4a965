import { strict as assert } from "node:assert";
import * as fs from "node:fs";
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

    const stack = `test-order-${process.pid}`;
    const pulumi = deployer(stack);
    const app = new App();
    after(async () => {
        await pulumi.destroy();
        app.remove();
        fs.rmSync(`.decanter/archive/${stack}`, { recursive: true, force: true });
    });

    it("archives, migrates, boots, checks, swaps, and stops the old release last", async () => {
        const settings = { ...baseImages(), app: app.folder, publicPort: await freePort(), archive: true };
        await pulumi.up(settings);
        app.release("1.0.1");
        await pulumi.up(settings);
        assert.deepEqual(pulumi.events, [
            "hook hello-prepare-build",
            "hook hello-clear-build",
            "hook hello-registry-started",
            "create hello-migration",
            "hook hello-proven",
            "hook hello-archived",
            "hook hello-migration",
            "create hello-1",
            "hook hello-healthy",
            "create hello-swap",
            "hook hello-prune",
            "delete hello-swap",
            "delete hello-migration",
            "delete hello-1",
        ]);
        const archived = fs.readdirSync(pulumi.outputs.archive as string);
        assert.deepEqual(
            ["0.1.0", "1.0.1"].map(
                (version) => archived.filter((file) => file.startsWith(`hello-${version}-linux-`)).length,
            ),
            [3, 3],
        );
    });
});
