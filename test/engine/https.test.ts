import { strict as assert } from "node:assert";
import { App } from "../support/app";
import { certificate, otherCertificate, otherKey, privateKey } from "../support/certificate";
import { acmeImage, CertificateAuthority, skipWithoutAuthority } from "../support/certificateAuthority";
import { engine } from "../support/dockerProvider";
import { baseImages, freePort } from "../support/machine";
import { RealEngine, skipWithoutEngine } from "../support/realEngine";
import { get1, get2, shown, type TlsTarget } from "../support/tlsClient";

describe("https with Pulumi's engine", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    skipWithoutAuthority();

    const stack = `engine-test-https-${process.pid}`;
    const pulumi = new RealEngine(stack);
    const app = new App();
    let authority: CertificateAuthority | undefined;
    let target: TlsTarget;
    let settings: Record<string, unknown>;

    before(async () => {
        target = { port: await freePort(), name: "shop.example" };
        settings = {
            ...baseImages(),
            app: app.folder,
            domain: target.name,
            https: "acme",
            acmeImage,
            acmeServer: CertificateAuthority.server,
            acmeRoot: await CertificateAuthority.root(),
            publicPort: await freePort(),
            httpsPort: target.port,
            bindAddress: "127.0.0.1",
            bakeSeconds: 0,
            drainSeconds: 5,
        };
    });
    after(async () => {
        await authority?.stop();
        await pulumi.destroy();
        app.remove();
    });

    it("deploys without a CA, and warns of it in Pulumi's output", async () => {
        await pulumi.up(settings);
        assert.match(
            pulumi.said,
            /warning:.* no new certificate for shop\.example; the next try is in 1 min/,
        );
        const answer = await fetch(`http://127.0.0.1:${settings.publicPort as number}/`, {
            redirect: "manual",
        });
        assert.equal(answer.status, 200);
    });

    it("has a certificate once the CA is there, and changes nothing at the next preview", async () => {
        const keeper = engine.getContainer(pulumi.outputs.certificate as string);
        const [network = ""] = Object.keys((await keeper.inspect()).NetworkSettings.Networks);
        const filters = { label: [`decanter.stack=decanter/${stack}`] };
        const router = (await engine.listContainers({ filters })).find(({ Names: [name = ""] }) =>
            /-router-[0-9a-f]{7}$/.test(name),
        );
        const address = router?.NetworkSettings.Networks[network]?.IPAddress ?? "";
        authority = await CertificateAuthority.start(network, address);
        await keeper.restart({ t: 0 });
        const isThere = () => shown(target).then(Boolean, () => false);
        for (const end = Date.now() + 60_000; !(await isThere());) assert.ok(Date.now() < end);
        for (const get of [get1, get2]) assert.equal((await get(target, "/")).status, 200);
        assert.equal(await pulumi.preview(settings), 0);
    });

    it("has one for another domain after the deploy that sets it", async () => {
        settings = { ...settings, domain: "cellar.example" };
        await pulumi.up(settings);
        assert.doesNotMatch(pulumi.said, /no new certificate/);
        assert.equal(
            (await shown({ ...target, name: "cellar.example" })).subjectaltname,
            "DNS:cellar.example",
        );
    });

    it("takes one that is given instead, with its key in no output and no state", async () => {
        const { https: _https, ...given } = settings;
        settings = { ...given, domain: target.name, tlsCertificate: certificate + privateKey };
        await pulumi.up(settings);
        let said = pulumi.said;
        const first = (await shown(target)).fingerprint256;
        settings = { ...settings, tlsCertificate: otherCertificate + otherKey };
        await pulumi.up(settings);
        said += pulumi.said;
        assert.notEqual((await shown(target)).fingerprint256, first);
        assert.equal(await pulumi.preview(settings), 0);
        for (const key of [privateKey, otherKey]) {
            const line = key.split("\n")[1] ?? "";
            assert.ok(line.length > 40);
            assert.ok(!(said + pulumi.said).includes(line));
            assert.ok(!pulumi.state().includes(line));
        }
    });
});
