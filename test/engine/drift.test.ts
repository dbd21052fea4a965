import { strict as assert } from "node:assert";
import { FakeApi, TOKEN } from "../support/fakeApi";
import { PREVIEW_SECRETS, PreviewEngine } from "../support/previewEngine";
import { skipWithoutEngine } from "../support/realEngine";

describe("./bin/drift, with Pulumi's engine", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    describe("of one program", itLooks);
});

function itLooks(): void {
    let engine: PreviewEngine;
    let api: FakeApi;
    before(async () => {
        [engine, api] = [new PreviewEngine(), new FakeApi()];
        await api.start();
        await engine.start();
        await engine.up();
    });
    after(() => {
        engine.stop();
        api.stop();
    });

    /** Looks, which never writes to the state. */
    async function look() {
        const before = engine.state();
        const env = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: api.url };
        const ended = await engine.run("drift", ["staging", "--github", "acme/shop"], env);
        assert.deepEqual(engine.state(), before);
        return ended;
    }

    it("finds nothing right after a deploy", async () => {
        const { code, stdout, stderr } = await look();
        assert.deepEqual([code, stderr], [0, "drift: staging has no open issue in acme/shop\n"]);
        assert.match(stdout, /14 unchanged/);
    });

    it("finds what somebody has changed, which the next deploy leaves as it is", async () => {
        engine.changeVolume({ app: "cellar", rotation: "1" });
        // Where plugins come from the PATH, Pulumi says so in another order each time.
        for (const done of ["created", "(updated|unchanged)"]) {
            const { code, stdout, stderr } = await look();
            assert.equal(code, 1);
            assert.match(stdout, /~ value: "shop" => "cellar"/);
            assert.match(
                stderr,
                new RegExp(
                    `^drift: the issue of staging in acme/shop is ${done}\ndrift: the stack staging has`,
                ),
            );
            await engine.up();
        }
        assert.equal(api.issues.length, 1);
        assert.match(api.issues[0]?.text ?? "", /~ value: "shop" => "cellar"/);
    });

    it("finds nothing once it is put back as the issue says", async () => {
        await engine.up("--refresh");
        const { code, stderr } = await look();
        assert.deepEqual([code, stderr], [0, "drift: the issue of staging in acme/shop is closed\n"]);
    });

    it("shows no secret", async () => {
        await engine.set({ change: "secretLabel" });
        await engine.up();
        engine.changeVolume({ app: "shop", rotation: "1", token: "canary-riesling-2", more: "1" });
        const { code, stdout, stderr } = await look();
        assert.equal(code, 1);
        const text = api.issues.at(-1)?.text ?? "";
        assert.match(text, /labels: \[\n +[~+-] \[\d\]: \[secret\]\n/);
        for (const secret of PREVIEW_SECRETS)
            assert.ok(!`${stdout}${stderr}${text}`.includes(secret), secret);
    });

    it("says so where it could not look", async () => {
        const { code, stderr } = await engine.run("drift", ["nowhere"]);
        assert.equal(code, 1);
        assert.match(stderr, /^drift: the stack nowhere could not be compared: see what Pulumi says above$/m);
    });
}
