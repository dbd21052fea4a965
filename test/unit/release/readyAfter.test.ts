import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import { readyAfter } from "../../../components/release/readyAfter";
import { valueOf } from "../../../components/release/valueOf";

describe("a value that is ready after others", () => {
    it("is itself, and known only then", async () => {
        let serve = () => {};
        const serves = pulumi.output(new Promise<void>((resolve) => (serve = resolve)));
        let isKnown = false;
        const known = valueOf(readyAfter(["web-1"], serves)).finally(() => (isKnown = true));
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(isKnown, false);
        serve();
        assert.deepEqual(await known, ["web-1"]);
    });

    it("stays a secret", async () => {
        const ready = readyAfter(pulumi.secret("s"), pulumi.output("serves"));
        assert.equal(await pulumi.isSecret(ready), true);
    });
});
