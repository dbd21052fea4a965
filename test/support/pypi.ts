import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Installs a package from PyPI for this checkout, once, and gives the path of one of its commands; throws with the reason
 * where it cannot be had.
 *
 * @param name folder below .decanter
 * @param requirement the package with its version, as pip spells it
 */
export async function fromPypi(name: string, requirement: string, command: string): Promise<string> {
    const venv = path.resolve(".decanter", name);
    const file = path.join(venv, "bin", command);
    if (!fs.existsSync(file)) {
        await run("python3", ["-m", "venv", venv], { timeout: 120_000 });
        await run(path.join(venv, "bin/pip"), ["install", "--quiet", requirement], { timeout: 400_000 });
    }
    return file;
}
