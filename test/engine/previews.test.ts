import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as prettier from "prettier";
import { renderPreview } from "../../ci/previewComment";
import { PREVIEW_SECRETS, PreviewEngine, sampleOf } from "../support/previewEngine";
import { skipWithoutEngine } from "../support/realEngine";

// UPDATE_SAMPLES=1 writes the samples anew that test/commands/previewComment.test.ts and docs/preview-comment.md are about.

describe("the samples of previews, with Pulumi's engine", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    describe("of one program", itPreviews);
});

function itPreviews(): void {
    let engine: PreviewEngine;
    before(async () => {
        engine = new PreviewEngine();
        await engine.start();
    });
    after(() => engine.stop());

    async function compare(name: string, { fails = false, outputs = true } = {}): Promise<void> {
        const { code, stdout, stderr } = await engine.preview();
        assert.equal(code === 0, !fails, stderr);
        const file = `test/samples/previews/${name}.json`;
        const fresh = sampleOf(stdout, { outputs });
        if (process.env.UPDATE_SAMPLES === "1") {
            const style = await prettier.resolveConfig(file);
            fs.writeFileSync(file, await prettier.format(fresh, { ...style, parser: "json" }));
        }
        const { markdown, failed } = renderPreview("staging", fresh);
        assert.equal(markdown, renderPreview("staging", fs.readFileSync(file, "utf8")).markdown);
        assert.equal(failed, fails);
        for (const secret of PREVIEW_SECRETS)
            assert.ok(!renderPreview("staging", stdout).markdown.includes(secret), secret);
    }

    it("of what is not there yet", async () => {
        await compare("creation");
        await engine.up();
    });

    it("of nothing", () => compare("nothing"));

    for (const change of ["update", "replacement", "deletion"])
        it(`of what changes: ${change}`, async () => {
            await engine.set({ change, secret: `canary-riesling-${change === "update" ? 2 : 1}` });
            await compare(change);
        });

    it("of a program that fails", async () => {
        await engine.set({ change: "failure" });
        await compare("failure", { fails: true });
    });

    it("of what Pulumi refuses", async () => {
        await engine.set({ change: "refusal" });
        await compare("refusal", { fails: true });
    });

    it("of 500 resources", async () => {
        // In a stack of its own: what the other has is protected.
        engine.stop();
        engine = new PreviewEngine();
        await engine.start();
        await engine.set({ change: "many", round: "1" });
        await engine.up();
        await engine.set({ round: "2" });
        await compare("many", { outputs: false });
    });
}
