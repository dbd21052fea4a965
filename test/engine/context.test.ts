import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { dockerCli } from "../../components/docker/dockerCli";
import { App } from "../support/app";
import { Checkout, Command } from "../support/checkout";
import { engine } from "../support/dockerProvider";
import { baseImages, freePort } from "../support/machine";
import { settingsOf } from "../support/mockPulumi";
import { OwnDocker } from "../support/ownDocker";
import { skipWithoutEngine } from "../support/realEngine";

describe("a Docker context, with Pulumi's engine", function () {
    this.timeout(600_000);
    skipWithoutEngine();
    before(async function () {
        const reason = await OwnDocker.whyNot();
        if (reason === undefined) return;
        process.stderr.write(`  skipped: ${reason}\n`);
        this.skip();
    });
    describe("of a second daemon", itIsFollowed);
});

function itIsFollowed(): void {
    const app = new App();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-contexts-"));
    let own: OwnDocker;
    let checkout: Checkout;
    let url: string;

    before(async () => {
        own = await OwnDocker.start();
        const images = settingsOf(baseImages());
        await own.load(
            ["builder", "runner", "router", "registry"].map((name) => images[`decanter:${name}Image`] ?? ""),
        );
        for (const command of [
            ["create", "cellar", "--docker", `host=${own.host}`],
            ["use", "cellar"],
        ]) {
            const { code, output } = await dockerCli(undefined, ["--config", folder, "context", ...command]);
            assert.equal(code, 0, output);
        }
        const publicPort = await freePort();
        url = `http://${own.address}:${publicPort}`;
        const settings = {
            ...baseImages(),
            app: app.folder,
            publicPort,
            bindAddress: own.address,
            bakeSeconds: 1,
        };
        checkout = new Checkout(settings, { DOCKER_CONFIG: folder });
    });
    after(async () => {
        await checkout.destroy().finally(() => own.stop());
        app.remove();
        fs.rmSync(folder, { recursive: true });
    });

    it("is where everything of a deploy is made, and nothing elsewhere", async () => {
        const { code, said } = await checkout.run("up");
        assert.equal(code, 0, said);
        assert.ok(said.includes(`The release answers at ${url}\n`), said);
        assert.match(await (await fetch(url)).text(), /^hello /);
        assert.equal((await own.api.listContainers({ all: true })).length, 5);
        const here = await engine.listContainers({ all: true });
        const ours = (await own.api.listContainers({ all: true })).map(({ Id }) => Id);
        assert.deepEqual(
            here.filter(({ Id }) => ours.includes(Id)),
            [],
        );
    });

    it("changes nothing when nothing has changed", async () => {
        const { code, said } = await checkout.run(
            "pulumi",
            "preview",
            "--stack",
            "local",
            "--expect-no-changes",
        );
        assert.equal(code, 0, said);
    });

    it("ends a plain pulumi in one line that says what to set", async () => {
        const pulumi = new Command("pulumi", ["preview", "--stack", "local"], checkout.folder, {
            ...process.env,
            DOCKER_CONFIG: folder,
            PULUMI_BACKEND_URL: `file://${checkout.folder}/.decanter/state`,
            PULUMI_CONFIG_PASSPHRASE_FILE: path.join(checkout.folder, ".decanter/local.passphrase"),
        });
        const { code, said } = await pulumi.ended;
        assert.notEqual(code, 0);
        const problem = `Docker's command line is at ${own.host} (its context cellar), where Pulumi's Docker provider does not look`;
        const line = said.split("\n").find((one) => one.includes(problem));
        assert.ok(
            line?.includes(`export DOCKER_HOST=${own.host}, or: pulumi config set host ${own.host}`),
            said,
        );
    });
}
