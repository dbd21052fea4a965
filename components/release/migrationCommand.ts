import { execFileSync } from "node:child_process";
import { mustBeWhole } from "./arguments";

/** The migration of a release. */
export interface ReleaseMigration {
    /** Command that migrates, run by the image's shell in its folder, such as `bin/migrate`. */
    command: string;
    /**
     * How long it may take, in seconds.
     *
     * @default 300
     */
    seconds?: number;
}

/** How long a migration may take, in seconds: of a component and of a stack. */
export const MIGRATION_BOUNDS = [1, 86_400] as const;

/** Throws where the migration of a component's release cannot be. Without one there is nothing to check. */
export function checkMigration(migration: ReleaseMigration | undefined, component: string): void {
    mustBeWhole(migration?.seconds, MIGRATION_BOUNDS, component, "migration.seconds");
}

/** How long a migration may take that does not say so, in seconds. */
export const MIGRATION_SECONDS = 300;

/** A path and words that a shell passes on as they are. */
const PLAIN = /^[\w@%+:,.-]*\/[\w@%+:,./-]*([ \t]+[\w@%+=:,./-]+)*$/;

/**
 * What a container runs to migrate, the same on every target. A plain command takes the place of the shell, and gets signals
 * itself. Anything else is a script for the image's shell, which stops at the first command that fails (`sh -e`).
 *
 * @param command such as `bin/migrate`, or `cd bin; ./migrate && echo seeded`
 */
export function migrationCommand(command: string): [shell: string, option: string, script: string] {
    if (PLAIN.test(command.trim())) return ["/bin/sh", "-c", `exec ${command.trim()}`];
    return ["/bin/sh", "-ec", hasPipe(command) ? PIPEFAIL + command : command];
}

/**
 * Why a command would not run wholly; undefined where it would. The shell of this machine is asked for its syntax, where there
 * is one; otherwise the image's own finds fault with it.
 */
export function whyNotWhole(command: string): string | undefined {
    if (/(^|[^&<>|])&(?![&>])/.test(unquoted(command)))
        return "must not leave anything in the background (&), as that ends with the command";
    try {
        // -n reads the command, and runs nothing of it.
        execFileSync("sh", ["-n", "-c", command], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
        return undefined;
    } catch (error) {
        const { code, stderr = "" } = error as { code?: string; stderr?: string };
        return code === "ENOENT"
            ? undefined
            : `must be a command for a shell, which says: ${stderr.trim().split("\n")[0]}`;
    }
}

/** What to do where a container could not be started for want of a shell; empty where that is not why. */
export function missingShell(said: string): string {
    return /"\/bin\/sh".*no such file/.test(said)
        ? ". The image has no /bin/sh, which runs the command in migrate: give it one, or migrate from elsewhere (migrate none)"
        : "";
}

function hasPipe(command: string): boolean {
    return /(^|[^|>])\|(?!\|)/.test(unquoted(command));
}

/** Without it a command that fails is hidden by the one behind its pipe. Debian's own sh (dash) does not have it. */
const PIPEFAIL =
    `(set -o pipefail) 2> /dev/null || { echo 'migrate has a pipe, and sh in this image does not notice where ` +
    `the command before it fails: write it as bash -o pipefail -c "..."' >&2; exit 2; }\nset -o pipefail\n`;

/** A command without what is quoted in it. */
function unquoted(command: string): string {
    return command.replace(/\\[^]|'[^']*'|"(?:\\[^]|[^"\\])*"/g, "_");
}
