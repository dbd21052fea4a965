import { strict as assert } from "node:assert";
import program from "../../index";
import { MiniEngine } from "../support/miniEngine";
import { changes, ChangingStack } from "../support/settingChanges";

describe("a change of a setting, under load", function () {
    this.timeout(300_000);

    // bench/settings makes all of them, with Pulumi's engine.
    const here = ["healthPath", "port", "port, healthPath", "behindProxy", "healthHost"];
    const stack = new ChangingStack(new MiniEngine(`test-settings-${process.pid}`, program));

    before(() => stack.start());
    after(() => stack.stop());

    for (const change of changes.filter(({ setting }) => here.includes(setting))) {
        it(`${change.setting}, ${change.change}`, async () => {
            const { failed, requests } = await stack.make(change);
            assert.equal(failed, 0);
            assert.ok(requests > 1000, `${requests} requests were sent`);
        });
    }
});
