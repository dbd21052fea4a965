import { text } from "node:stream/consumers";
import { placeOf, readProject, readStack, run, UsageError } from "./commandLine";
import { markerOf, renderDrift, renderGone } from "./driftIssue";
import { closeIssue, ISSUES, putIssue } from "./issues";

// What bin/drift runs: STACK, 1 where it has drifted and 0 where not, and a place, with what Pulumi has printed on its
// standard input.

const USAGE = "./bin/drift STACK [--github OWNER/REPO | --gitlab PROJECT]";

function hasDrifted(code = ""): boolean {
    if (/^[01]$/.test(code)) return code === "1";
    throw new UsageError(`"${code}" is not 0 or 1: ${USAGE}`);
}

run("drift", async (first, code, ...others) => {
    const stack = readStack(first, USAGE);
    const drifted = hasDrifted(code);
    const found = readProject(others, USAGE);
    const [service, place] = [ISSUES[found.service], placeOf(found, "writes the issue")];
    const say = (done: string) => process.stderr.write(`drift: ${done}\n`);
    if (drifted) {
        const { title, text: issue } = renderDrift(stack, await text(process.stdin));
        say(`the issue of ${stack} in ${place.project} is ${await putIssue(service, place, title, issue)}`);
    } else if (await closeIssue(service, place, markerOf(stack), renderGone))
        say(`the issue of ${stack} in ${place.project} is closed`);
    else say(`${stack} has no open issue in ${place.project}`);
    return 0;
});
