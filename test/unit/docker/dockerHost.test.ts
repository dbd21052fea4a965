import { strict as assert } from "node:assert";
import { Writable } from "node:stream";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { DockerHost } from "../../../components/docker/dockerHost";
import { mockPulumi, settled, withDocker } from "../../support/mockPulumi";

describe("a Docker host", () => {
    /** What Docker's command line is asked for the host of a component. */
    async function asked(opts: () => pulumi.ComponentResourceOptions): Promise<string[]> {
        const parent = new pulumi.ComponentResource("test:index:Parent", "parent", {}, opts());
        const child = new pulumi.ComponentResource("test:index:Child", "child", {}, { parent });
        await settled();
        return withDocker("exit 0", async (calls) => {
            await DockerHost.of(child).run(["ps"]);
            return calls();
        });
    }

    it("is the one of the provider that a component's children get", async () => {
        const provider = () => new docker.Provider("docker", { host: "ssh://a@b" });
        for (const opts of [
            () => ({ provider: provider() }),
            () => ({ providers: [provider()] }),
            () => ({ providers: { docker: provider() } }),
            // A server that the same program makes.
            () => ({ provider: new docker.Provider("docker", { host: pulumi.output("ssh://a@b") }) }),
        ]) {
            await mockPulumi();
            assert.deepEqual(await asked(opts), ["--host ssh://a@b ps"]);
        }
    });

    it("is the one of Pulumi's default provider where no other is given", async () => {
        await mockPulumi();
        assert.deepEqual(await asked(() => ({})), ["ps"]);
        await mockPulumi();
        pulumi.runtime.setConfig("docker:host", "tcp://c:2375");
        assert.deepEqual(await asked(() => ({})), ["--host tcp://c:2375 ps"]);
    });

    it("is the machine's own where the provider names none", async () => {
        await mockPulumi();
        assert.deepEqual(await asked(() => ({ provider: new docker.Provider("docker", {}) })), ["ps"]);
    });

    it("is not told by a context, which the provider's images do not follow", async () => {
        await mockPulumi();
        const message =
            "the Docker provider has the context colima, which its images do not follow: give it the context's host";
        const provider = () => new docker.Provider("docker", { context: "colima" });
        await assert.rejects(
            asked(() => ({ provider: provider() })),
            { message },
        );
        await mockPulumi();
        pulumi.runtime.setConfig("docker:context", "colima");
        await assert.rejects(
            asked(() => ({})),
            { message },
        );
    });

    it("writes what Docker says to a stream", async () => {
        let written = "";
        const to = new Writable({
            write: (chunk: Buffer, _encoding, done) => {
                written += chunk.toString();
                done();
            },
        });
        await withDocker('echo "$2"', async () => {
            const { code } = await new DockerHost("ssh://a@b").stream(["cp", "a:/app", "-"], to, 30);
            assert.deepEqual([code, written], [0, "ssh://a@b\n"]);
        });
    });
});
