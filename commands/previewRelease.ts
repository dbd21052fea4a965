import { ask, command, CommandError } from "./command";
import { Stack } from "./stack";

// next|running STACK, for bin/preview-release.

command((which, name = "") => {
    const outputs = which === "running" ? new Stack(name).outputs() : {};
    const { version = next(), image = "" } = outputs as { version?: string; image?: string };
    process.stdout.write(`version=${version}\nimage=${image}\n`);
});

/** The version that a merge would build. */
function next(): string {
    const { code, stdout, output } = ask("./bin/version");
    if (code !== 0) throw new CommandError(output.trim());
    return stdout.trim();
}
