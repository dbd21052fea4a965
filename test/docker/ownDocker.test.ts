import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerCli } from "../../components/docker/dockerCli";
import { baseImages, freePort } from "../support/machine";
import { settingsOf } from "../support/mockPulumi";
import { OwnDocker } from "../support/ownDocker";

describe("a Docker daemon of the tests' own", function () {
    this.timeout(300_000);

    /** It answers on its port 5000. */
    const image = settingsOf(baseImages())["decanter:registryImage"] ?? "";
    const onMachine = `decanter-own-test-${process.pid}`;
    let own: OwnDocker;
    let port: number;

    const run = async (host: string | undefined, ...args: string[]) => {
        const { code, output } = await dockerCli(host, args, 120);
        assert.equal(code, 0, output);
    };
    const answers = async (address: string) => {
        for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(100)) {
            const answer = await fetch(`http://${address}:${port}/v2/`).catch(() => undefined);
            if (answer?.status === 200) return true;
        }
        return false;
    };
    const startedAt = async () => (await own.api.getContainer("wine").inspect()).State.StartedAt;
    const write = () =>
        dockerCli(own.host, ["exec", "wine", "dd", "if=/dev/zero", "of=/tmp/x", "bs=1M", "count=8"]);
    /** What the machine has of it: processes, links, routes, loop devices, control groups, files. */
    const traces = () => {
        const script =
            'ps ax -o args; ip -o link; ip route; losetup; ls -d /sys/fs/cgroup/*/* "$0"/* || true';
        const all = execFileSync("sh", ["-c", script, os.tmpdir()], { encoding: "utf8" }).split("\n");
        const name = path.basename(path.dirname(own.host));
        return all.filter((line) => line.includes(name) || line.includes(own.address));
    };

    before(async function () {
        const reason = await OwnDocker.whyNot();
        if (reason !== undefined) {
            process.stderr.write(`  skipped: ${reason}\n`);
            this.skip();
        }
        port = await freePort();
        await run(undefined, "run", "-d", "--name", onMachine, "-p", `127.0.0.1:${port}:5000`, image);
        own = await OwnDocker.start({ diskMb: 1000 });
        await own.load([image]);
    });
    after(async () => {
        await own?.stop();
        await dockerCli(undefined, ["rm", "-f", "-v", onMachine]);
    });
    afterEach("the machine's Docker does not notice", async () => assert.ok(await answers("127.0.0.1")));

    it("runs containers that find each other by name, with the ports that the machine's uses too", async () => {
        const options = ["--network", "cellar", "--restart", "always"];
        const ports = ["-p", `127.0.0.1:${port}:5000`, "-p", `${own.address}:${port}:5000`];
        await run(own.host, "network", "create", "cellar");
        await run(own.host, "run", "-d", "--name", "wine", ...options, ...ports, image);
        await run(own.host, "run", "-d", "--name", "cheese", ...options, image);
        assert.ok(await answers(own.address));
        // Alpine has wget, Debian has bash.
        const get = "wget -q -O /dev/null http://wine:5000/v2/ || bash -c '< /dev/tcp/wine/5000'";
        await run(own.host, "exec", "cheese", "sh", "-c", get);
    });

    it("can be restarted, killed and started again, and lose its power", async () => {
        const fates: [string, () => Promise<void>][] = [
            ["restart", () => own.restart()],
            [
                "kill",
                async () => {
                    await own.kill();
                    await assert.rejects(own.api.ping());
                    assert.ok(await answers(own.address), "the containers go on");
                    await own.startDaemon();
                },
            ],
            ["reboot", () => own.reboot()],
        ];
        for (const [what, happens] of fates) {
            const before = await startedAt();
            await happens();
            assert.ok(await answers(own.address), what);
            assert.notEqual(await startedAt(), before, what);
        }
    });

    it("has a disk that can be full", async () => {
        await own.fillDisk();
        assert.match((await write()).output, /No space left on device/);
        await own.freeDisk();
        assert.equal((await write()).code, 0);
    });

    it("leaves nothing on the machine", async () => {
        assert.ok(traces().length > 5);
        await own.stop();
        assert.deepEqual(traces(), []);
    });
});
