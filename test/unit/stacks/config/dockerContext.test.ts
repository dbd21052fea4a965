import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Config } from "../../../../stacks/config/config";
import { mustBeOneDaemon } from "../../../../stacks/config/dockerContext";

describe("the Docker context", () => {
    let folder: string;
    beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-contexts-"))));
    afterEach(() => fs.rmSync(folder, { recursive: true }));

    /** Makes a context as Docker's command line stores it. */
    function context(name: string, address: string, hasCertificates = false): string {
        const id = createHash("sha256").update(name).digest("hex");
        const meta = path.join(folder, "contexts", "meta", id);
        fs.mkdirSync(meta, { recursive: true });
        const endpoint = { Host: address, SkipTLSVerify: false };
        fs.writeFileSync(
            path.join(meta, "meta.json"),
            JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: endpoint } }),
        );
        const certificates = path.join(folder, "contexts", "tls", id, "docker");
        if (hasCertificates) fs.mkdirSync(certificates, { recursive: true });
        return certificates;
    }
    const use = (name: string) =>
        fs.writeFileSync(
            path.join(folder, "config.json"),
            JSON.stringify({ auths: {}, currentContext: name }),
        );
    const config = (settings: object = {}) => ({ target: "docker", ...settings }) as Config;
    /** What is refused; empty where nothing is. */
    function refused(settings: object = {}, env: Record<string, string> = {}): string {
        try {
            mustBeOneDaemon(config(settings), { DOCKER_CONFIG: folder, ...env });
            return "";
        } catch (error) {
            assert.ok(pulumi.RunError.isInstance(error));
            assert.doesNotMatch(error.message, /\n/);
            return error.message;
        }
    }

    it("is no question without one, or with that of the local socket", () => {
        assert.equal(refused(), "");
        use("default");
        assert.equal(refused(), "");
        // Docker's command line itself says that it is not there.
        use("gone");
        assert.equal(refused(), "");
        context("desktop", "unix:///var/run/docker.sock");
        use("desktop");
        assert.equal(refused(), "");
    });

    it("is refused where the provider would look elsewhere, with what to set", () => {
        context("colima", "unix:///home/me/.colima/docker.sock");
        use("colima");
        assert.equal(
            refused(),
            "Docker's command line is at unix:///home/me/.colima/docker.sock (its context colima), where Pulumi's Docker " +
                "provider does not look: deploy with ./bin/up, or run: " +
                "export DOCKER_HOST=unix:///home/me/.colima/docker.sock, or: " +
                "pulumi config set host unix:///home/me/.colima/docker.sock",
        );
    });

    it("is refused with its certificates, which no setting names", () => {
        const certificates = context("cellar", "tcp://cellar:2376", true);
        use("cellar");
        assert.match(
            refused(),
            new RegExp(
                `run: export DOCKER_HOST=tcp://cellar:2376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=${certificates}$`,
            ),
        );
    });

    it("counts nothing where the stack or the environment names a host", () => {
        context("colima", "unix:///home/me/.colima/docker.sock");
        use("colima");
        assert.equal(refused({ host: "ssh://me@server" }), "");
        assert.equal(refused({}, { DOCKER_HOST: "unix:///y.sock" }), "");
    });

    it("is refused in the environment, whose variable the provider's resources take before any host", () => {
        context("colima", "unix:///home/me/.colima/docker.sock");
        const env = { DOCKER_CONTEXT: "colima" };
        const remedy =
            "DOCKER_CONTEXT is colima, which Pulumi's Docker provider follows halfway: deploy with ./bin/up, or run: unset DOCKER_CONTEXT";
        assert.equal(refused({}, env), `${remedy}; export DOCKER_HOST=unix:///home/me/.colima/docker.sock`);
        assert.equal(refused({ host: "ssh://me@server" }, env), remedy);
        assert.equal(refused({}, { ...env, DOCKER_HOST: "unix:///y.sock" }), remedy);
    });

    it("counts nothing on AWS where nothing is built", () => {
        context("colima", "unix:///home/me/.colima/docker.sock");
        use("colima");
        const image = "ghcr.io/acme/hello@sha256:1";
        assert.equal(refused({ target: "fargate", image, aws: {} }), "");
        assert.equal(refused({ target: "floating-ip", image, aws: {} }), "");
        assert.notEqual(refused({ target: "floating-ip", image, aws: { tlsCertificate: "pem" } }), "");
        assert.notEqual(refused({ target: "fargate", aws: {} }), "");
        assert.notEqual(refused({ image }), "");
    });
});
