import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { DockerResult } from "../docker/dockerCli";
import type { DockerHost } from "../docker/dockerHost";
import { lastLines } from "../release/logExcerpt";
import { sharedHook } from "../release/sharedHook";
import { valueOf } from "../release/valueOf";
import { pullImage } from "./pullImage";

export interface BootCheckArgs {
    /** Image of the release, by digest. */
    image: pulumi.Input<string>;
    /** Whether the release is started; otherwise only the CPU that the image is for is checked. */
    isBootable: boolean;
    /** Plain environment of the release, by name. */
    env: Record<string, string>;
    /** Names of its secret variables. Their values stay out of the check: each is a dummy there. */
    secretNames: string[];
    /**
     * Whether the file system is read-only, but for /tmp.
     *
     * @default true
     */
    readOnly?: boolean;
    /** Docker host that runs the image. */
    host: DockerHost;
    /**
     * Whether other machines run it. An image for a CPU that is not the Docker host's is not started then.
     *
     * @default false
     */
    runsElsewhere?: boolean;
}

/**
 * A hook that checks, before a container of the image is made, that the host can run it: that it is for the host's CPU, that
 * the release's start script ends well with the environment of the stack, and that the VM and every NIF find the libraries
 * that they load. It runs without network and secrets. What fails because of that, and what the app does wrong itself, is
 * said and not refused: the health gate is for that.
 */
export function bootCheckHook(name: string, args: BootCheckArgs): pulumi.ResourceHook {
    return sharedHook(`${name}-boot-check`, () => check(args));
}

async function check(args: BootCheckArgs): Promise<void> {
    const { isBootable, host, runsElsewhere } = args;
    const image = await valueOf(pulumi.output(args.image));
    // What cannot be pulled is explained where its containers are made.
    if (!isBootable && (await pullImage(host, image)).code !== 0) return;
    const platform = (of: string[]) => host.run(of).then(({ stdout }) => stdout.trim());
    const [is, wanted] = await Promise.all([
        platform(["image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image]),
        platform(["version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"]),
    ]);
    if (is !== wanted && runsElsewhere) return;
    if (is !== wanted) {
        throw new Error(
            `the image ${image} is for ${is}, and the Docker host is ${wanted}: ` +
                `build for it (pulumi config set platform ${wanted}), or deploy to a different host`,
        );
    }
    if (!isBootable) return;
    const { refused, noted } = verdict(await start(args, image));
    if (refused !== undefined) {
        throw new Error(
            `the release does not start on its image, so it is not deployed: ${refused}\n` +
                "If it starts in production all the same, switch this check off: pulumi config set bootCheck false",
        );
    }
    if (noted !== undefined) await pulumi.log.warn(`boot check: ${noted}`);
}

/** How long the release may take to load all of its modules, in seconds. */
const SECONDS = 300;

async function start(args: BootCheckArgs, image: string): Promise<DockerResult> {
    const { env, secretNames, readOnly = true, host } = args;
    const variables = {
        ...env,
        ...Object.fromEntries(secretNames.map((secret) => [secret, "dummy"])),
        // The empty system configuration leaves out runtime.exs, which makes something of the values of secrets.
        RELEASE_SYS_CONFIG: "/tmp/sys",
        RELEASE_TMP: "/tmp",
        RELEASE_COOKIE: "dummy",
        RELEASE_DISTRIBUTION: "none",
    };
    // A start script may ask for the address of its host.
    const network = ["--network", "none", "--hostname", "release", "--add-host", "release:127.0.0.1"];
    const options = [...(readOnly ? ["--read-only"] : []), "--tmpfs", "/tmp", "--cap-drop", "ALL"];
    const given = Object.entries(variables).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    const file = path.join(__dirname, "..", "..", "docker", "release", "boot_check.exs");
    const script = `echo '[].' > /tmp/sys.config && exec "bin/$RELEASE" eval "$1"`;
    const command = ["sh", "-c", script, "boot-check", fs.readFileSync(file, "utf8")];
    const name = `decanter-boot-check-${process.pid}-${Date.now()}`;
    const run = ["run", "--rm", "--name", name, ...network, ...options, ...given, image, ...command];
    const result = await host.run(run, SECONDS);
    // The client that was ended leaves the container behind.
    if (result.code === 124) await host.run(["rm", "-f", name]);
    return result;
}

/** What the loader says of a library that it does not find, or that is of a different version. */
const LOADER =
    /error while loading shared libraries|cannot open shared object|version [`'][^']+' not found|undefined symbol|wrong ELF class|required file not found|exec format error/i;

/** Why a release is refused, and what else is to be said of it, from what the check has printed. */
export function verdict({ code, output }: DockerResult): { refused?: string; noted?: string } {
    const said = (kind: string) =>
        [...output.matchAll(new RegExp(`^decanter: ${kind} (\\S+) (.*)$`, "gm"))].map(
            ([, module, words]) => ({
                module: module ?? "",
                words: words ?? "",
            }),
        );
    const lines = `Its last lines:\n${lastLines(output, [])}`;
    const [unloaded] = said("load_failed");
    if (unloaded !== undefined)
        return {
            refused: `${unloaded.module} cannot be loaded: ${unloaded.words}. ${libraryRemedy(unloaded.words)}`,
        };
    const [foreign] = said("bad_lib");
    if (foreign !== undefined) {
        const remedy =
            "It was made for a different Erlang: compile it in this build, or take one for builderImage's";
        return { refused: `${foreign.module} cannot be loaded: ${foreign.words}. ${remedy}.` };
    }
    if (!/^decanter: begun$/m.test(output)) {
        const words = output.split("\n").find((line) => LOADER.test(line));
        if (words !== undefined) return { refused: `${words.trim()}. ${libraryRemedy(words)} ${lines}` };
        return { refused: `its start script failed (exit code ${code}).${unsetVariable(output)} ${lines}` };
    }
    const own = said("failed").map(({ module, words }) => `${module} (${words})`);
    if (own.length > 0) {
        const what = `not loaded without what production has: ${own.join(", ")}`;
        return { noted: `${what}. That is not refused, as their own code says so and no library is missing` };
    }
    if (code === 0) return {};
    const how = code === 124 ? `did not end within ${SECONDS} s` : `ended with exit code ${code}`;
    return { noted: `the release ${how} while its modules were loaded, which is not refused. ${lines}` };
}

function libraryRemedy(words: string): string {
    const [, file = ""] = /([\w./+-]+\.so[\w.]*): cannot open shared object/.exec(words) ?? [];
    if (file.startsWith("/"))
        return `The release has no ${file}: is it compiled by a compiler that mix.exs names, or downloaded for Linux?`;
    return file === "" || /^lib(crypto|ssl|c|m|stdc\+\+|tinfo|ncurses\w*)\.so/.test(file)
        ? "Is runnerImage of the builder's Debian? (pulumi config set runnerImage, builderImage)"
        : `The image has no ${file}: pulumi config set --path 'runtimePackages[0]' PACKAGE.`;
}

/** What to do where a shell says that a variable is not set; empty where none says so. */
function unsetVariable(output: string): string {
    // As dash and bash say it: "env.sh: 3: REGION: parameter not set", "env.sh: line 3: REGION: unbound variable".
    const [, name] =
        /^\S+: (?:line )?\d+: ([A-Za-z_]\w*): (?!not found|command not found)/m.exec(output) ?? [];
    return name === undefined
        ? ""
        : ` It wants ${name}: pulumi config set --path env.${name} VALUE (or --secret --path secrets.${name}).`;
}
