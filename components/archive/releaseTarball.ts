import { buffer } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import type { DockerHost } from "../docker/dockerHost";
import { lastLines } from "../release/logExcerpt";

/** Where the image has the release. */
const FOLDER = "/app";

/**
 * Takes the release out of its image, as the tarball that `mix release` makes with the step `:tar`: bin/, erts-*, lib/ and
 * releases/ at the top. Nothing of the image is started. The same image gives the same bytes. Throws with what Docker says.
 *
 * @param host Docker host that has the image, such as `ssh://user@host`
 * @param image reference of the image
 * @param platform platform of the image, which the host's CPU need not be
 */
export async function releaseTarball(host: DockerHost, image: string, platform: string): Promise<Buffer> {
    const created = await host.run(["create", "--platform", platform, image]);
    if (created.code !== 0)
        throw new Error(`Docker makes no container of the image: ${created.output.trim()}`);
    const container = created.stdout.trim();
    try {
        // Compressed without a name and a time, it is the same each time.
        const gzip = createGzip();
        const copy = ["cp", `${container}:${FOLDER}/.`, "-"];
        const [{ code, output }, tarball] = await Promise.all([host.stream(copy, gzip, 600), buffer(gzip)]);
        if (code !== 0) {
            const said = lastLines(output, []);
            throw new Error(`Docker does not copy ${FOLDER} out of the image (exit code ${code}):\n${said}`);
        }
        return tarball;
    } finally {
        await host.run(["rm", container]);
    }
}
