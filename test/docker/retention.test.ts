import { strict as assert } from "node:assert";
import { dockerCli } from "../../components/docker/dockerCli";
import program from "../../index";
import type { Release } from "../../stacks/outputs";
import { App } from "../support/app";
import { engine } from "../support/dockerProvider";
import { baseImages, freePort } from "../support/machine";
import { MiniEngine } from "../support/miniEngine";

const KEPT = 3;
const DEPLOYS = 12;

describe("the images of a stack", function () {
    this.timeout(1_800_000);

    const stack = `test-retention-${process.pid}`;
    const pulumi = new MiniEngine(stack, program);
    const app = new App();
    let settings: Record<string, unknown>;
    /** Bytes of the registry after each deploy. */
    const sizes: number[] = [];

    before(async () => {
        settings = {
            ...baseImages(),
            app: app.folder,
            publicPort: await freePort(),
            bakeSeconds: 0,
            drainSeconds: 1,
            keepReleases: KEPT,
            migrate: "none",
        };
    });
    after(async () => {
        await pulumi.destroy();
        app.remove();
    });

    const releases = () => pulumi.outputs.releases as Release[];
    const get = async () => (await fetch(`http://127.0.0.1:${settings.publicPort as number}/`)).text();

    async function registrySize(): Promise<number> {
        const filters = { label: [`decanter.stack=decanter/${stack}`], name: ["registry"] };
        const [registry] = await engine.listContainers({ filters });
        const { output } = await dockerCli(undefined, [
            "exec",
            registry?.Id ?? "",
            "du",
            "-sb",
            "/var/lib/registry",
        ]);
        return Number(/^\d+/.exec(output)?.[0]);
    }

    it(`are the last ${KEPT}, on the host and in the registry, through ${DEPLOYS} deploys`, async () => {
        for (let deploy = 1; deploy <= DEPLOYS; deploy++) {
            const version = `1.0.${deploy}`;
            app.release(version);
            await pulumi.up(settings);
            assert.equal(await get(), `hello ${version}\n`);
            sizes.push(await registrySize());

            const kept = Array.from({ length: Math.min(deploy, KEPT) }, (_, back) => `1.0.${deploy - back}`);
            assert.deepEqual(
                releases().map((release) => release.version),
                kept,
            );
            const images = releases().map(({ image }) => image);
            const repository = images[0]?.split("@")[0] ?? "";
            const there = await engine.listImages({ filters: { reference: [repository] } });
            assert.deepEqual(
                there.flatMap(({ RepoDigests }) => RepoDigests ?? []).sort(),
                [...images].sort(),
            );
            const answer = await fetch(`http://${repository.replace("/", "/v2/")}/tags/list`);
            assert.deepEqual(((await answer.json()) as { tags: string[] }).tags.sort(), [...kept].sort());
        }
        // Releases differ in size by a little; one that is not removed would be a third more.
        const [full, last] = [sizes[KEPT - 1] ?? NaN, sizes.at(-1) ?? NaN];
        assert.ok(last < full * 1.1, `${full} bytes with ${KEPT} releases, ${last} after ${DEPLOYS} deploys`);
    });

    it("that are kept can be pulled, when the host has lost them", async () => {
        for (const { image } of releases().slice(1)) {
            const id = (await engine.getImage(image).inspect()).Id;
            await engine.getImage(id).remove({ force: true });
            const { code, output } = await dockerCli(undefined, ["pull", "-q", image], 120);
            assert.equal(code, 0, output);
        }
    });

    it("can be gone back to without a build, and forth", async () => {
        const [now, before] = releases();
        await pulumi.up({ ...settings, ...before });
        assert.equal(await get(), `hello ${before?.version}\n`);
        assert.deepEqual(releases().slice(0, 2), [before, now]);
        await pulumi.up({ ...settings, ...now });
        assert.equal(await get(), `hello ${now?.version}\n`);
    });

    it("are built and pushed again after they were removed", async () => {
        app.release("1.0.1");
        await pulumi.up(settings);
        assert.equal(await get(), "hello 1.0.1\n");
        const [{ image } = { image: "" }] = releases();
        const digest = image.split("@")[1] ?? "";
        // The registry has every blob of it, also those that it once had and lost.
        const url = `http://${image.split("@")[0]?.replace("/", "/v2/")}`;
        const headers = {
            accept: "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json",
        };
        const manifest = (await (await fetch(`${url}/manifests/${digest}`, { headers })).json()) as {
            config: { digest: string };
            layers: { digest: string }[];
        };
        for (const blob of [manifest.config, ...manifest.layers]) {
            const { status } = await fetch(`${url}/blobs/${blob.digest}`, { method: "HEAD" });
            assert.equal(status, 200, blob.digest);
        }
    });
});
