import * as fs from "node:fs";
import * as os from "node:os";
import type { Fault } from "../test/support/faults";

/** Prints docs/faults.md, from the rows that the tests have written down, one as JSON on each line. */
function main([file = ""]: string[]): void {
    const rows = fs
        .readFileSync(file, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Fault);
    // What was run again stands where it stood.
    const faults = [...new Map(rows.map((row) => [`${row.group} ${row.fault}`, row])).values()];
    const groups = [...new Set(faults.map(({ group }) => group))];
    const requests = faults.reduce((sum, fault) => sum + fault.requests, 0);
    console.log(`# What goes wrong, and what visitors and operators see of it

The tests break a running stack in every way below, while clients on raw sockets send 100 requests/s, hold idle connections
and send POSTs; none of them sends a request again. This table is theirs: \`./bench/faults\` runs them and writes this page.
This run sent ${requests.toLocaleString("en")} requests on a machine with ${os.cpus().length} cores, which also built every image.

A request has failed when it was sent and not answered in full, or not with 200. The longest gap is the longest time without
any answer; the load alone leaves gaps of some 20 ms. Still running afterwards are the containers of the refused release that
run when the deploy has failed, or that Docker would start again; the cell is empty where no release is refused.
${groups.map((group) => section(group, faults)).join("")}`);
}

function section(group: string, faults: Fault[]): string {
    const rows = faults
        .filter((fault) => fault.group === group)
        .map(({ fault, requests, failed, longestGapMs, stillRunning, saw, recovery }) =>
            [
                fault,
                requests.toLocaleString("en"),
                failed,
                `${longestGapMs.toLocaleString("en")} ms`,
                stillRunning ?? "",
                saw,
                recovery,
            ]
                .map((cell) => `${cell}`.replaceAll("|", "\\|").replaceAll("\n", " "))
                .join(" | "),
        );
    const head =
        "fault | requests | failed | longest gap | still running afterwards | what the operator saw | recovery";
    return `\n## ${group}\n\n| ${head} |\n|${" --- |".repeat(7)}\n${rows.map((row) => `| ${row} |`).join("\n")}\n`;
}

main(process.argv.slice(2));
