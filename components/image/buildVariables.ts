import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";

/** A shell script that sets environment variables. */
export function exportScript(variables: Record<string, string>): string {
    return Object.entries(variables)
        .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
        .join("");
}

/**
 * The secret `build` of a build: a script with its secret variables, and with the name under which the Docker host caches the
 * dependencies of this app. It is a secret for no layer to depend on it; no other app and no other folder has the same.
 */
export function buildSecret(app: string, secrets: Record<string, string>): string {
    const folder = fs.realpathSync(app);
    const id = createHash("sha256").update(`${os.hostname()}\0${folder}`).digest("hex").slice(0, 32);
    return `CACHE_ID=${id}\n${exportScript(secrets)}`;
}

function quoted(value: string): string {
    return `'${value.replaceAll("'", "'\\''")}'`;
}
