import { command, must } from "./command";
import { Stack } from "./stack";

// next|running STACK, for bin/preview-release.

command((which, name = "") => {
    const outputs = which === "running" ? new Stack(name).outputs() : {};
    const { version = must("./bin/version").trim(), image = "" } = outputs as {
        version?: string;
        image?: string;
    };
    process.stdout.write(`version=${version}\nimage=${image}\n`);
});
