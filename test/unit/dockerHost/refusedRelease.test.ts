import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import { DockerHost } from "../../../components/docker/dockerHost";
import { allOrNone, startAgain, stopRefused } from "../../../components/dockerHost/refusedRelease";
import { withDocker } from "../../support/mockPulumi";

const containers = ["web-1-new", "web-2-new"];
const release = { containers, router: "r1", stopSeconds: 5, host: new DockerHost("ssh://a@b") };

/** A `docker` whose router names what is live. */
const routing = (live: string, rest = "") => `
    case "$*" in
        *"exec r1 bash -c"*) ${live} ;;
        *version*) printf '1.0.0\\n1.0.0\\n' ;;
        ${rest}
    esac`;

describe("a refused release", () => {
    it("is stopped, with its restart policy taken first, and told from what serves", async () => {
        await withDocker(routing("echo web-1-old; echo web-2-old"), async (calls) => {
            assert.equal(
                await stopRefused(release),
                "web-1-new, web-2-new stopped, kept for docker logs; release 1.0.0 has the traffic (web-1-old, web-2-old)",
            );
            // The program that the router's container runs has many lines.
            const commands = calls().filter((line) => line.startsWith("--host"));
            assert.deepEqual(commands.slice(0, 3), [
                "--host ssh://a@b exec r1 bash -c #!/bin/bash",
                "--host ssh://a@b update --restart no web-1-new web-2-new",
                "--host ssh://a@b stop web-1-new web-2-new",
            ]);
        });
    });

    it("that is the first one leaves nothing that serves", async () => {
        await withDocker(routing(":"), async () => {
            assert.equal(
                await stopRefused(release),
                "web-1-new, web-2-new stopped, kept for docker logs; no release has the traffic",
            );
        });
    });

    it("keeps the replica that it shares with what serves", async () => {
        await withDocker(routing("echo web-1-new"), async (calls) => {
            assert.match(await stopRefused(release), /^web-2-new stopped/);
            assert.ok(calls().includes("--host ssh://a@b stop web-2-new"));
        });
    });

    it("is not touched where it is what serves", async () => {
        await withDocker(routing("echo web-1-new; echo web-2-new"), async (calls) => {
            assert.equal(await stopRefused(release), "release 1.0.0 has the traffic (web-1-new, web-2-new)");
            assert.ok(!calls().some((call) => / (stop|update) /.test(call)));
        });
    });

    it("is not touched where nobody knows what serves, and the operator learns how to stop it", async () => {
        await withDocker(routing("echo web-1-new; exit 1"), async (calls) => {
            assert.match(
                await stopRefused(release),
                /nothing has been stopped: .*docker stop web-1-new web-2-new$/,
            );
            assert.equal(calls().filter((line) => line.startsWith("--host")).length, 1);
        });
    });

    it("says why it could not be stopped", async () => {
        await withDocker(routing("echo old", "*stop*) echo no such host; exit 1 ;;"), async () => {
            assert.match(
                await stopRefused(release),
                /^web-1-new, web-2-new could not be stopped \(no such host\); /,
            );
        });
    });

    it("is started for its next check, where it is stopped, and gets back its restart policy", async () => {
        const states = "echo 'exited /web-1-new'; echo 'running /web-2-new'";
        await withDocker(`case "$*" in *inspect*) ${states} ;; esac`, async (calls) => {
            await startAgain(new DockerHost(), containers, "always");
            assert.deepEqual(calls().slice(1), ["update --restart always web-1-new", "start web-1-new"]);
        });
        const broken = `case "$*" in *inspect*) ${states} ;; start*) echo no space left; exit 1 ;; esac`;
        await withDocker(broken, () =>
            assert.rejects(
                startAgain(new DockerHost(), containers, "always"),
                /could not be started again: no space left$/,
            ),
        );
    });
});

describe("replicas of which one cannot be made", () => {
    it("stop, whether they are there before or after it has failed", async () => {
        let explained = 0;
        const { madeHook: made, failedHook: failed } = allOrNone("web", 5, new DockerHost(), () => {
            explained += 1;
            return Promise.resolve(false);
        });
        const there = async (id: string) => made.callback({ id } as pulumi.ResourceHookArgs);
        const newInputs = { name: "web-2-new" };
        await withDocker("exit 0", async (calls) => {
            await there("one");
            assert.equal(await failed.callback({ newInputs } as unknown as pulumi.ErrorHookArgs), false);
            await there("three");
            assert.deepEqual(
                calls().filter((call) => call.startsWith("stop")),
                ["stop one", "stop web-2-new", "stop three"],
            );
            assert.equal(explained, 1);
        });
    });
});
