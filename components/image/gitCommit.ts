import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The commit that a folder is at. */
export interface Commit {
    /** Its hash, with "-dirty" behind it where files have changed since. */
    revision: string;
    /** Its time; undefined where files have changed since. */
    time?: Date;
    /** Where the repository comes from, without a login. */
    source?: string;
}

/** The commit that a folder is at; undefined where it is in no repository, or there is no git. */
export async function commitOf(folder: string): Promise<Commit | undefined> {
    const [head, changed, origin] = await Promise.all([
        git(folder, "log", "-1", "--format=%H %ct"),
        git(folder, "status", "--porcelain", "--", "."),
        git(folder, "remote", "get-url", "origin"),
    ]);
    if (head === undefined) return undefined;
    const [revision, seconds] = head.split(" ");
    const isClean = changed === "";
    return {
        revision: `${revision}${isClean ? "" : "-dirty"}`,
        time: isClean ? new Date(Number(seconds) * 1000) : undefined,
        source: origin?.replace(/^(\w+:\/\/)[^/@]*@/, "$1"),
    };
}

async function git(folder: string, ...args: string[]): Promise<string | undefined> {
    try {
        return (
            await promisify(execFile)("git", ["--no-optional-locks", "-C", folder, ...args])
        ).stdout.trim();
    } catch {
        return undefined;
    }
}
