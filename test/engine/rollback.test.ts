import { strict as assert } from "node:assert";
import { dockerCli } from "../../components/docker/dockerCli";
import { App } from "../support/app";
import { Checkout } from "../support/checkout";
import { engine } from "../support/dockerProvider";
import { failuresOf, underLoad } from "../support/faults";
import { baseImages, freePort } from "../support/machine";
import { skipWithoutEngine } from "../support/realEngine";

describe("bin/rollback with Pulumi's engine", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    describe("goes back", itGoesBack);
});

function itGoesBack(): void {
    const app = new App();
    let checkout: Checkout;
    let port: number;

    const get = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();
    async function well(command: string, ...args: string[]): Promise<string> {
        const { code, said } = await checkout.run(command, ...args);
        assert.equal(code, 0, said);
        return said;
    }
    async function deploy(version: string): Promise<void> {
        app.release(version);
        await well("up");
        assert.equal(await get(), `hello ${version}\n`);
    }
    /** The image of a release that can be gone back to. */
    async function imageOf(version: string): Promise<string> {
        const releases = await well("pulumi", "stack", "output", "--stack", "local", "--json", "releases");
        const all = JSON.parse(releases) as { version: string; image: string }[];
        return all.find((release) => release.version === version)?.image ?? "";
    }

    before(async () => {
        port = await freePort();
        const settings = {
            ...baseImages(),
            app: app.folder,
            publicPort: port,
            bakeSeconds: 1,
            drainSeconds: 5,
        };
        checkout = new Checkout(settings);
        for (const version of ["1.0.0", "2.0.0", "3.0.0"]) await deploy(version);
    });
    after(async () => {
        app.remove();
        await checkout.destroy();
    });

    it("to the release before, without a build, and no request is lost", async () => {
        // Whoever built this would fail.
        app.write("lib/broken.ex", "defmodule Broken do\n");
        const fates = await underLoad(port, () => well("rollback"));
        app.write("lib/broken.ex", "");
        assert.equal(await get(), "hello 2.0.0\n");
        assert.deepEqual(failuresOf(fates), []);
    });

    it("to any other, by its version or its digest", async () => {
        await well("rollback", "local", "1.0.0");
        assert.equal(await get(), "hello 1.0.0\n");
        const [, digest = ""] = (await imageOf("3.0.0")).split("@sha256:");
        await well("rollback", digest.slice(0, 12));
        assert.equal(await get(), "hello 3.0.0\n");
    });

    it("only to what is there, and changes nothing otherwise", async () => {
        const listed = await well("rollback", "--list");
        assert.match(listed, /3\.0\.0 +\w{12} +runs now\n +1\.0\.0 +\w{12} *\n +2\.0\.0 +\w{12} *\n/);
        const image = await imageOf("2.0.0");
        // With its tag too: of layers that are there a pull makes it again without the registry.
        const { Id } = await engine.getImage(image).inspect();
        await engine.getImage(Id).remove({ force: true });
        const [address = "", digest = ""] = image.split("/hello@sha256:");
        // The registry loses it too.
        const registry = (await engine.listContainers()).find(({ Ports }) =>
            Ports.some(({ PublicPort }) => address.endsWith(`:${PublicPort}`)),
        );
        const blobs = "/var/lib/registry/docker/registry/v2/blobs/sha256";
        const lose = ["exec", registry?.Id ?? "", "rm", "-r", `${blobs}/${digest.slice(0, 2)}/${digest}`];
        assert.equal((await dockerCli(undefined, lose)).output, "");

        const { code, said } = await checkout.run("rollback", "2.0.0");
        assert.equal(code, 1, said);
        assert.match(
            said,
            /the release 2\.0\.0 cannot be gone back to, its image \S+ is neither on the Docker host nor/,
        );
        assert.match(said, /2\.0\.0 +\w{12} +its image is gone/);
        assert.equal(await get(), "hello 3.0.0\n");
    });

    it("and the next ./bin/up builds again", () => deploy("4.0.0"));
}
