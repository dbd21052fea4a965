import { strict as assert } from "node:assert";
import { App } from "../support/app";
import { engine } from "../support/dockerProvider";
import { baseImages, freePort } from "../support/machine";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";

describe("a refused release that Pulumi's engine looks at", function () {
    this.timeout(300_000);
    skipWithoutEngine();

    const stack = `engine-test-refused-${process.pid}`;
    const pulumi = new RealEngine(stack);
    const app = new App();
    let settings: Record<string, unknown>;

    /** The containers of a version of the release. */
    async function containersOf(version: string) {
        const label = [`decanter.stack=decanter/${stack}`, `decanter.version=${version}`];
        const all = await engine.listContainers({ all: true, filters: { label } });
        const states = await Promise.all(all.map(({ Id }) => engine.getContainer(Id).inspect()));
        return states
            .filter(({ HostConfig }) => !HostConfig.NetworkMode?.startsWith("container:"))
            .map(({ Id, State, HostConfig }) => ({
                id: Id,
                runs: State.Running,
                restart: HostConfig.RestartPolicy?.Name,
            }));
    }

    before(async () => {
        settings = {
            ...baseImages(),
            app: app.folder,
            publicPort: await freePort(),
            bakeSeconds: 0,
            drainSeconds: 5,
            // The provider's update of a restart policy sends the limit too.
            memoryMb: 256,
            migrate: "none",
        };
        app.release("1.0.0");
        await pulumi.up(settings);
    });
    after(async () => {
        await pulumi.destroy();
        app.remove();
    });

    it("is what it was after a refresh, and the next update of it starts and checks it", async () => {
        const live = await containersOf("1.0.0");
        app.release("2.0.0");
        const late = { ...settings, env: { HEALTH_AFTER: "8" } };
        await assert.rejects(
            pulumi.up({ ...late, bootSeconds: 3 }),
            /stopped, kept for docker logs; release 1\.0\.0 has/,
        );
        const [refused] = await containersOf("2.0.0");
        assert.deepEqual([refused?.runs, refused?.restart], [false, "no"]);

        await pulumi.refresh();
        assert.deepEqual(await containersOf("2.0.0"), [refused]);
        assert.deepEqual(await containersOf("1.0.0"), live);

        await pulumi.up({ ...late, bootSeconds: 60 });
        assert.deepEqual(await containersOf("2.0.0"), [{ ...refused, runs: true, restart: "always" }]);
        assert.deepEqual(await containersOf("1.0.0"), []);
        assert.equal(await pulumi.preview({ ...late, bootSeconds: 60 }), 0);
    });

    it("is replaced by a different one, after a refresh too", async () => {
        app.release("3.0.0");
        await assert.rejects(pulumi.up({ ...settings, env: { HEALTH: "500" }, bootSeconds: 3 }));
        await pulumi.refresh();
        app.release("4.0.0");
        await pulumi.up(settings);
        assert.deepEqual(await containersOf("3.0.0"), []);
        assert.deepEqual(
            (await containersOf("4.0.0")).map(({ runs, restart }) => [runs, restart]),
            [[true, "always"]],
        );
    });

    it("leaves alone what serves when the gate refuses that", async () => {
        const live = await containersOf("4.0.0");
        const container = engine.getContainer(live[0]?.id ?? "");
        // The swap alone is replaced, and its gate looks at what serves.
        const kills = setInterval(() => void container.kill().catch(() => undefined), 500);
        const failing = pulumi.up({ ...settings, bakeSeconds: 20 }).finally(() => clearInterval(kills));
        await assert.rejects(failing, /release 4\.0\.0 has the traffic/);
        const [serves] = await containersOf("4.0.0");
        assert.deepEqual([serves?.id, serves?.restart], [live[0]?.id, "always"]);
    });
});
