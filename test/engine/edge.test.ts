import { strict as assert } from "node:assert";
import { Load, type LoadOptions } from "../../bench/load";
import { App } from "../support/app";
import { certificate, privateKey } from "../support/certificate";
import { engine } from "../support/dockerProvider";
import { failuresOf } from "../support/faults";
import { baseImages, freePort } from "../support/machine";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";
import { get1 } from "../support/tlsClient";

describe("stacks behind an edge, with Pulumi's engine", function () {
    this.timeout(600_000);
    skipWithoutEngine();

    const name = (role: string) => `engine-test-${role}-${process.pid}`;
    const [edge, shop, blog] = ["edge", "shop", "blog"].map((role) => new RealEngine(name(role))) as [
        RealEngine,
        RealEngine,
        RealEngine,
    ];
    const [shopApp, blogApp] = [new App(), new App()];
    const other = { repo: "decanter/other", tag: name("router") };
    const { routerImage = "docker.io/haproxy:3.2", ...images } = baseImages();
    let ports: { publicPort: number; httpsPort: number };
    let edgeSettings: Record<string, unknown>;
    let shopSettings: Record<string, unknown>;
    let blogSettings: Record<string, unknown>;

    before(async () => {
        ports = { publicPort: await freePort(), httpsPort: await freePort() };
        edgeSettings = { target: "edge", routerImage, bindAddress: "127.0.0.1", ...ports };
        const both = {
            ...images,
            routerImage,
            ...ports,
            edge: name("edge"),
            bakeSeconds: 1,
            drainSeconds: 10,
        };
        const tlsCertificate = certificate + privateKey;
        shopSettings = { ...both, app: shopApp.folder, domain: "shop.example", tlsCertificate };
        blogSettings = { ...both, app: blogApp.folder, domain: "blog.example" };
    });
    after(async () => {
        for (const each of [shop, blog, edge]) await each.destroy();
        for (const app of [shopApp, blogApp]) app.remove();
        await engine
            .getImage(`${other.repo}:${other.tag}`)
            .remove()
            .catch(() => undefined);
    });

    const readShop = async () => (await get1({ port: ports.httpsPort, name: "shop.example" }, "/")).body;
    const readBlog = async () => {
        const load = new Load({ port: ports.publicPort, name: "blog.example" });
        const { body, failure } = await load.one("/");
        return body ?? failure;
    };

    it("serves two that are deployed at the same moment, and changes nothing at the next preview", async () => {
        await edge.up(edgeSettings);
        shopApp.release("1.0.0");
        blogApp.release("2.0.0");
        await Promise.all([shop.up(shopSettings), blog.up(blogSettings)]);
        assert.deepEqual([await readShop(), await readBlog()], ["hello 1.0.0\n", "hello 2.0.0\n"]);
        for (const [stack, settings] of [
            [edge, edgeSettings],
            [shop, shopSettings],
            [blog, blogSettings],
        ] as const)
            assert.equal(await stack.preview(settings), 0);
    });

    it("loses no request of either while both are deployed at once, one with another router", async () => {
        await engine.getImage(routerImage).tag(other);
        shopApp.release("1.0.1");
        blogApp.release("2.0.1");
        shopSettings = { ...shopSettings, routerImage: `${other.repo}:${other.tag}` };
        const all: LoadOptions[] = [
            { port: ports.httpsPort, https: "shop.example" },
            { port: ports.httpsPort, https: "shop.example", http2: true },
            { port: ports.publicPort, name: "blog.example" },
        ];
        const loads = all.map(
            (one) => new Load({ ...one, busy: 4, rate: 40, idle: 10, idleSeconds: 10, post: 2 }),
        );
        await Promise.all([shop.up(shopSettings), blog.up(blogSettings)]);
        const fates = (await Promise.all(loads.map((load) => load.stop()))).flat();
        const failed = failuresOf(fates);
        assert.deepEqual(failed.slice(0, 3), [], `${failed.length} of ${fates.length} failed`);
        assert.ok(fates.length > 1000);
        assert.deepEqual([await readShop(), await readBlog()], ["hello 1.0.1\n", "hello 2.0.1\n"]);
        const filters = { label: [`decanter.stack=decanter/${name("shop")}`], name: ["-edge-router-"] };
        assert.equal((await engine.listContainers({ all: true, filters })).length, 1);
    });

    it("refuses a name that another stack has, says whose it is, and gives it up with that", async () => {
        await assert.rejects(
            blog.up({ ...blogSettings, domain: "shop.example" }),
            new RegExp(
                `visitors are not led here: the name shop\\.example belongs to another stack on this edge, whose network is ${name("shop")}-router-`,
            ),
        );
        assert.deepEqual([await readShop(), await readBlog()], ["hello 1.0.1\n", "hello 2.0.1\n"]);
        await blog.up(blogSettings);
        assert.equal(await blog.preview(blogSettings), 0);
        assert.equal(await readBlog(), "hello 2.0.1\n");
    });

    it("goes on for the others when a stack is destroyed", async () => {
        const load = new Load({ port: ports.publicPort, name: "blog.example", busy: 4, rate: 40 });
        await shop.destroy();
        const fates = await load.stop();
        assert.deepEqual(failuresOf(fates), []);
        await blog.destroy();
        await edge.destroy();
        const filters = { name: [`decanter-${name("edge")}`] };
        assert.deepEqual(await engine.listNetworks({ filters }), []);
    });
});
