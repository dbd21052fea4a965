import { strict as assert } from "node:assert";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { ImageRetention } from "../../../components/dockerHost/imageRetention";
import { logged, mockPulumi, settled, withDocker } from "../../support/mockPulumi";

/** Images on the host, as `docker image ls` shows them: one that serves, one that is kept, three that are old. */
const images = [
    "id-5 ghcr.io/acme/web:5 ghcr.io/acme/web@sha256:5",
    "id-4 ghcr.io/acme/web:<none> ghcr.io/acme/web@sha256:4",
    "id-3 ghcr.io/acme/web:3 ghcr.io/acme/web@<none>",
    "id-2 ghcr.io/acme/web:<none> ghcr.io/acme/web@sha256:2",
    "id-1 ghcr.io/acme/web:1 ghcr.io/acme/web@sha256:1",
].join("\n");

/** A host where a failed try of this stack uses the third image, and another stack the first. */
const host = `case "$*" in
    *"image inspect"*"@sha256:5") echo id-5 ;;
    *"image inspect"*"@sha256:4") echo id-4 ;;
    *"image ls"*acme/web) echo '${images}' ;;
    *"image ls"*acme/shop) echo 'id-0 ghcr.io/acme/shop:1 ghcr.io/acme/shop@sha256:0' ;;
    *"ancestor=id-3 --filter label=decanter.router=net") echo try-1; echo try-2 ;;
    *"rmi ghcr.io/acme/web:1") echo "conflict: container other is using its referenced image" >&2; exit 1 ;;
esac`;

describe("the retention of images", () => {
    async function pruned(given: { registryContainer?: string } = {}): Promise<string[]> {
        await mockPulumi();
        const args = {
            repositories: pulumi.output(["ghcr.io/acme/web", "ghcr.io/acme/shop"]),
            keep: pulumi.output(["5", "4"].map((digit) => `ghcr.io/acme/web@sha256:${digit}`)),
            networkName: "net",
            ...given,
        };
        const provider = new docker.Provider("docker", { host: "ssh://a@b" });
        const retention = new ImageRetention("web", args, { provider });
        await settled();
        return logged("warn", async () => retention.pruneHook.callback({} as pulumi.ResourceHookArgs));
    }
    const changing = (calls: string[]) =>
        calls
            .map((call) => call.replace("--host ssh://a@b ", ""))
            .filter((call) => /^(stop|rm|rmi|exec) /.test(call));

    it("removes what is old, and what a failed try runs of it, and nothing that another stack runs", async () => {
        await withDocker(host, async (calls) => {
            assert.deepEqual(await pruned(), []);
            assert.deepEqual(changing(calls()), [
                "stop try-1 try-2",
                "rm try-1 try-2",
                "rmi ghcr.io/acme/web:3",
                "rmi ghcr.io/acme/web@sha256:2",
                // Docker refuses this one.
                "rmi ghcr.io/acme/web:1",
                "rmi ghcr.io/acme/shop:1",
            ]);
        });
    });

    it("removes nothing where the image that serves is not found, and says so", async () => {
        const lost = `case "$*" in *"image inspect"*) echo 'No such image' >&2; exit 1 ;; esac\n${host}`;
        await withDocker(lost, async (calls) => {
            const problem = "old images could not be removed, the next deploy tries again: No such image";
            assert.deepEqual(await pruned(), [problem]);
            assert.deepEqual(changing(calls()), []);
        });
    });

    it("tells the stack's own registry what to keep", async () => {
        await withDocker(host, async (calls) => {
            assert.deepEqual(await pruned({ registryContainer: "registry-id" }), []);
            const [command = ""] = changing(calls()).filter((call) => call.startsWith("exec "));
            assert.match(command, /^exec registry-id \/bin\/sh -c #!\/bin\/sh/);
            // The script is many lines; its arguments come after the last.
            for (const image of ["web", "shop"])
                assert.ok(calls().join("\n").includes(`prune acme/${image} sha256:5 sha256:4`), image);
        });
    });
});
