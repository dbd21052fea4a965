import { strict as assert } from "node:assert";
import type * as pulumi from "@pulumi/pulumi";
import { sharedHook } from "../../../components/release/sharedHook";
import { mockPulumi } from "../../support/mockPulumi";

describe("a hook of several resources", () => {
    const called = async (hook: pulumi.ResourceHook) => hook.callback({} as pulumi.ResourceHookArgs);

    it("runs once, and all wait for it", async () => {
        await mockPulumi();
        let [runs, isOver] = [0, false];
        let end = () => {};
        const hook = sharedHook("web-checked", () => {
            runs += 1;
            return new Promise((resolve) => (end = resolve));
        });
        const all = Promise.all([called(hook), called(hook)]).then(() => (isOver = true));
        await Promise.resolve();
        assert.equal(isOver, false);
        end();
        await all;
        await called(hook);
        assert.equal(runs, 1);
    });

    it("fails for all where it fails", async () => {
        await mockPulumi();
        const hook = sharedHook("web-refused", () => Promise.reject(new Error("no")));
        await assert.rejects(called(hook), { message: "no" });
        await assert.rejects(called(hook), { message: "no" });
    });
});
