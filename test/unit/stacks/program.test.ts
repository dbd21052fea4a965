import { strict as assert } from "node:assert";
import { readConfig } from "../../../stacks/config/config";
import { dockerHost } from "../../../stacks/dockerHost";
import { mockPulumi, secretValue, settled, the, valueOf } from "../../support/mockPulumi";

describe("the program of the target docker", () => {
    it("declares every resource below a component, and nothing else", async () => {
        const recorded = await mockPulumi({ replicas: 2 });
        dockerHost(readConfig());
        await settled();
        const resources = recorded.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort();
        assert.deepEqual(resources, [
            "Container registry",
            "Container release-1",
            "Container release-2",
            "Container release-migration",
            "Container release-swap",
            "Container router",
            "DockerService release",
            "Image release",
            "Image router",
            "ImageRetention release",
            "LocalRegistry registry",
            "Migration release-migration",
            "Network router",
            "RandomInteger registry-port",
            "RandomPassword release-cookie",
            "RandomPassword release-key-base",
            "ReleaseImage release",
            "ReleaseSecrets release",
            "RemoteImage release",
            "Router router",
            "Swap release-swap",
            "Volume registry",
            "Volume router",
            "docker docker",
        ]);
    });

    it("gives every container the secrets, marked as secret, and names the URL", async () => {
        const recorded = await mockPulumi({ secrets: { API_KEY: "hunter2" }, publicPort: 8123 });
        const outputs = dockerHost(readConfig());
        await settled();
        for (const name of ["release-1", "release-migration"]) {
            const envs = secretValue(the(recorded, "Container", name).inputs.envs) as string[];
            assert.ok(envs.includes("API_KEY=hunter2"), `${name} has ${envs.join(" ")}`);
            assert.ok(envs.includes("RELEASE_COOKIE=release-cookie-generated"));
            assert.ok(envs.includes("PORT=4000"));
        }
        assert.equal(outputs.url, "http://localhost:8123");
        assert.equal(await valueOf(outputs.previous), null);
    });
});
