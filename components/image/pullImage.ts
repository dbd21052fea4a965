import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import type { DockerResult } from "../docker/dockerCli";
import type { DockerHost } from "../docker/dockerHost";
import { imageReference } from "../release/imageReference";

/** A login at a registry. */
export interface RegistryLogin {
    username: string;
    password: string;
}

/**
 * Pulls an image.
 *
 * @param host where it is to be
 * @param image its reference
 * @param login undefined takes that of the machine's Docker, which otherwise stays as it is
 */
export async function pullImage(
    host: DockerHost,
    image: string,
    login?: RegistryLogin,
): Promise<DockerResult> {
    const pull = ["pull", "-q", image];
    if (login === undefined) return host.run(pull, 600);
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), "decanter-login-"));
    try {
        const auth = Buffer.from(`${login.username}:${login.password}`).toString("base64");
        const config = { auths: { [imageReference(image).registry]: { auth } } };
        await fs.writeFile(path.join(folder, "config.json"), JSON.stringify(config), { mode: 0o600 });
        return await host.run(["--config", folder, ...pull], 600);
    } finally {
        await fs.rm(folder, { recursive: true });
    }
}
