import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerCli } from "../../components/docker/dockerCli";
import { hostBoot } from "../../components/floatingIp/hostBoot";
import { hostGate } from "../../components/floatingIp/hostGate";
import { HostTalk } from "../../components/floatingIp/hostTalk";
import { releaseEnv } from "../../components/release/releaseEnv";
import { awsCli } from "../support/awsCli";
import { BootHost, INSTANCE } from "../support/bootHost";
import { BootImages, dockerDoes } from "../support/bootImages";
import { restoreEnvironment } from "../support/environment";
import { freePort } from "../support/machine";
import { valueOf } from "../support/mockPulumi";
import { Moto } from "../support/moto";

const REGION = "eu-central-1";
const GROUP = "/decanter/test/hello";

/** What both sides of AWS say to each other: the host with AWS's own command line, the deploy with its SDK. */
describe("the gate of a host that boots, with moto for AWS,", function () {
    this.timeout(600_000);

    const release = `gate-test-${process.pid}`;
    const cellar = `${release}-cellar`;
    const environment = { ...process.env };
    let aws: string;
    let moto: Moto | undefined;
    let images: BootImages | undefined;
    let image: string;
    let host: BootHost | undefined;

    const ask = (...words: string[]) => execFileSync(aws, words, { encoding: "utf8" });
    const gate = (seconds: number) =>
        hostGate({ region: REGION, instanceId: INSTANCE, logGroup: GROUP, seconds });

    before(async function () {
        let reason = BootHost.whyNot();
        try {
            aws = await awsCli();
            moto = await Moto.start();
        } catch (error) {
            reason ??= `moto and AWS's command line cannot be had from PyPI (${(error as Error).message})`;
        }
        if (reason !== undefined || moto === undefined) {
            process.stderr.write(`  skipped: ${reason}\n`);
            this.skip();
        }
        images = await BootImages.start(release);
        image = await images.needy(cellar);
        Object.assign(process.env, moto.env, { AWS_DEFAULT_REGION: REGION });
        ask("logs", "create-log-group", "--log-group-name", GROUP);
        const parameter = ["--type", "SecureString", "--name", `${GROUP}/DATABASE_URL`];
        ask("ssm", "put-parameter", ...parameter, "--value", "canary-merlot\n'1982' \"$HOME\"");

        host = new BootHost({}, { registry: images.address, token: images.token });
        const exports = Object.entries(moto.env).map(([name, value]) => `export ${name}='${value}'`);
        // The registry here does not know the password that moto gives.
        const login = `"ecr get-login-password") ${aws} "$@" > /dev/null && cat "$(dirname "$0")/../token" ;;`;
        host.tool(
            "aws",
            ["#!/bin/sh", ...exports, `case "$1 $2" in ${login} *) exec ${aws} "$@" ;; esac\n`].join("\n"),
        );
    });
    after(async () => {
        restoreEnvironment(environment);
        host?.stop();
        await dockerCli(undefined, ["rm", "-f", "-v", release, cellar]);
        await dockerCli(undefined, ["network", "rm", release]);
        await images?.stop();
        await moto?.stop();
    });

    it("says that the host has said nothing", async () => {
        await assert.rejects(gate(0), /it did not get healthy within 0 s\. It said nothing at all/);
    });

    it("shuts as soon as the host says why, and opens when the host has tried again at its word", async () => {
        const userData = hostBoot(
            {
                release,
                image,
                region: REGION,
                parameters: GROUP,
                parametersVersion: "1",
                secretNames: ["DATABASE_URL"],
                env: { ...releaseEnv({ port: 4000, domain: "a.example" }), NEEDS: "boot" },
                logGroup: GROUP,
                health: { port: 4000, path: "/health", bakeSeconds: 1 },
                drainSeconds: 5,
            },
            {
                httpPort: await freePort(),
                retrySeconds: 3,
                listenSeconds: 1,
                log: ["--log-driver", "json-file"],
            },
        );
        // The deploy that asked before has told it to stop.
        host?.boot(await valueOf(userData));
        const problem =
            /does not get the address: container \S+ stopped with exit code 7\. Its last lines:\n {2}\| the cellar \[secret\]/;
        await assert.rejects(gate(60), problem);
        const stateOf = async (container: string) =>
            dockerDoes("inspect", "-f", "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}", container);
        assert.equal(await stateOf(release), "exited no");
        await dockerDoes("run", "-d", "--name", cellar, "--network", release, images?.base("registry") ?? "");
        await gate(60);
        assert.equal(await stateOf(release), "running always");
        await gate(0);
        const { Env } = JSON.parse(await dockerDoes("inspect", "-f", "{{json .Config}}", release)) as {
            Env: string[];
        };
        assert.ok(Env.includes("DATABASE_URL=canary-merlot\n'1982' \"$HOME\""));

        // The address could not be moved, and then it could.
        const talk = new HostTalk({ region: REGION, instanceId: INSTANCE, logGroup: GROUP });
        await talk.say("decanter: stop");
        while ((await stateOf(release)) !== "exited no") await sleep(200);
        await gate(60);
        assert.equal(await stateOf(release), "running always");
        await talk.say("decanter: serves");
        assert.equal(await host?.booted(), 0);
        const said = await talk.hear();
        talk.close();
        assert.deepEqual(
            said.filter((line) => /^decanter: (?!failed)/.test(line)),
            [
                "decanter: healthy",
                "decanter: stopped, as no deploy waits for it",
                "decanter: healthy",
                "decanter: serves",
            ],
        );
        await gate(0);
    });
});
