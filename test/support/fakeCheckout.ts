import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** A checkout whose pulumi, docker and other tools are scripts, with a state in files. */
export class FakeCheckout {
    readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-checkout-"));
    /** Environment of a command, besides what every command has. */
    variables: Record<string, string> = {};
    private readonly tools = path.join(this.folder, "tools");

    constructor(pulumi: string, docker = "exit 0", others: Record<string, string> = {}) {
        for (const folder of [
            "bin",
            "docker/images.json",
            "docker/router/live",
            "Pulumi.yaml",
            "package-lock.json",
        ])
            fs.cpSync(folder, path.join(this.folder, folder), { recursive: true });
        // What its commands in TypeScript need. The packages are newer than their list, so nothing is installed.
        for (const folder of ["ci", "commands", "node_modules"])
            fs.symlinkSync(path.resolve(folder), path.join(this.folder, folder));
        fs.utimesSync(path.join(this.folder, "package-lock.json"), 0, 0);
        fs.writeFileSync(path.join(this.folder, "Pulumi.local.yaml"), "encryptionsalt: v1:a\n");
        fs.mkdirSync(this.tools);
        this.write("pulumi", `echo "pulumi $*" >> "$CALLS"\n${pulumi}`);
        // Without buildx the machine's own client would take its place, which answers only where there is a daemon.
        const withBuildx = `[ "$1" != buildx ] || exit 0\n${docker}`;
        for (const [tool, script] of Object.entries({ docker: withBuildx, ...others }))
            this.write(tool, `echo "${tool} $*" >> "$CALLS"\n${script}`);
        fs.symlinkSync(process.execPath, path.join(this.tools, "node"));
    }

    private write(tool: string, script: string): void {
        fs.writeFileSync(path.join(this.tools, tool), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }

    /** Locks the stack as Pulumi does. */
    lock(owner: { pid: number; hostname: string }): void {
        const folder = path.join(this.folder, "state/.pulumi/locks/organization/decanter/local");
        fs.mkdirSync(folder, { recursive: true });
        const lock = { ...owner, username: "ada", timestamp: "2026-11-21T10:00:00.5Z" };
        fs.writeFileSync(path.join(folder, "1.json"), JSON.stringify(lock));
    }

    /** Environment of a command. */
    get env(): Record<string, string> {
        return {
            PATH: `${this.tools}:/usr/bin:/bin`,
            HOME: this.folder,
            CALLS: path.join(this.folder, "calls"),
            PULUMI_BACKEND_URL: `file://${this.folder}/state`,
            ...this.variables,
        };
    }

    /** Path of a command. */
    command(name: string): string {
        return path.join(this.folder, "bin", name);
    }

    /** Runs a command, and gives how it ended and what it called. */
    run(command: string, ...args: string[]) {
        const calls = path.join(this.folder, "calls");
        fs.writeFileSync(calls, "");
        const ended = spawnSync(this.command(command), args, { encoding: "utf8", env: this.env });
        return { ...ended, calls: fs.readFileSync(calls, "utf8").trimEnd().split("\n") };
    }

    remove(): void {
        fs.rmSync(this.folder, { recursive: true });
    }
}

/** What Pulumi says of settings with `pulumi config --json`. */
export function configJson(settings: Record<string, string>): string {
    const all = Object.entries(settings).map(([key, value]) => [`decanter:${key}`, { value, secret: false }]);
    return JSON.stringify(Object.fromEntries(all));
}

/** A pulumi whose stack `local` has a target, outputs and a region. */
export function pulumiOf(target: string, outputs: object, image = ""): string {
    return `case "$*" in
        "stack output --stack local --json") echo '${JSON.stringify(outputs).replaceAll("'", "'\\''")}' ;;
        "config --stack "*) echo '${configJson({ target, region: "eu-central-1", image })}' ;;
    esac`;
}
