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
            "hook release-prepare-build",
            "hook release-clear-build",
            "hook registry-started",
            "create release-migration",
            "hook release-boot-check",
            "hook release-archived",
            "hook release-migration",
            "create release-1",
            "hook release-made",
            "hook release-healthy",
            "create release-swap",
            "hook release-swap-notes",
            "hook release-prune",
            "delete release-swap",
            "delete release-migration",
            "delete release-1",
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
