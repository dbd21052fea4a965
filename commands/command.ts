import { spawnSync } from "node:child_process";

/** What ends a command: one line that says why, after the command's name. */
export class CommandError extends Error {}

/** What a program printed, and how it ended. */
export interface Ended {
    code: number;
    stdout: string;
    /** All that it printed, errors last. */
    output: string;
}

/** The exit code, where it is not 0. */
type Result = number | void;

/**
 * Runs what a command of bin/ does, which may give its exit code. Where it throws a CommandError, that is its last line, and its exit
 * code is 1.
 */
export function command(run: (...args: string[]) => Result | Promise<Result>): void {
    const running = (async () => run(...process.argv.slice(2)))();
    running.then(
        (code) => (process.exitCode = code ?? 0),
        (error: Error) => {
            if (!(error instanceof CommandError)) throw error;
            process.stderr.write(`${process.env.COMMAND}: ${error.message}\n`);
            process.exitCode = 1;
        },
    );
}

/** Says a line to who runs the command; standard output is for what others read. */
export function say(line: string): void {
    process.stderr.write(`${line}\n`);
}

/** Runs a program, and takes what it prints. One that cannot be run ends with 127, as in a shell. */
export function ask(program: string, ...args: string[]): Ended {
    const options = { encoding: "utf8", maxBuffer: 1024 ** 3 } as const;
    const { error, status, stdout, stderr } = spawnSync(program, args, options);
    if (error) return { code: 127, stdout: "", output: `${program} cannot be run: ${error.message}` };
    return { code: status ?? 1, stdout, output: stdout + stderr };
}

/** Runs a program, and gives what it prints; where it fails, the command ends with its words. */
export function must(program: string, ...args: string[]): string {
    const { code, stdout, output } = ask(program, ...args);
    if (code !== 0) throw new CommandError(output.trim());
    return stdout;
}

/** Runs a program in this terminal, and gives its exit code. */
export function show(program: string, ...args: string[]): number {
    // After Ctrl-C the program comes to its own end, and this one waits for that.
    process.on("SIGINT", () => {});
    const { error, status } = spawnSync(program, args, { stdio: "inherit" });
    if (error) throw new CommandError(`${program} cannot be run: ${error.message}`);
    return status ?? 130;
}
