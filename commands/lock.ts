import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ask } from "./command";

/** The lock that Pulumi puts on a stack whose state is in files, while it works on it. */
export interface Lock {
    pid: number;
    username: string;
    hostname: string;
    timestamp: string;
}

/** The locks of a stack; undefined where its state is not in files. */
export function locksOf(stack: string, backend = process.env.PULUMI_BACKEND_URL ?? ""): Lock[] | undefined {
    if (!backend.startsWith("file://")) return undefined;
    const folder = path.join(backend.slice("file://".length), ".pulumi/locks/organization/decanter", stack);
    if (!fs.existsSync(folder)) return [];
    return fs
        .readdirSync(folder)
        .filter((file) => file.endsWith(".json"))
        .map((file) => JSON.parse(fs.readFileSync(path.join(folder, file), "utf8")) as Lock);
}

/** Whether a lock is of this machine. */
export function isFromHere({ hostname }: Lock): boolean {
    return hostname === os.hostname();
}

/** Whether the process runs that has made a lock on this machine. */
export function isAlive({ pid }: Lock): boolean {
    // A signal to a process of another user would be refused, and macOS has no /proc.
    return fs.existsSync(`/proc/${pid}`) || ask("ps", "-p", `${pid}`).code === 0;
}

/** Whether somebody deploys a stack, or may do so: only of a state in files this machine knows. */
export function mayBeDeployed(stack: string): boolean {
    return locksOf(stack)?.some((lock) => !isFromHere(lock) || isAlive(lock)) ?? true;
}
