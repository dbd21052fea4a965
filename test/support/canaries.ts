import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { engine } from "./dockerProvider";

/** Secrets that may be found nowhere, by the name of their variable. */
export const CANARIES = {
    DATABASE_URL: "ecto://wine:canary-merlot-1982@db/cellar",
    API_KEY: "canary-riesling-2f9c",
};

/** The values that a container has of the secrets that Decanter generates. */
export async function generatedSecrets(container: string): Promise<Record<string, string>> {
    const { Env } = (await engine.getContainer(container).inspect()).Config;
    const variables = Env.map((variable) => /^(RELEASE_COOKIE|SECRET_KEY_BASE)=(.+)$/.exec(variable));
    return Object.fromEntries(variables.flatMap((match) => (match ? [[match[1], match[2]]] : [])));
}

/** The names of the secrets that a text holds, as they are or as JSON has them. */
export function secretsIn(text: string, secrets: Record<string, string>): string[] {
    return Object.entries(secrets)
        .filter(([, value]) => text.includes(value) || text.includes(JSON.stringify(value).slice(1, -1)))
        .map(([name]) => name);
}

/** Every byte of an image: its layers, its history, and how it is to be run. */
export function bytesOf(image: string): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-image-"));
    try {
        const history = execFileSync("docker", ["history", "--no-trunc", image], { encoding: "latin1" });
        // A layer may be compressed, or not.
        const script = 'docker save "$1" | tar -x -C "$2" && find "$2" -type f -exec zcat -f {} +';
        const options = { encoding: "latin1", maxBuffer: 2 ** 30 } as const;
        return (
            history + execFileSync("bash", ["-o", "pipefail", "-c", script, "save", image, folder], options)
        );
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
}

/** The command lines of every process on this machine, as `ps` shows them to everybody. */
export function commandLines(): string {
    const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids
        .map((pid) => {
            try {
                return fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
            } catch {
                return "";
            }
        })
        .join("\n");
}
