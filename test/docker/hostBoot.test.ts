import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerCli } from "../../components/docker/dockerCli";
import { hostBoot, type HostBootArgs } from "../../components/floatingIp/hostBoot";
import { releaseEnv } from "../../components/release/releaseEnv";
import { readConfig } from "../../stacks/config/config";
import { dockerHost } from "../../stacks/dockerHost";
import { BootHost, INSTANCE } from "../support/bootHost";
import { BootImages, dockerDoes } from "../support/bootImages";
import { commandLines, secretsIn } from "../support/canaries";
import { engine, make } from "../support/dockerProvider";
import { freePort } from "../support/machine";
import { mockPulumi, settled, the, valueOf } from "../support/mockPulumi";

const PATH = "/decanter/test/hello";

/** Values that have to arrive as they are, and may be seen nowhere else. */
const SECRETS: Record<string, string> = {
    API_KEY: 'canary-riesling\n"second line"\n\n',
    DATABASE_URL: "ecto://wine:canary-merlot-1982@db/cellar?a=$HOME&b=`id`&c='d'\\n",
    GRAPES: "canary-grüner-veltliner-🍇",
    RELEASE_COOKIE: "canaryCookie1855",
    SPACES: "  canary-leading-and-trailing  ",
    // More than AWS gives at a time.
    ...Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`CASK_${index}`, `canary-cask-${index}`])),
};
const PARAMETERS = Object.fromEntries(
    Object.entries(SECRETS).map(([name, value]) => [`${PATH}/${name}`, value]),
);

describe("the boot of a host", function () {
    this.timeout(300_000);

    const release = `boot-test-${process.pid}`;
    const cellar = `${release}-cellar`;
    let images: BootImages;
    let app: string;
    let needy: string;
    let httpPort: number;
    let host: BootHost;

    before(async function () {
        const reason = BootHost.whyNot();
        if (reason !== undefined) {
            process.stderr.write(`  skipped: ${reason}\n`);
            this.skip();
        }
        images = await BootImages.start(release);
        app = await images.app();
        needy = await images.needy(cellar);
    });
    after(() => images?.stop());

    interface Given extends Partial<HostBootArgs> {
        parameters?: string;
        /** What Parameter Store has. */
        stored?: Record<string, string>;
        /** What ECR gives for a password. */
        token?: string;
        hasDocker?: boolean;
        /** Commands that fail, and what they say. */
        broken?: Record<string, string>;
        /** What deploys have said before it boots. */
        told?: string[];
        addressSeconds?: number;
    }

    const health = { port: 4000, path: "/health", bakeSeconds: 0 };

    /** Boots a host, with less patience than on AWS. */
    async function boot(given: Given = {}): Promise<void> {
        const { stored = PARAMETERS, token = images.token, hasDocker = true, broken = {} } = given;
        const { told = [], addressSeconds = 300, ...args } = given;
        httpPort = await freePort();
        host = new BootHost(stored, { registry: images.address, token, hasDocker });
        for (const [command, says] of Object.entries(broken)) host.break(command, says);
        for (const word of told) host.tell(word);
        const env = {
            ...releaseEnv({ port: 4000, domain: "a.example" }),
            TASTE: "it's $dry\n`really`",
            ...args.env,
        };
        const userData = hostBoot(
            {
                release,
                image: app,
                region: "eu-central-1",
                parameters: PATH,
                parametersVersion: "1.1",
                secretNames: Object.keys(SECRETS),
                logGroup: PATH,
                health,
                drainSeconds: 5,
                ...args,
                env,
            },
            {
                httpPort,
                retrySeconds: 1,
                listenSeconds: 1,
                addressSeconds,
                log: ["--log-driver", "json-file"],
            },
        );
        host.boot(await valueOf(userData));
    }

    async function clear(): Promise<void> {
        host?.stop();
        const names = ["", "-migration", "-cellar"].map((suffix) => release + suffix);
        await dockerCli(undefined, ["rm", "-f", "-v", ...names]);
        await dockerCli(undefined, ["network", "rm", release]);
    }

    /** How a container is, and what Docker does when it has ended. */
    async function stateOf(container: string): Promise<string> {
        const format = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
        return (await dockerCli(undefined, ["inspect", "-f", format, container])).stdout.trim();
    }
    /** What has been started, in order. */
    const started = () =>
        host
            .read("calls")
            .split("\n")
            .flatMap((call) => /^docker .*run --detach.* --name (\S+)/.exec(call)?.[1] ?? []);

    /** What needy releases wait for. */
    const openCellar = () =>
        dockerDoes("run", "-d", "--name", cellar, "--network", release, images.base("registry"));
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${httpPort}${path}`)).text();

    describe("that goes well", () => {
        let seen = "";

        before(async () => {
            await boot({
                hasDocker: false,
                migration: { command: `sh -c 'echo "migrating with $API_KEY" && bin/migrate'` },
                limits: { memoryMb: 512, cpus: "1.5" },
            });
            let code: number | undefined;
            const booted = host.serves(120).then((exit) => (code = exit));
            while (code === undefined) {
                seen += commandLines();
                await Promise.race([booted, sleep(20)]);
            }
            assert.equal(code, 0, host.console);
        });
        after(clear);

        it("says each step, and at last that the release is healthy", () => {
            assert.deepEqual(host.said(), [
                `this is ${INSTANCE}, for ${app}`,
                "Docker runs",
                "the image is here",
                "the secrets are read",
                "the migration is done",
                "the release is healthy",
                "decanter: healthy",
                "decanter: serves",
            ]);
            assert.equal(host.console, `${host.said().join("\n")}\n`);
        });

        it("serves at the port for visitors", async () => {
            assert.match(await get("/"), /^hello \d/);
        });

        it("installs Docker, with the time that a release needs to stop", () => {
            const calls = host.read("calls").split("\n");
            const done = calls.filter((call) => /^(dnf|systemctl)/.test(call));
            assert.deepEqual(done, [
                "dnf install -y -q docker",
                "systemctl daemon-reload",
                "systemctl enable docker",
                "systemctl restart docker",
            ]);
            assert.deepEqual(JSON.parse(host.read("daemon.json")), {
                "shutdown-timeout": 5,
                "live-restore": false,
                "log-driver": "json-file",
                "log-opts": { "max-size": "10m", "max-file": "3" },
            });
            const limit = "[Service]\nTimeoutStopSec=35\n";
            assert.equal(host.read("etc/systemd/system/docker.service.d/decanter.conf"), limit);
        });

        it("migrates once, before the release starts", () => {
            assert.deepEqual(started(), [`${release}-migration`, release]);
        });

        it("gives the release its environment, to the letter", async () => {
            const { Env } = (await engine.getContainer(release).inspect()).Config;
            const all = Object.fromEntries(
                Env.map((variable) => /^([^=]+)=([^]*)$/.exec(variable)?.slice(1) ?? []),
            ) as Record<string, string>;
            for (const [name, value] of Object.entries(SECRETS)) assert.equal(all[name], value, name);
            assert.equal(all.TASTE, "it's $dry\n`really`");
            assert.equal(all.PHX_HOST, "a.example");
            assert.equal(Env.length, new Set(Env.map((variable) => variable.split("=")[0])).size);
        });

        it("gives it the limits that it has on a Docker host", async () => {
            const settings = { memoryMb: 512, cpus: "1.5", drainSeconds: 5 };
            const recorded = await mockPulumi(settings);
            dockerHost(readConfig());
            await settled();
            const { inputs } = the(recorded, "Container", "release-1");
            const on = {
                networkMode: "none",
                networksAdvanced: [],
                image: app.replace(/^[^/]+/, images.address),
            };
            const { id } = await make({ api: engine }, "docker:index/container:Container", release, {
                ...inputs,
                ...on,
                envs: [],
                start: false,
            });
            const [there, here] = await Promise.all(
                [id, release].map((one) => engine.getContainer(one).inspect()),
            );
            await engine.getContainer(id).remove();
            const limitsOf = ({ HostConfig, Config }: typeof here & object) => {
                const { Init, CapAdd, CapDrop, SecurityOpt, ReadonlyRootfs, Tmpfs, Privileged } = HostConfig;
                const { Memory, MemorySwap, NanoCpus, PidsLimit, Ulimits, RestartPolicy } = HostConfig;
                const { Test: _command, ...times } = Config.Healthcheck ?? {};
                // The types do not know it.
                const { StopTimeout } = Config as { StopTimeout?: number };
                const security = { Init, CapAdd, CapDrop, SecurityOpt, ReadonlyRootfs, Tmpfs, Privileged };
                const limits = { Memory, MemorySwap, NanoCpus, PidsLimit, Ulimits };
                return {
                    ...security,
                    ...limits,
                    RestartPolicy,
                    times,
                    User: Config.User,
                    StopTimeout,
                };
            };
            assert.ok(there && here);
            assert.deepEqual(limitsOf(here), limitsOf(there));
            assert.equal(here.HostConfig.Memory, 512 * 1024 * 1024);
        });

        it("shows secrets in no argument, no file and nothing that it says", () => {
            const [values, said] = [SECRETS, host.console + host.said().join("\n")];
            assert.deepEqual(secretsIn(said, values), []);
            assert.match(host.read("calls"), /--env API_KEY/);
            assert.deepEqual(secretsIn(host.read("calls"), values), []);
            // The start script of a mix release passes it on.
            assert.deepEqual(secretsIn(seen, values), ["RELEASE_COOKIE"]);
            assert.ok(!host.read("calls").includes(images.token));
            fs.rmSync(host.path("parameters.json"));
            for (const file of fs.readdirSync(host.folder, { recursive: true, encoding: "utf8" })) {
                if (!fs.lstatSync(host.path(file)).isFile()) continue;
                assert.deepEqual(secretsIn(host.read(file), values), [], file);
                if (file !== "token") assert.ok(!host.read(file).includes(images.token), file);
            }
            assert.deepEqual(fs.readdirSync(host.path("tmp")), []);
        });
    });

    describe("that fails", () => {
        afterEach(clear);

        const failed = /^decanter: failed: /;
        const denied = (action: string) =>
            `An error occurred (AccessDeniedException): not authorized to perform: ${action}`;

        interface Case {
            name: string;
            given: Given | (() => Given);
            says: RegExp;
            mend: () => unknown;
            /** The container that has failed: the host waits for a deploy then. */
            failed?: string;
        }
        const cases: Case[] = [
            {
                name: "Docker cannot be installed",
                given: { hasDocker: false, broken: { dnf: "Error: Failed to download metadata for repo" } },
                says: /failed: Docker cannot be installed: Error: Failed to download metadata/,
                mend: () => host.mend("dnf"),
            },
            {
                name: "Docker cannot be started",
                given: { broken: { "systemctl restart": "Job for docker.service failed" } },
                says: /failed: Docker cannot be started: Job for docker.service failed/,
                mend: () => host.mend("systemctl restart"),
            },
            {
                name: "its role may not log in to ECR",
                given: { broken: { "aws ecr get-login-password": denied("ecr:GetAuthorizationToken") } },
                says: /failed: the host may not log in to ECR: .*ecr:GetAuthorizationToken/s,
                mend: () => host.mend("aws ecr get-login-password"),
            },
            {
                name: "ECR refuses its login",
                given: { token: "wrong" },
                says: /failed: ECR refuses the login: .*401 Unauthorized/s,
                mend: () => host.write("token", images.token),
            },
            {
                name: "its role may not read the secrets",
                given: { broken: { "aws ssm get-parameters": denied("ssm:GetParameters") } },
                says: /failed: the host may not read its secrets: .*ssm:GetParameters/s,
                mend: () => host.mend("aws ssm get-parameters"),
            },
            {
                name: "secrets are missing",
                given: { stored: {} },
                says: /failed: secrets are missing \(.*\/hello\/API_KEY.* .*\/hello\/SPACES.*\): pulumi up --refresh/,
                mend: () => host.write("parameters.json", JSON.stringify(PARAMETERS)),
            },
            {
                name: "the migration fails",
                given: () => ({
                    image: needy,
                    migration: {
                        command: `bash -c '{ exec 3<> /dev/tcp/${cellar}/5000; } 2> /dev/null || { echo "no $DATABASE_URL"; exit 3; }'`,
                    },
                }),
                says: /failed: the migration "bash -c .*" failed: container \S+-migration stopped with exit code 3\. Its last lines:\n.* {2}\| no \[secret\]$/s,
                mend: openCellar,
                failed: `${release}-migration`,
            },
            {
                name: "the migration takes too long",
                given: () => ({
                    image: needy,
                    migration: {
                        command: `bash -c 'until { exec 3<> /dev/tcp/${cellar}/5000; } 2> /dev/null; do sleep 0.2; done'`,
                        seconds: 2,
                    },
                }),
                says: /container \S+-migration took longer than 2 s \(migrateSeconds\)\. Its last lines:/,
                mend: openCellar,
                failed: `${release}-migration`,
            },
            {
                name: "the release stops at its boot",
                given: () => ({ image: needy, env: { NEEDS: "boot" } }),
                says: /failed: container boot-test-\d+ stopped with exit code 7\. Its last lines:\n {2}\| the cellar \[secret\] does not answer$/,
                mend: openCellar,
                failed: `${release}`,
            },
            {
                name: "the release does not get healthy",
                given: () => ({
                    image: needy,
                    env: { NEEDS: "health" },
                    health: { ...health, bootSeconds: 3 },
                }),
                says: /failed: container boot-test-\d+ did not become healthy within 3 s \(bootSeconds\); the last check said: nothing listens on port 4000\. Its last lines:/,
                mend: openCellar,
                failed: `${release}`,
            },
            {
                name: "its lines cannot be stored",
                given: { broken: { "aws logs put-log-events": denied("logs:PutLogEvents") } },
                says: /healthy/,
                mend: () => host.mend("aws logs put-log-events"),
            },
        ];
        for (const { name, given, says, mend, failed: container } of cases) {
            it(`because ${name} says why, and ends well once that is mended`, async () => {
                await boot(typeof given === "function" ? given() : given);
                if (says.source === "healthy") await host.prints(/decanter: healthy[^]*logs:PutLogEvents/);
                else assert.match(await host.says(failed), says);
                assert.deepEqual(secretsIn(host.console, SECRETS), []);
                await mend();
                if (container !== undefined) {
                    // Longer than it waits before it tries what it may.
                    await sleep(3000);
                    assert.equal(await stateOf(container), "exited no");
                    assert.deepEqual(started(), [container]);
                    host.tell("decanter: start");
                }
                assert.equal(await host.serves(), 0);
                assert.equal(host.said().at(-1), "decanter: serves");
                assert.deepEqual(secretsIn(host.console, SECRETS), []);
                assert.equal((await fetch(`http://127.0.0.1:${httpPort}/health`)).status, 200);
                assert.equal(await stateOf(release), "running always");
            });
        }

        it("because the image is gone says which, and ends well once it is there", async () => {
            const image = await images.unpulled();
            await images.lose(image);
            await boot({ image });
            const said = await host.says(failed);
            const problem = `decanter: failed: the image ${image} cannot be pulled (deploy another`;
            assert.ok(said.startsWith(problem) && said.includes("manifest unknown"), said);
            assert.equal(await images.push("unpulled"), image);
            assert.equal(await host.serves(), 0);
        });

        it("because it may not write to its log stream prints that on its console", async () => {
            await boot({ broken: { "aws logs create-log-stream": denied("logs:CreateLogStream") } });
            await host.prints(
                /failed: the host may not write to its log stream in \/decanter\/test\/hello: .*logs:CreateLogStream/s,
            );
            host.mend("aws logs create-log-stream");
            assert.equal(await host.serves(), 0);
        });

        it("because the metadata do not answer tries again", async () => {
            await boot({ broken: { curl: "curl: (7) Failed to connect to 169.254.169.254" } });
            await host.prints(/Failed to connect/);
            host.mend("curl");
            assert.equal(await host.serves(), 0);
        });

        it("says when the release has used up its memory", async () => {
            await boot({ limits: { memoryMb: 192 }, env: { BOOT: "memory" } });
            const problem =
                "was killed because it used more memory than its limit (memoryMb). Its last lines:";
            assert.ok((await host.says(failed)).includes(problem));
        });

        it("says which signal has ended a migration, and migrates no second time once that is done", async () => {
            await boot({ migration: { command: "sh -c 'kill -9 $$'" } });
            assert.match(await host.says(failed), /was ended by SIGKILL \(exit code 137\)/);
            await clear();
            await boot({ image: needy, migration: { command: "true" }, env: { NEEDS: "boot" } });
            await host.says(failed);
            await openCellar();
            host.tell("decanter: start");
            assert.equal(await host.serves(), 0);
            assert.deepEqual(started(), [`${release}-migration`, release, release]);
        });

        it("notices that the release stops once it was healthy", async () => {
            await boot({
                health: { ...health, bakeSeconds: 30 },
                env: { CRASH_AFTER: "6" },
            });
            assert.match(
                await host.says(failed),
                /stopped with exit code 7\. Its last lines:\n[^]*\| cellar on fire/,
            );
        });

        it("notices that the release answers no more once it was healthy", async () => {
            await boot({ health: { ...health, bakeSeconds: 120 } });
            await host.prints(/the secrets are read/);
            const isHealthy = async () =>
                (
                    await dockerCli(undefined, ["inspect", "-f", "{{.State.Health.Status}}", release])
                ).stdout.trim();
            while ((await isHealthy()) !== "healthy") await sleep(200);
            await dockerCli(undefined, ["exec", release, "/bin/sh", "-c", "kill -STOP -1"]);
            const problem =
                /container boot-test-\d+ was healthy and is so no more \(bakeSeconds\); the last check said: /;
            assert.match(await host.says(failed, 90), problem);
        });
    });

    describe("that a deploy talks to", () => {
        afterEach(clear);

        const healthy = /^decanter: healthy$/;
        const stopped = /^decanter: stopped/;
        const count = (text: RegExp) => host.said().filter((line) => text.test(line)).length;
        /** Waits until it has said something so many times. */
        const says = async (text: RegExp, times: number) => {
            for (let tries = 0; count(text) < times; tries++) {
                assert.ok(tries < 300, host.console);
                await sleep(100);
            }
        };

        it("stops a healthy release at a stop, with its grace, and starts it again at a start", async () => {
            await boot();
            await host.says(healthy);
            assert.equal(await stateOf(release), "running always");
            host.tell("decanter: stop");
            await host.says(stopped);
            assert.equal(await stateOf(release), "exited no");
            assert.match((await dockerCli(undefined, ["logs", release])).output, /SIGTERM|shutting down/i);
            await sleep(3000);
            assert.equal(await stateOf(release), "exited no");
            host.tell("decanter: start");
            await says(healthy, 2);
            assert.equal(await host.serves(), 0);
            assert.equal(await stateOf(release), "running always");
        });

        it("stops a release that is about to start", async () => {
            await boot({ image: needy, env: { NEEDS: "health" } });
            await host.prints(/the secrets are read/);
            while (!started().includes(release)) await sleep(100);
            host.tell("decanter: stop");
            await host.says(stopped);
            assert.equal(await stateOf(release), "exited no");
            await openCellar();
            host.tell("decanter: start");
            assert.equal(await host.serves(), 0);
        });

        it("runs nothing of a release that was refused before the host came to it", async () => {
            await boot({ migration: { command: "true" }, told: ["decanter: stop"] });
            await host.says(stopped);
            assert.deepEqual(started(), []);
            host.tell("decanter: start");
            assert.equal(await host.serves(), 0);
            assert.deepEqual(started(), [`${release}-migration`, release]);
        });

        it("starts no release that was refused while it migrated", async () => {
            await boot({ migration: { command: "sleep 5" } });
            while (started().length === 0) await sleep(100);
            host.tell("decanter: stop");
            await host.says(stopped);
            assert.ok(host.said().includes("the migration is done"));
            assert.deepEqual(started(), [`${release}-migration`]);
        });

        it("obeys no start that was there before a failure", async () => {
            await boot({ image: needy, env: { NEEDS: "boot" }, told: ["decanter: stop", "decanter: start"] });
            await host.says(/^decanter: failed/);
            await sleep(3000);
            assert.deepEqual(started(), [release]);
            // What the deploy that was refused says last.
            host.tell("decanter: stop");
            await sleep(3000);
            assert.deepEqual(started(), [release]);
            host.tell("decanter: start");
            await says(/^decanter: failed/, 2);
            assert.deepEqual(started(), [release, release]);
        });

        it("answers a start that a healthy release needs no more", async () => {
            await boot();
            await host.says(healthy);
            host.tell("decanter: start");
            await says(healthy, 2);
            assert.deepEqual(started(), [release]);
        });

        it("stops a release for which nobody moves the address", async () => {
            await boot({ addressSeconds: 3 });
            await host.says(healthy);
            await host.says(stopped);
            assert.equal(await stateOf(release), "exited no");
        });

        it("stops no release that has the address, whatever a deploy says", async () => {
            await boot({ addressSeconds: 1 });
            await host.says(healthy);
            host.getAddress();
            host.tell("decanter: stop");
            assert.equal(await host.booted(), 0);
            assert.equal(host.said().at(-1), "decanter: serves");
            assert.equal(await stateOf(release), "running always");
        });

        it("stops no release where it does not know whether that has the address", async () => {
            await boot({ addressSeconds: 1 });
            await host.says(healthy);
            host.break("curl", "curl: (7) Failed to connect to 169.254.169.254");
            host.tell("decanter: stop");
            await sleep(4000);
            assert.equal(await stateOf(release), "running always");
            host.mend("curl");
            await host.says(stopped);
        });

        it("starts a release again when the address comes to it after a stop", async () => {
            await boot();
            await host.says(healthy);
            host.tell("decanter: stop");
            await host.says(stopped);
            host.getAddress();
            assert.equal(await host.booted(), 0);
            assert.equal(host.said().at(-1), "decanter: serves");
            assert.equal(await stateOf(release), "running always");
        });

        it("is done when the deploy says that it serves, also where the metadata are late", async () => {
            await boot();
            await host.says(healthy);
            host.tell("decanter: serves");
            assert.equal(await host.booted(), 0);
            assert.equal(await stateOf(release), "running always");
        });

        it("hears deploys again where AWS did not answer for some time", async () => {
            await boot();
            host.tell("decanter: start");
            await says(healthy, 1);
            host.break("aws logs get-log-events", "Could not connect to the endpoint URL");
            await sleep(2000);
            host.tell("decanter: stop");
            host.mend("aws logs get-log-events");
            await host.says(stopped);
        });
    });
});
