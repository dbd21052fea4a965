import { command, must, show } from "./command";
import { Stack } from "./stack";

// up|down NUMBER, for bin/review, whose stack pr-NUMBER is there by now.

command((what, number = "") => {
    const name = `pr-${number}`;
    if (what === "down") {
        const destroyed = show("pulumi", "destroy", "--stack", name, "--yes", "--skip-preview");
        return destroyed || show("pulumi", "stack", "rm", name, "--yes");
    }
    const stack = new Stack(name);
    const version = must("./bin/version").trim();
    const settings = [`domain=${name}.${stack.setting("domain")}`, `version=${version}`];
    // Ports of its own, which the number tells; behind an edge the name is enough.
    const own = Number(number) % 20000;
    if (!stack.isOnAws() && stack.setting("edge") === "")
        settings.push(`publicPort=${20000 + own}`, `httpsPort=${40000 + own}`);
    const flags = settings.flatMap((setting) => ["--config", setting]);
    return show("./bin/up", name, "--yes", ...flags);
});
