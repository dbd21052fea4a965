import * as fs from "node:fs";
import * as path from "node:path";
import type { ContextFacts } from "./contextRules";
import { isPrivateKey } from "./secretFile";

/** How many paths a line names. */
const MOST = 5;

/** The line that names what git tracks and Decanter's rules leave out; none where there is nothing, or the app says it itself. */
export function leftOut(
    { projects, tracked }: ContextFacts,
    bySelf: (name: string) => boolean,
    ignores: (name: string) => boolean,
): string[] {
    const folders = projects
        .map((project) => path.posix.join(project, "test"))
        .filter((folder) =>
            [...tracked].some((name) => name.startsWith(`${folder}/`) && ignores(name) && !bySelf(name)),
        );
    const [first] = folders;
    if (first === undefined) return [];
    return [
        `left out of the build though git tracks it: ${list(folders.map((folder) => `${folder}/`))} ` +
            `(a line such as "!${first}" in .dockerignore takes it back)`,
    ];
}

/** The line that names private keys that are sent, as git tracks them. */
export function privateKeys({ folder, tracked }: ContextFacts, ignores: (name: string) => boolean): string[] {
    const keys = [...tracked].filter((name) => {
        if (!/(\.(pem|key)|(^|\/)id_(rsa|ed25519))$/.test(name) || ignores(name)) return false;
        const file = path.join(folder, name);
        const isFile = fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() === true;
        return isFile && isPrivateKey(fs.readFileSync(file, "latin1"));
    });
    const [first] = keys;
    if (first === undefined) return [];
    return [
        `sent to the build, as git tracks it, though it is a private key: ${list(keys)} (a line such as "${first}" in .dockerignore leaves it out)`,
    ];
}

function list(names: string[]): string {
    const rest = names.length - MOST;
    return `${names.slice(0, MOST).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
