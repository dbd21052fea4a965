import { renderDrift, renderGone, markerOf } from "../ci/driftIssue";
import { closeIssue, ISSUES, putIssue } from "../ci/issues";
import { ask, command, CommandError, say } from "./command";
import { placeOf, posted, readProject, readStack } from "./place";

// STACK [PLACE], for bin/drift.

const USAGE = "./bin/drift STACK [--github OWNER/REPO | --gitlab PROJECT]";

command(async (first, ...others) => {
    const stack = readStack(first, USAGE);
    const project = others.length === 0 ? undefined : readProject(others, USAGE);
    const place = project && placeOf(project, "writes the issue");

    // What a stack reads of its own outputs is those before the last deploy, and no drift.
    const notOutputs = ["--exclude", "**pulumi:pulumi:StackReference::**"];
    const looking = ["--preview-only", "--expect-no-changes", ...notOutputs, "--diff", "--color", "never"];
    const { code, output } = ask("pulumi", "refresh", "--stack", stack, ...looking, "--non-interactive");
    process.stdout.write(output);
    const hasDrifted = code !== 0;
    // Pulumi ends with the same code where it could not look, and that is no drift.
    if (hasDrifted && !output.includes("no changes were expected"))
        throw new CommandError(`the stack ${stack} could not be compared: see what Pulumi says above`);
    if (project && place) {
        const service = ISSUES[project.service];
        const where = `${stack} in ${place.project}`;
        if (hasDrifted) {
            const { title, text } = renderDrift(stack, output);
            say(`drift: the issue of ${where} is ${await posted(putIssue(service, place, title, text))}`);
        } else if (await posted(closeIssue(service, place, markerOf(stack), renderGone)))
            say(`drift: the issue of ${where} is closed`);
        else say(`drift: ${stack} has no open issue in ${place.project}`);
    }
    if (hasDrifted) {
        throw new CommandError(
            `the stack ${stack} has drifted: ./bin/up ${stack} --refresh puts back what it declares, ./bin/pulumi refresh --stack ${stack} takes over what is there, once it is declared so`,
        );
    }
});
