import * as fs from "node:fs";
import { imageReference } from "../components/release/imageReference";
import { namedReleases } from "../stacks/namedReleases";
import type { Release } from "../stacks/outputs";
import { ask, command, CommandError, say, show } from "./command";
import { Stack } from "./stack";

// STACK [RELEASE | --list] [FLAG FOR PULUMI...], for bin/rollback.

command(async (name = "", ...args) => {
    const stack = new Stack(name);
    const [running, ...earlier] = namedReleases(stack.outputs());
    if (running === undefined) throw new CommandError(`nothing has been deployed in the stack ${name} yet`);

    const [first = ""] = args;
    if (first === "--list") {
        process.stdout.write(`releases of the stack ${name}, the newest first (version, digest):\n`);
        process.stdout.write(`${await list(stack, running, earlier)}\n`);
        return;
    }
    const wanted = first.startsWith("-") ? "" : first;
    const flags = wanted === "" ? args.filter((flag) => flag !== "") : args.slice(1);
    const chosen = earlier.find((one) => isMeant(one, wanted));
    const thereAre = async () => `There are:\n${await list(stack, running, earlier)}`;
    if (chosen === undefined) {
        const what = wanted === "" ? "before this one" : wanted;
        throw new CommandError(
            `there is no release ${what} to go back to in the stack ${name}. ${await thereAre()}`,
        );
    }
    const { version, image, release } = chosen;
    if (!(await isThere(stack, image))) {
        const where = stack.isOnAws() ? "not in ECR" : "neither on the Docker host nor in its registry";
        throw new CommandError(
            `the release ${version} cannot be gone back to, its image ${image} is ${where}. ${await thereAre()}`,
        );
    }

    // A copy of the stack's settings: the stack itself goes on building.
    const settings = `${process.cwd()}/.decanter/rollback.${name}.yaml`;
    fs.writeFileSync(settings, fs.readFileSync(`Pulumi.${name}.yaml`), { mode: 0o600 });
    const copy = new Stack(name, settings);
    copy.set("image", image);
    copy.set("version", version);
    if (release === running.release) {
        say(`going back to release ${version} (${image})`);
    } else {
        copy.set("release", release);
        // What it migrates with, the other app may not have; and it has migrated when it was deployed.
        copy.set("migrate", "none");
        say(
            `going back to release ${version} of ${release} (${image}): settings and secrets stay those of now, and nothing migrates`,
        );
    }
    return show("./bin/up", name, "--config-file", settings, ...flags);
});

/** Whether a release is what somebody wants to go back to: any, or one by its version, its name, or the beginning of its digest. */
function isMeant({ version, image, release }: Release, wanted: string): boolean {
    if (["", version, `v${version}`, release].includes(wanted)) return true;
    // Seven digits, as git shows them, are not typed by chance.
    return wanted.length >= 7 && digits(image).startsWith(wanted.replace(/^sha256:/, ""));
}

function digits(image: string): string {
    return imageReference(image).digest?.replace(/^sha256:/, "") ?? "";
}

/** A line for each release. */
async function list(stack: Stack, running: Release, earlier: Release[]): Promise<string> {
    const lines: [Release, string][] = [[running, "runs now"]];
    for (const one of earlier) {
        const isGone = !(await isThere(stack, one.image));
        const notes = [
            ...(one.release === running.release ? [] : [`of ${one.release}`]),
            ...(isGone ? ["its image is gone"] : []),
        ];
        lines.push([one, notes.join(", ")]);
    }
    return lines
        .map(([{ version, image }, what]) => `  ${version.padEnd(12)} ${digits(image).slice(0, 12)}  ${what}`)
        .join("\n");
}

/** Whether an image can be run again. */
async function isThere(stack: Stack, image: string): Promise<boolean> {
    if (!stack.isOnAws()) {
        return (
            (await stack.docker(["image", "inspect", image])).code === 0 ||
            (await stack.docker(["pull", "-q", image], 600)).code === 0
        );
    }
    // ECR keeps what one may go back to. Where AWS's command line cannot look, the deploy will.
    const { registry, path, digest } = imageReference(image);
    const [account = ""] = registry.split(".");
    const where = ["--region", stack.setting("region"), "--registry-id", account, "--repository-name", path];
    const said = ask("aws", "ecr", "describe-images", ...where, "--image-ids", `imageDigest=${digest}`);
    return !said.output.includes("NotFoundException");
}
