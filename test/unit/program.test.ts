import { strict as assert } from "node:assert";
import { dockerHost } from "../../stacks/dockerHost";
import { readConfig } from "../../stacks/config";
import { mockPulumi, secretValue, settled, the, valueOf } from "../support/mockPulumi";

describe("the program of the target docker", () => {
    it("declares every resource below a component, and nothing else", async () => {
        const recorded = await mockPulumi({ replicas: 2 });
        dockerHost(readConfig());
        await settled();
        const resources = recorded.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort();
        assert.deepEqual(resources, [
            "Container hello-1",
            "Container hello-2",
            "Container hello-migration",
            "Container hello-registry",
            "Container hello-router",
            "Container hello-swap",
            "DockerService hello",
            "Image hello",
            "Image hello-router",
            "ImageRetention hello",
            "LocalRegistry hello-registry",
            "Migration hello-migration",
            "Network hello-router",
            "RandomInteger hello-registry-port",
            "RandomPassword hello-cookie",
            "RandomPassword hello-key-base",
            "ReleaseImage hello",
            "ReleaseSecrets hello",
            "RemoteImage hello",
            "Router hello-router",
            "Swap hello-swap",
            "Volume hello-registry",
            "Volume hello-router",
            "docker docker",
        ]);
    });

    it("gives every container the secrets, marked as secret, and names the URL", async () => {
        const recorded = await mockPulumi({ secrets: { API_KEY: "hunter2" }, publicPort: 8123 });
        const outputs = dockerHost(readConfig());
        await settled();
        for (const name of ["hello-1", "hello-migration"]) {
            const envs = secretValue(the(recorded, "Container", name).inputs.envs) as string[];
            assert.ok(envs.includes("API_KEY=hunter2"), `${name} has ${envs.join(" ")}`);
            assert.ok(envs.includes("RELEASE_COOKIE=hello-cookie-generated"));
            assert.ok(envs.includes("PORT=4000"));
        }
        assert.equal(outputs.url, "http://127.0.0.1:8123");
        assert.equal(await valueOf(outputs.previous), null);
    });
});
