import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { App } from "../support/app";
import { engine } from "../support/dockerProvider";
import { countsOf, failuresOf, seconds, underLoad, writeDown } from "../support/faults";
import { baseImages, freePort } from "../support/machine";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";
import { SshServer } from "../support/sshServer";

describe("a Docker host over ssh, with Pulumi's engine", function () {
    this.timeout(600_000);
    skipWithoutEngine();
    before(function () {
        const reason = SshServer.whyNot();
        if (reason === undefined) return;
        process.stderr.write(`  skipped: ${reason}\n`);
        this.skip();
    });
    describe("deployed", itSurvivesTheConnection);
});

function itSurvivesTheConnection(): void {
    const name = `engine-test-ssh-${process.pid}`;
    const app = new App();
    const path = process.env.PATH;
    let server: SshServer;
    let pulumi: RealEngine;
    let port: number;
    let settings: Record<string, unknown>;

    const get = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();
    const swap = async () => {
        const filters = { label: [`decanter.stack=decanter/${name}`], name: ["swap"] };
        const [newest] = await engine.listContainers({ all: true, filters });
        return newest?.Id ?? "";
    };

    before(async () => {
        server = await SshServer.start();
        process.env.PATH = server.path;
        pulumi = new RealEngine(name);
        port = await freePort();
        const host = server.dockerHost;
        settings = {
            ...baseImages(),
            app: app.folder,
            host,
            publicPort: port,
            bakeSeconds: 5,
            drainSeconds: 5,
        };
        app.release("1.0.0");
        await pulumi.up(settings);
    });
    after(async () => {
        await pulumi.destroy();
        await server.stop();
        process.env.PATH = path;
        app.remove();
    });

    it("runs the release there", async () => assert.equal(await get(), "hello 1.0.0\n"));

    it("serves on when the connection is lost in the middle of a swap, and the next update converges", async () => {
        app.release("2.0.0");
        let error: Error | undefined;
        const before = await swap();
        const fates = await underLoad(port, async () => {
            const failing = pulumi.up(settings).catch((reason: Error) => (error = reason));
            const deadline = Date.now() + 120_000;
            const said = async (id: string) =>
                (await engine.getContainer(id).logs({ stdout: true })).toString();
            for (;;) {
                const id = await swap();
                if (id !== before && (await said(id)).includes("gets the traffic")) break;
                assert.ok(Date.now() < deadline, "no swap has begun");
                await sleep(50);
            }
            await server.cut();
            await failing;
            assert.match(await get(), /^hello [12]\.0\.0\n$/);
        });
        const words =
            /error during connect.*|cannot connect to the Docker daemon.*|error inspecting container.*/i;
        assert.match(error?.message ?? "it did not fail", words);
        assert.deepEqual(failuresOf(fates), []);

        await server.listen();
        const took = await seconds(() => pulumi.up(settings));
        assert.equal(await get(), "hello 2.0.0\n");
        const filters = { label: [`decanter.stack=decanter/${name}`] };
        assert.equal((await engine.listContainers({ all: true, filters })).length, 5);
        writeDown({
            group: "The host",
            fault: "the ssh connection to the host is lost in the middle of a swap",
            ...countsOf(fates),
            saw: words.exec(error?.message ?? "")?.[0] ?? "",
            recovery: `the next up, ${took.toFixed(0)} s`,
        });
    });
}
