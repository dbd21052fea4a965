import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";

/** How a command ended, and all that it printed. */
export interface Ended {
    code: number | null;
    said: string;
}

/** A command that runs in a process group of its own, as it does in a terminal. */
export class Command {
    said = "";
    readonly ended: Promise<Ended>;
    private readonly child: ChildProcess;

    constructor(file: string, args: string[], cwd: string, env: NodeJS.ProcessEnv) {
        this.child = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
        for (const stream of [this.child.stdout, this.child.stderr])
            stream?.on("data", (data: Buffer) => (this.said += data.toString()));
        this.ended = new Promise((resolve, reject) => {
            this.child.once("error", reject);
            // Not when its pipes are closed: what it started may hold them open.
            this.child.once("exit", (code) => setTimeout(() => resolve({ code, said: this.said }), 200));
        });
    }

    get pid(): number {
        return this.child.pid ?? 0;
    }

    /** Sends a signal to every process of the group, as Ctrl-C does. */
    interrupt(): void {
        process.kill(-this.pid, "SIGINT");
    }

    /** Waits until a process below this one has a command line that matches, and gives its id; undefined if none came. */
    async below(pattern: RegExp): Promise<number | undefined> {
        for (;;) {
            const found = descendants(this.pid).find((pid) => pattern.test(commandLine(pid)));
            if (found !== undefined || this.child.exitCode !== null) return found;
            await sleep(20);
        }
    }
}

/** Copies the files of this project, but for what git ignores, into a folder. */
export function copyProject(to: string): void {
    const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { encoding: "utf8" });
    for (const file of files.split("\n").filter((name) => name !== "" && fs.existsSync(name))) {
        // The packages are as old as the list of them.
        fs.cpSync(file, path.join(to, file), { preserveTimestamps: true, verbatimSymlinks: true });
    }
}

/** Puts the files of a commit into a folder; whoever asks has seen to it that it is in the history. */
export function copyCommit(commit: string, to: string): void {
    const archive = execFileSync("git", ["archive", commit], { maxBuffer: 256 * 1024 * 1024 });
    execFileSync("tar", ["-x", "-C", to], { input: archive });
}

/** A checkout of this project as a user has it, with a stack `local` of its own. */
export class Checkout {
    readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-checkout-"));

    /** @param env environment of its commands, over the test's own */
    constructor(
        settings: Record<string, unknown>,
        private readonly env: Record<string, string> = {},
    ) {
        copyProject(this.folder);
        fs.symlinkSync(path.resolve("node_modules"), path.join(this.folder, "node_modules"));
        this.configure(settings);
    }

    /** Changes the settings of the stack. */
    configure(settings: Record<string, unknown>): void {
        const file = path.join(this.folder, "Pulumi.local.yaml");
        const salt = fs.existsSync(file) ? /^encryptionsalt: .*$/m.exec(fs.readFileSync(file, "utf8")) : null;
        const config = Object.fromEntries(
            Object.entries(settings).map(([key, value]) => [`decanter:${key}`, value]),
        );
        fs.writeFileSync(file, `${salt?.[0] ?? ""}\n${stringify({ config })}`);
    }

    /** Starts one of its commands, such as `up`. */
    start(command: string, ...args: string[]): Command {
        return new Command(path.join(this.folder, "bin", command), args, this.folder, {
            ...process.env,
            ...this.env,
            PULUMI_BACKEND_URL: `file://${this.folder}/.decanter/state`,
        });
    }

    /** Runs one of its commands to its end. */
    run(command: string, ...args: string[]): Promise<Ended> {
        return this.start(command, ...args).ended;
    }

    /** Removes the stack and the checkout; rejects with all that was said where the stack is still there. */
    async destroy(): Promise<void> {
        const { code, said } = await this.run(
            "pulumi",
            "destroy",
            "--yes",
            "--skip-preview",
            "--stack",
            "local",
        );
        this.remove();
        if (code !== 0) throw new Error(said);
    }

    remove(): void {
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}

/** The ids of all processes below one. */
export function descendants(pid: number): number[] {
    const tasks = `/proc/${pid}/task`;
    try {
        const children = fs
            .readdirSync(tasks)
            .flatMap((task) => fs.readFileSync(`${tasks}/${task}/children`, "utf8").split(" "))
            .filter((child) => child.trim() !== "")
            .map(Number);
        return children.flatMap((child) => [child, ...descendants(child)]);
    } catch {
        // It has ended meanwhile.
        return [];
    }
}

function commandLine(pid: number): string {
    try {
        return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
        return "";
    }
}
