import * as fs from "node:fs/promises";
import * as path from "node:path";
import { lastLines } from "../release/logExcerpt";
import { buildSecret } from "./buildVariables";
import { commitOf } from "./gitCommit";

export interface BuildFolderArgs {
    /** Text of the Dockerfile to build with. */
    dockerfile: string;
    /** What is left out of the context, in the words of a .dockerignore. */
    rules: string;
    /** Folder of the app, which tells the commit. */
    app: string;
    /** Name of the release, for the image's labels. */
    release: string;
    /** Version of the release, for the image's labels. */
    version: string;
}

/**
 * The folder that a build reads besides its context, and where it leaves its log. It is made when the build begins, as its
 * content is no input of a resource: a commit that changes no file of the context is no reason to build again, and secrets
 * must not get into the state.
 */
export class BuildFolder {
    /** The Dockerfile, with the labels of this build. Docker looks beside it for what to leave out. */
    readonly dockerfile: string;
    /** The secret `build`: a shell script that sets the environment variables of the build. */
    readonly secret: string;
    /** What the build has said. */
    readonly log: string;

    constructor(
        private readonly folder: string,
        private readonly args: BuildFolderArgs,
    ) {
        this.dockerfile = path.join(folder, "Dockerfile");
        this.secret = path.join(folder, "secret");
        this.log = path.join(folder, "log");
    }

    /**
     * Makes the folder.
     *
     * @param secrets environment variables of the build, by name
     */
    async write(secrets: Record<string, string>): Promise<void> {
        await fs.rm(this.folder, { recursive: true, force: true });
        await fs.mkdir(this.folder, { recursive: true, mode: 0o700 });
        await Promise.all([
            fs.writeFile(this.dockerfile, await this.labelled()),
            fs.writeFile(`${this.dockerfile}.dockerignore`, this.args.rules),
            fs.writeFile(this.secret, buildSecret(this.args.app, secrets), { mode: 0o600 }),
        ]);
    }

    /** Removes the secret, once the build is over. */
    async forget(): Promise<void> {
        await fs.rm(this.secret, { force: true });
    }

    /** The last lines of the log, with secret values replaced; undefined where the build has not begun. */
    async lastLines(secrets: Record<string, string>): Promise<string | undefined> {
        const log = await this.readLog();
        return log && lastLines(log, Object.values(secrets)) + this.remedyOf(log);
    }

    /** What the steps of the build say of what they have done and left out, see `say` in docker/build/steps.sh. */
    async notes(): Promise<string[]> {
        const lines = ((await this.readLog()) ?? "").matchAll(/^(?:#\d+ [\d.]+ )?decanter: (.+)$/gm);
        return [...new Set([...lines].map(([, note = ""]) => note.trimEnd()))];
    }

    private readLog(): Promise<string | undefined> {
        return fs.readFile(this.log, "utf8").catch(() => undefined);
    }

    /** What to do about an error whose own words do not tell; a line, or nothing. */
    private remedyOf(log: string): string {
        // Docker's words where the disk has no room for a directory: the kernel then mounts read-only, without the directory.
        if (/no space left on device|\benospc\b|chown \S+\/work\/work: no such file or directory/i.test(log))
            return "\nthe disk of the Docker host is full: make room on it, for example with docker builder prune";
        if (!log.includes("not a git repository (or any of the parent directories)")) return "";
        const file = path.join(this.args.app, ".dockerignore");
        return `\nthe build asks git, and .git is not sent to it: add the line !.git to ${file}`;
    }

    private async labelled(): Promise<string> {
        const { dockerfile, app, release, version } = this.args;
        const commit = await commitOf(app);
        // Without a commit to tell it, now is when the files have changed.
        const time = commit?.time ?? new Date();
        // https://github.com/opencontainers/image-spec/blob/main/annotations.md
        const labels = {
            title: release,
            version,
            revision: commit?.revision,
            source: commit?.source,
            created: time.toISOString().replace(/\.\d+/, ""),
        };
        const lines = Object.entries(labels)
            .filter(([, value]) => value !== undefined)
            .map(([name, value]) => `LABEL org.opencontainers.image.${name}=${JSON.stringify(value)}`);
        return [dockerfile.trimEnd(), ...lines, ""].join("\n");
    }
}
