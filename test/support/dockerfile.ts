import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { readDockerfile } from "../../components/image/dockerfile";

let written: string | undefined;

/** Path of docker/Dockerfile with its scripts in it, for Docker's command line. */
export function ourDockerfile(): string {
    if (written === undefined) {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-dockerfile-"));
        process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
        written = path.join(folder, "Dockerfile");
        fs.writeFileSync(written, readDockerfile("docker/Dockerfile"));
    }
    return written;
}
