import { execFileSync } from "node:child_process";
import * as path from "node:path";

/**
 * The files that git tracks in a folder and in its submodules, by their paths in it; undefined where there is no git, or it
 * does not track the folder's mix.exs, as of a copy in the work tree of something else.
 */
export function trackedFiles(folder: string): string[] | undefined {
    const files = listed(folder, "--recurse-submodules") ?? listed(folder);
    return files?.includes("mix.exs") ? files : undefined;
}

/** Folder above a folder that has its .git; undefined where there is none. */
export function repositoryOf(folder: string): string | undefined {
    const cdup = git(folder, "rev-parse", "--show-cdup")?.trim();
    return cdup === undefined ? undefined : path.join(folder, cdup);
}

function listed(folder: string, ...options: string[]): string[] | undefined {
    return git(folder, "ls-files", "-z", ...options)
        ?.split("\0")
        .filter((name) => name !== "");
}

function git(folder: string, ...args: string[]): string | undefined {
    try {
        return execFileSync("git", ["-C", folder, ...args], {
            encoding: "utf8",
            maxBuffer: 2 ** 28,
            stdio: ["ignore", "pipe", "ignore"],
        });
    } catch {
        return undefined;
    }
}
