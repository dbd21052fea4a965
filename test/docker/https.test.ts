import { strict as assert } from "node:assert";
import { type Fate, Load, type LoadOptions, summarize } from "../../bench/load";
import program from "../../index";
import { App } from "../support/app";
import { certificate, otherCertificate, otherKey, privateKey } from "../support/certificate";
import { isThere } from "../support/deploys";
import { engine } from "../support/dockerProvider";
import { baseImages, freePort } from "../support/machine";
import { MiniEngine } from "../support/miniEngine";
import { Sockets } from "../support/sockets";
import { get1, shown, type TlsTarget } from "../support/tlsClient";

describe("a release behind https, under load", function () {
    this.timeout(300_000);

    const stack = `test-https-${process.pid}`;
    const pulumi = new MiniEngine(stack, program);
    const app = new App();
    let target: TlsTarget;
    let settings: Record<string, unknown>;
    let deploys = 0;

    before(async () => {
        target = { port: await freePort(), name: "shop.example" };
        settings = {
            ...baseImages(),
            app: app.folder,
            domain: target.name,
            tlsCertificate: certificate + privateKey,
            bindAddress: "127.0.0.1",
            publicPort: await freePort(),
            httpsPort: target.port,
            bakeSeconds: 1,
            drainSeconds: 15,
        };
    });
    after(async () => {
        await pulumi.destroy();
        app.remove();
    });

    /** Deploys the next version, and returns its name. */
    const deploy = async (more: Record<string, unknown> = {}): Promise<string> => {
        const version = `1.0.${++deploys}`;
        app.release(version);
        settings = { ...settings, ...more };
        const deployed = pulumi.up(settings);
        await isThere(stack, version, deployed);
        await deployed;
        return version;
    };

    it("answers by https once it is deployed, at the URL that is said", async () => {
        const version = await deploy();
        assert.equal(pulumi.outputs.url, `https://shop.example:${target.port}`);
        const { status, body } = await get1(target, "/");
        assert.deepEqual([status, body], [200, `hello ${version}\n`]);
        assert.match((await shown(target)).subjectaltname ?? "", /shop\.example/);
    });

    it("loses no request and no stream of five deploys, one of which brings another certificate", async function () {
        this.timeout(600_000);
        const place: LoadOptions = { port: target.port, https: target.name };
        const loads = [
            new Load({ ...place, busy: 16, rate: 150, idle: 50, idleSeconds: 15, post: 8 }),
            new Load({ ...place, http2: true, busy: 16, rate: 150, idle: 20, idleSeconds: 15, post: 8 }),
        ];
        const before = (await shown(target)).fingerprint256;
        const versions: string[] = [];
        for (let i = 0; i < 5; i++)
            versions.push(await deploy(i === 2 ? { tlsCertificate: otherCertificate + otherKey } : {}));
        const fates = (await Promise.all(loads.map((load) => load.stop()))).flat();
        const failed = fates.filter(({ failure }) => failure !== undefined);
        assert.deepEqual(
            failed.slice(0, 3),
            [],
            `${failed.length} failed: ${JSON.stringify(summarize(fates))}`,
        );
        assert.ok(fates.length > 5000, `${fates.length} requests were sent`);
        assert.notEqual((await shown(target)).fingerprint256, before);
        const answered = new Set(fates.map(({ body }: Fate) => body));
        for (const version of versions) assert.ok(answered.has(`hello ${version}\n`), version);
    });

    for (const http2 of [false, true]) {
        const by = http2 ? "HTTP/2" : "HTTP/1.1";
        it(`leaves WebSockets by ${by} to the old release, and they come back to the new one`, async () => {
            const before = pulumi.outputs.version as string;
            const sockets = new Sockets({ port: target.port, https: target.name, http2, count: 200 });
            await sockets.opened();
            const version = await deploy();
            await sockets.reconnected();
            const records = await sockets.close();
            const of = <T>(what: (record: (typeof records)[number]) => T) => [...new Set(records.map(what))];
            assert.deepEqual(
                of(({ first, second }) => [first, second].map((life) => life?.greeting).join()),
                [`hello ${before},hello ${version}`],
            );
            assert.deepEqual(
                of(({ first }) => first.code),
                [1012],
            );
            assert.deepEqual(
                of(({ first, second }) => first.lost + (second?.lost ?? 0)),
                [0],
            );
            assert.ok(
                records.every(({ first }) => first.echoes > 0),
                "all have talked",
            );
        });
    }

    it("has its keeper gone from the host with the stack", async () => {
        await pulumi.destroy();
        const filters = { label: [`decanter.stack=decanter/${stack}`] };
        assert.deepEqual(await engine.listContainers({ all: true, filters }), []);
        const { Volumes } = await engine.listVolumes({ filters });
        assert.deepEqual(Volumes ?? [], []);
    });
});
