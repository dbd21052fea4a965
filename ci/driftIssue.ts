import { boundedBlock, code } from "./markdown";

/** Characters of the log in an issue, which GitHub takes up to 65,536 of: the marks around a block of it may be as long again. */
const ROOM = 40_000;

const GONE = "**The drift is gone.** What it was:";

/** The first line of a stack's issue, by which it is found again. */
export function markerOf(stack: string): string {
    return `<!-- decanter drift ${stack} -->`;
}

/**
 * Renders what `pulumi refresh --diff` has printed as the issue of a stack.
 *
 * @param stack name of the stack: letters, digits, and - _ . /
 */
export function renderDrift(stack: string, log: string): { title: string; text: string } {
    const [back, over] = [`./bin/up ${stack} --refresh`, `./bin/pulumi refresh --stack ${stack}`].map(code);
    const text = [
        `${markerOf(stack)}\n### ${code(stack)} has drifted`,
        `What is there is not what was deployed: something else has changed it since. ${back} puts back what is declared (look at its preview first); ${over} takes over what is there, once it is declared so.`,
        boundedBlock("text", log.trimEnd().split(/\r?\n/), ROOM),
    ];
    return { title: `${stack} has drifted`, text: `${text.join("\n\n")}\n` };
}

/** The text of an issue whose drift is gone: what it was stays to be read. */
export function renderGone(text: string): string {
    const [marker, ...rest] = text.replace(`${GONE}\n\n`, "").split("\n");
    return [marker, GONE, "", ...rest].join("\n");
}
