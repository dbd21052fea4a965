import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";
import { App } from "../support/app";
import { CANARIES, generatedSecrets, secretsIn } from "../support/canaries";
import { Checkout } from "../support/checkout";
import { engine } from "../support/dockerProvider";
import { baseImages, freePort } from "../support/machine";
import { skipWithoutEngine } from "../support/realEngine";

const PASSWORD = "canary-tannin-7c1e";

describe("the secrets of a stack with Pulumi's engine", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    describe("are in plain text", itKeepsSecrets);
});

function itKeepsSecrets(): void {
    let checkout: Checkout;
    let app: App;
    let registry: string;
    let secrets: Record<string, string>;
    let said = "";

    /** Runs a command, keeps what it says, and gives it. */
    async function run(command: string, ...args: string[]): Promise<string> {
        const ended = await checkout.run(command, ...args);
        assert.equal(ended.code, 0, ended.said);
        said += ended.said;
        return ended.said;
    }

    before(async () => {
        // A registry that believes everybody: what counts is where the password goes.
        const port = await freePort();
        const container = await engine.createContainer({
            Image: baseImages().registryImage ?? "docker.io/registry:3",
            ExposedPorts: { "5000/tcp": {} },
            HostConfig: { PortBindings: { "5000/tcp": [{ HostIp: "127.0.0.1", HostPort: `${port}` }] } },
        });
        registry = container.id;
        await container.start();

        app = new App();
        const registryAddress = `127.0.0.1:${port}/acme`;
        const settings = {
            ...baseImages(),
            registryAddress,
            registryUsername: "ada",
            publicPort: await freePort(),
        };
        checkout = new Checkout({ ...settings, app: app.folder, bakeSeconds: 0 });
        await run("pulumi", "stack", "init", "local");
        const set = ["config", "set", "--stack", "local", "--secret"];
        await run("pulumi", ...set, "registryPassword", PASSWORD);
        for (const [name, value] of Object.entries(CANARIES))
            await run("pulumi", ...set, "--path", `secrets.${name}`, value);
        await run("pulumi", "preview", "--stack", "local", "--diff");
        await run("up", "--diff", "--show-sames", "--show-full-output");
        const containers = await run("pulumi", "stack", "output", "--stack", "local", "containers");
        const generated = await generatedSecrets(/[\w-]*release-1-\w+/.exec(containers)?.[0] ?? "");
        secrets = { ...CANARIES, ...generated, registryPassword: PASSWORD };
        assert.equal(Object.keys(secrets).length, 5);
    });
    after(async () => {
        app.remove();
        try {
            await checkout.destroy();
        } finally {
            await engine.getContainer(registry).remove({ force: true, v: true });
        }
    });

    it("in no output of a preview, an update, or an update that fails", async () => {
        app.release("2.0.0");
        await run("pulumi", "preview", "--stack", "local", "--diff", "--show-secrets=false");
        await run("pulumi", "preview", "--stack", "local", "--json");
        await run("up", "--diff", "--show-sames", "--show-full-output");
        await run("pulumi", "config", "set", "--stack", "local", "--path", "env.BOOT", "exit");
        const failed = await checkout.run("up", "--diff");
        assert.notEqual(failed.code, 0);
        assert.match(failed.said, /the database at \[secret\] does not answer/);
        await run("pulumi", "config", "rm", "--stack", "local", "--path", "env.BOOT");
        await run("up");
        assert.deepEqual(secretsIn(said + failed.said, secrets), []);
    });

    it("that are settings not even in what Pulumi prints with --debug", async () => {
        // That holds the generated ones, and -v holds all: see the limits in docs/swap.md.
        const given = { ...CANARIES, registryPassword: PASSWORD };
        const preview = ["preview", "--stack", "local", "--diff", "--debug"];
        const { said: exchanged } = await checkout.run("pulumi", ...preview);
        assert.match(exchanged, /RegisterResource/);
        assert.deepEqual(secretsIn(exchanged, given), []);
    });

    it("in no file of the state, and not in an exported stack", async () => {
        const folder = path.join(checkout.folder, ".decanter");
        const files = fs
            .readdirSync(folder, { recursive: true, withFileTypes: true })
            .filter((file) => file.isFile());
        const text = files
            .map((file) => fs.readFileSync(path.join(file.parentPath, file.name), "latin1"))
            .join("\n");
        assert.match(text, /docker:index\/container:Container/);
        assert.deepEqual(secretsIn(text, secrets), []);
        const exported = await run("pulumi", "stack", "export", "--stack", "local");
        assert.match(exported, /docker:index\/container:Container/);
        assert.deepEqual(secretsIn(exported, secrets), []);
    });
}
