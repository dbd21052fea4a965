import { strict as assert } from "node:assert";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { buildImage } from "../../components/image/buildImage";
import program from "../../index";
import { App } from "../support/app";
import { bytesOf, CANARIES, commandLines, generatedSecrets, secretsIn } from "../support/canaries";
import { engine } from "../support/dockerProvider";
import { baseImages, freePort } from "../support/machine";
import { MiniEngine } from "../support/miniEngine";

describe("the secrets of a stack, once it is deployed,", function () {
    this.timeout(300_000);

    const stack = `test-secrets-${process.pid}`;
    const pulumi = new MiniEngine(stack, program);
    const app = new App();
    let settings: Record<string, unknown>;
    let secrets: Record<string, string>;

    before(async () => {
        settings = {
            ...baseImages(),
            app: app.folder,
            publicPort: await freePort(),
            bakeSeconds: 0,
            secrets: CANARIES,
        };
        await pulumi.up(settings);
        const [container = ""] = pulumi.outputs.containers as string[];
        secrets = { ...CANARIES, ...(await generatedSecrets(container)) };
        assert.deepEqual(Object.keys(secrets).sort(), [
            "API_KEY",
            "DATABASE_URL",
            "RELEASE_COOKIE",
            "SECRET_KEY_BASE",
        ]);
    });
    after(async () => {
        await pulumi.destroy();
        app.remove();
    });

    async function containerNamed(part: string): Promise<string> {
        const filters = { label: [`decanter.stack=decanter/${stack}`] };
        const all = await engine.listContainers({ all: true, filters });
        return all.find(({ Names }) => Names[0]?.includes(part))?.Id ?? "";
    }

    it("are in no layer and no history of the image", () => {
        const bytes = bytesOf(pulumi.outputs.image as string);
        assert.ok(
            bytes.includes("RELEASE_COOKIE"),
            "the release's own script is not among what was searched",
        );
        assert.deepEqual(secretsIn(bytes, secrets), []);
    });

    it("are not in the log of the build", async () => {
        const { code, output } = await buildImage(new DockerHost(), app.build(), ["--progress=plain"]);
        assert.equal(code, 0, output);
        assert.match(output, /build_release/);
        assert.deepEqual(secretsIn(output, secrets), []);
    });

    it("are not known to the router, the swap, or the registry", async () => {
        for (const part of ["router", "swap", "registry"]) {
            const id = await containerNamed(part);
            const known = JSON.stringify(await engine.getContainer(id).inspect());
            assert.ok(known.includes(`${part}-`));
            assert.deepEqual(secretsIn(known, secrets), [], part);
            const { output } = await dockerCli(undefined, ["logs", id]);
            assert.deepEqual(secretsIn(output, secrets), [], part);
        }
        const files = ["cat", "/var/lib/haproxy/live.cfg", "/usr/local/etc/haproxy/router.cfg"];
        const { output } = await dockerCli(undefined, ["exec", await containerNamed("router"), ...files]);
        assert.match(output, /setenv/);
        assert.deepEqual(secretsIn(output, secrets), []);
    });

    it("are not shown by ps, but for the cookie, which the start script of a mix release passes on", () => {
        const lines = commandLines();
        assert.match(lines, /beam\.smp.* -progname/);
        assert.deepEqual(secretsIn(lines, secrets), ["RELEASE_COOKIE"]);
    });

    it("are not shown by an error, even if the release prints them", async () => {
        const failing = { ...settings, env: { BOOT: "exit" }, migrate: "none" };
        await assert.rejects(pulumi.up(failing), ({ message }: Error) => {
            assert.match(message, /the database at \[secret\] does not answer/);
            assert.deepEqual(secretsIn(message, secrets), []);
            return true;
        });
        await pulumi.up(settings);
    });
});
