import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** AWS's command line as PyPI has it. Its version 2, which hosts have, is not there; the calls of a host are the same in both. */
const VERSION = "1.46.3";

/** Installs AWS's command line for this checkout, once, and gives its path; throws with the reason where it cannot be had. */
export async function awsCli(): Promise<string> {
    const venv = path.resolve(".decanter/awscli");
    const command = path.join(venv, "bin/aws");
    if (!fs.existsSync(command)) {
        await run("python3", ["-m", "venv", venv], { timeout: 120_000 });
        const packages = ["install", "--quiet", `awscli==${VERSION}`];
        await run(path.join(venv, "bin/pip"), packages, { timeout: 400_000 });
    }
    return command;
}
