import { strict as assert } from "node:assert";
import { imageReference, registryOf } from "../../../components/release/imageReference";

const digest = `sha256:${"0a".repeat(32)}`;
const ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

describe("the reference of an image", () => {
    for (const [reference, registry, path, tag, of] of [
        ["hello", "", "hello"],
        ["acme/hello:1.0.0", "", "acme/hello", "1.0.0"],
        ["docker.io/library/debian:trixie-slim", "docker.io", "library/debian", "trixie-slim"],
        [`127.0.0.1:25000/hello@${digest}`, "127.0.0.1:25000", "hello", undefined, digest],
        [`localhost/a/b:1@${digest}`, "localhost", "a/b", "1", digest],
        [`${ecr}/decanter-prod:1.0.0-0a0a@${digest}`, ecr, "decanter-prod", "1.0.0-0a0a", digest],
        ["ghcr.io:443/acme/hello", "ghcr.io:443", "acme/hello"],
        [`hello@${digest}`, "", "hello", undefined, digest],
    ] as const) {
        it(`names its parts: ${reference}`, () => {
            assert.deepEqual(imageReference(reference), {
                registry,
                path,
                repository: registry === "" ? path : `${registry}/${path}`,
                ...(tag && { tag }),
                ...(of && { digest: of }),
            });
        });
    }

    it("has the registry of an address, with a path or without one", () => {
        assert.equal(registryOf("ghcr.io/acme/a"), "ghcr.io");
        assert.equal(registryOf("registry.example:5000"), "registry.example:5000");
    });
});
