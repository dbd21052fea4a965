import { strict as assert } from "node:assert";
import { once } from "node:events";
import * as http from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { type Fate, Load, type LoadOptions } from "../../bench/load";
import program from "../../index";
import { App } from "../support/app";
import { certificate, privateKey } from "../support/certificate";
import { engine } from "../support/dockerProvider";
import { failuresOf } from "../support/faults";
import { baseImages, freePort } from "../support/machine";
import { MiniEngine } from "../support/miniEngine";
import { get1, get2, shown } from "../support/tlsClient";

describe("several stacks behind an edge", function () {
    this.timeout(300_000);

    const name = (role: string) => `test-${role}-${process.pid}`;
    const edge = new MiniEngine(name("edge"), program);
    const place = { target: "edge", routerImage: baseImages().routerImage, bindAddress: "127.0.0.1" };
    /** Another name of the router's image, which replaces routers. */
    const other = { repo: "decanter/other", tag: name("router") };
    let ports: { publicPort: number; httpsPort: number };

    /** A stack with an app behind the edge; its releases tell it from others by the first part of their version. */
    class Site {
        readonly stack: string;
        readonly pulumi: MiniEngine;
        version = "";
        private readonly app = new App();
        private deploys = 0;
        private settings: Record<string, unknown> = {};

        constructor(
            role: string,
            private readonly major: number,
        ) {
            this.stack = name(role);
            this.pulumi = new MiniEngine(this.stack, program);
        }

        /** Deploys the next version, with other settings from now on. */
        async deploy(settings: Record<string, unknown> = {}): Promise<void> {
            this.version = `${this.major}.0.${++this.deploys}`;
            this.app.release(this.version);
            await this.up(settings);
        }

        /** Deploys without a change of the app. */
        up(settings: Record<string, unknown> = {}): Promise<number> {
            this.settings = { ...this.settings, ...settings };
            return this.pulumi.up({
                ...baseImages(),
                ...ports,
                edge: name("edge"),
                app: this.app.folder,
                bakeSeconds: 1,
                drainSeconds: 15,
                ...this.settings,
            });
        }

        async remove(): Promise<void> {
            await this.pulumi.destroy();
            this.app.remove();
        }

        containers(role: string) {
            const filters = { label: [`decanter.stack=decanter/${this.stack}`], name: [role] };
            return engine.listContainers({ filters });
        }
    }

    const [shop, blog, wiki] = [new Site("shop", 1), new Site("blog", 2), new Site("wiki", 3)];
    const secure = (host: string) => ({ port: ports.httpsPort, name: host });

    /** A request in the clear. */
    async function get(host: string, path = "/") {
        const request = http.get({
            host: "127.0.0.1",
            port: ports.publicPort,
            path,
            headers: { host },
            agent: false,
        });
        const [response] = (await once(request, "response")) as [http.IncomingMessage];
        return {
            status: response.statusCode,
            location: response.headers.location,
            body: await text(response),
        };
    }

    /** What visitors of the shop, by https, and of the blog saw of something. */
    async function unnoticed(what: () => Promise<unknown>): Promise<void> {
        const all: LoadOptions[] = [
            { port: ports.httpsPort, https: "shop.example" },
            { port: ports.httpsPort, https: "shop.example", http2: true },
            { port: ports.publicPort, name: "blog.example" },
        ];
        const loads = all.map(
            (one) => new Load({ ...one, busy: 8, rate: 40, idle: 10, idleSeconds: 10, post: 2 }),
        );
        await sleep(1000);
        try {
            await what();
        } finally {
            await sleep(1000);
            const fates = await Promise.all(loads.map((load) => load.stop()));
            const failed = failuresOf(fates.flat());
            assert.deepEqual(failed.slice(0, 3), [], `${failed.length} of ${fates.flat().length} failed`);
            const answered = (some: Fate[]) =>
                new Set(some.map(({ body = "" }) => body.slice(0, "hello 1".length)));
            assert.ok(fates.every((some) => some.length > 100));
            // Each was answered by its own app; a POST has its body back.
            const [by1, by2, clear] = fates.map((some) =>
                answered(some.filter(({ kind }) => kind !== "post")),
            );
            assert.deepEqual(
                [by1, by2, clear],
                [["hello 1"], ["hello 1"], ["hello 2"]].map((one) => new Set(one)),
            );
        }
    }

    before(async () => {
        ports = { publicPort: await freePort(), httpsPort: await freePort() };
    });
    after(async () => {
        for (const site of [shop, blog, wiki]) await site.remove();
        await edge.destroy();
        await engine
            .getImage(`${other.repo}:${other.tag}`)
            .remove()
            .catch(() => undefined);
    });

    it("refuses a stack whose edge is not there", async () => {
        await assert.rejects(
            blog.deploy({ domain: "blog.example", domainAliases: ["*.blog.example"] }),
            new RegExp(
                `there is no edge ${name("edge")} on this Docker host: deploy the stack ${name("edge")}`,
            ),
        );
    });

    it("tells a name that no stack has nothing", async () => {
        await edge.up({ ...place, ...ports });
        assert.equal(edge.outputs.edge, name("edge"));
        const { status, body } = await get("blog.example");
        assert.deepEqual([status, body], [404, "No app on this server has this name.\n"]);
        await assert.rejects(shown(secure("shop.example")));
    });

    it("leads each name to its own stack, whoever has it and however it is written", async () => {
        await blog.deploy();
        await shop.deploy({
            domain: "shop.example",
            domainAliases: ["*.shop.example"],
            tlsCertificate: certificate + privateKey,
        });
        for (const host of ["blog.example", "BLOG.example:80", "news.blog.example", "blog.example."])
            assert.equal((await get(host)).body, `hello ${blog.version}\n`, host);
        assert.equal(blog.pulumi.outputs.url, `http://blog.example:${ports.publicPort}`);
        for (const host of ["shop.example", "de.shop.example"]) {
            assert.equal((await get1(secure(host), "/")).body, `hello ${shop.version}\n`, host);
            assert.equal((await get2(secure(host), "/")).body, `hello ${shop.version}\n`, host);
            const { status, location } = await get(host, "/a?b=c");
            assert.deepEqual([status, location], [308, `https://${host}:${ports.httpsPort}/a?b=c`]);
        }
        assert.match((await shown(secure("shop.example"))).subjectaltname ?? "", /shop\.example/);
    });

    it("shows no certificate to another name, and sends one that comes by the same connection away", async () => {
        for (const host of ["blog.example", "nobody.example", "a.b.shop.example", "example"])
            await assert.rejects(shown(secure(host)), host);
        assert.equal((await get("a.b.blog.example")).status, 404);
        const { status } = await get2(secure("shop.example"), "/", { ":authority": "de.shop.example" });
        assert.equal(status, 421);
    });

    it("tells the release who the visitor is", async () => {
        const filters = { name: [`decanter-${name("edge")}`] };
        const [{ Id = "" } = {}] = await engine.listNetworks({ filters });
        const { IPAM } = (await engine.getNetwork(Id).inspect()) as {
            IPAM: { Config: { Gateway: string }[] };
        };
        // Docker's proxy leads loopback into the edge's network from there.
        const visitor = IPAM.Config[0]?.Gateway;
        assert.equal((await get("blog.example", "/visitor")).body, `${visitor} http`);
        assert.equal((await get1(secure("shop.example"), "/visitor")).body, `${visitor} https`);
    });

    it("has no port of the host but the edge's", async () => {
        for (const site of [shop, blog]) {
            const published = (await site.containers("")).flatMap(({ Names, Ports }) =>
                Ports.some(({ PublicPort }) => PublicPort) ? Names : [],
            );
            assert.deepEqual(
                published.filter((one) => !one.includes("registry")),
                [],
            );
        }
    });

    it("changes nothing when nothing has changed", async () => {
        assert.equal(await edge.up({ ...place, ...ports }), 0);
        assert.equal(await shop.up(), 0);
        assert.equal(await blog.up(), 0);
    });

    it("refuses a name that another stack has, and gives it up with that", async () => {
        await assert.rejects(
            wiki.deploy({ domain: "blog.example", domainAliases: ["wiki.example"] }),
            /the name blog\.example belongs to another stack on this edge, whose network is router-/,
        );
        // It would have it as soon as nobody else has.
        assert.equal((await wiki.containers("route-")).length, 0);
        assert.equal((await get("blog.example")).body, `hello ${blog.version}\n`);
    });

    it("loses no request while one is added, one gets a release and a router, and one is destroyed", async function () {
        this.timeout(600_000);
        const { routerImage = "docker.io/haproxy:3.2" } = baseImages();
        await engine.getImage(routerImage).tag(other);
        const before = await shop.containers("edge-router");
        const [route] = await blog.containers("route-");
        await unnoticed(async () => {
            await wiki.up({ domain: "wiki.example", domainAliases: [] });
            assert.equal((await get("wiki.example")).body, `hello ${wiki.version}\n`);
            await engine.getContainer(route?.Id ?? "").restart();
            await shop.deploy({ routerImage: `${other.repo}:${other.tag}` });
            await wiki.pulumi.destroy();
        });
        const now = await shop.containers("edge-router");
        assert.equal(now.length, 1);
        assert.notEqual(now[0]?.Id, before[0]?.Id);
        assert.equal((await get1(secure("shop.example"), "/")).body, `hello ${shop.version}\n`);
    });

    it("forgets the names of a stack that is gone, and others may have them", async () => {
        for (let i = 0; (await get("wiki.example")).status !== 404; i++) {
            assert.ok(i < 30, "wiki.example is still there");
            await sleep(1000);
        }
        await blog.up({ domainAliases: ["*.blog.example", "wiki.example"] });
        assert.equal((await get("wiki.example")).body, `hello ${blog.version}\n`);
    });

    it("gets another HAProxy without a closed port and without a lost request", async function () {
        this.timeout(600_000);
        const before = edge.outputs.containers as string[];
        await engine.getImage(baseImages().routerImage ?? "docker.io/haproxy:3.2").tag(other);
        await unnoticed(() => edge.up({ ...place, ...ports, routerImage: `${other.repo}:${other.tag}` }));
        assert.notDeepEqual(edge.outputs.containers, before);
    });

    it("answers again by either of its containers, whatever happens to the other one and to its volume", async () => {
        const [haproxy = ""] = edge.outputs.containers as string[];
        const { HostConfig } = await engine.getContainer(haproxy).inspect();
        const holder = HostConfig.NetworkMode?.replace("container:", "") ?? "";
        const emptied = await engine
            .getContainer(haproxy)
            .exec({ Cmd: ["bash", "-c", "rm -rf /edge/*"], AttachStdout: true });
        await emptied.start({});
        await sleep(2000);
        for (const what of [
            () => engine.getContainer(haproxy).restart(),
            () => engine.getContainer(holder).restart(),
            () => engine.getContainer(haproxy).stop(),
            () => engine.getContainer(haproxy).start(),
        ]) {
            await what();
            for (let i = 0; (await get("blog.example").catch(() => ({ status: 0 }))).status !== 200; i++) {
                assert.ok(i < 30, `blog.example does not answer after ${what.toString()}`);
                await sleep(1000);
            }
            assert.equal((await get1(secure("shop.example"), "/")).status, 200);
        }
    });

    it("leaves nothing on the host", async () => {
        for (const site of [shop, blog, wiki]) await site.pulumi.destroy();
        await edge.destroy();
        const filters = { name: [`decanter-${name("edge")}`] };
        assert.deepEqual(await engine.listNetworks({ filters }), []);
        assert.deepEqual((await engine.listVolumes({ filters })).Volumes ?? [], []);
    });
});
