import * as fs from "node:fs";
import * as os from "node:os";
import { dockerCli } from "../components/docker/dockerCli";
import { baseImages } from "../test/support/machine";
import { settingsOf } from "../test/support/mockPulumi";
import { RealEngine, whyNoEngine } from "../test/support/realEngine";
import { AGAIN, changes, ChangingStack, type Outcome } from "../test/support/settingChanges";

/**
 * Makes changes of settings with Pulumi's engine, and writes docs/settings-under-load.md.
 *
 * @param wanted settings whose changes are made; the rows of the others stay. None is all of them
 */
async function main(wanted: string[]): Promise<void> {
    const chosen = changes.filter(({ setting }) => wanted.length === 0 || wanted.includes(setting));
    if (chosen.length === 0) throw new Error(`no change is of ${wanted.join(", ")}`);
    const noEngine = await whyNoEngine();
    if (noEngine !== undefined) throw new Error(`it needs Pulumi's engine: ${noEngine}`);
    await dockerCli(undefined, ["tag", settingsOf(baseImages())["decanter:routerImage"] ?? "", AGAIN]);
    const name = `engine-test-settings-${process.pid}`;
    const stack = new ChangingStack(new RealEngine(name));
    const outcomes: Outcome[] = [];
    const surprises: string[] = [];
    try {
        await stack.start();
        for (const change of chosen) {
            try {
                outcomes.push(await stack.make(change));
                console.error(JSON.stringify(outcomes.at(-1)));
            } catch (error) {
                surprises.push((error as Error).message);
                console.error(surprises.at(-1));
            }
        }
    } finally {
        await stack.stop();
        await dockerCli(undefined, ["rmi", AGAIN]);
        fs.rmSync(`Pulumi.${name}.yaml`, { force: true });
    }
    // A page without them would be a better one than the truth.
    if (surprises.length > 0) throw new Error(`not what was expected:\n${surprises.join("\n")}`);
    const machine = { cpus: os.cpus().length, memoryGiB: Math.round(os.totalmem() / 2 ** 30) };
    const all = [...outcomes, ...(wanted.length === 0 ? [] : outcomesOf("bench/settings.json"))];
    const rows = changes.flatMap(
        ({ setting, change }) => all.find((row) => row.setting === setting && row.change === change) ?? [],
    );
    const report = { date: new Date().toISOString(), machine, outcomes: rows };
    fs.writeFileSync("bench/settings.json", `${JSON.stringify(report, undefined, 2)}\n`);
    fs.writeFileSync("docs/settings-under-load.md", page(rows));
}

/** The rows of an earlier run; none where there was none. */
function outcomesOf(file: string): Outcome[] {
    if (!fs.existsSync(file)) return [];
    return (JSON.parse(fs.readFileSync(file, "utf8")) as { outcomes: Outcome[] }).outcomes;
}

function page(outcomes: Outcome[]): string {
    const rows = outcomes.map(({ setting, change, requests, failed, longestGapMs, saw }) =>
        [`\`${setting}\``, change, `${failed} of ${requests.toLocaleString("en")}`, `${longestGapMs} ms`, saw]
            .map((cell) => cell.replaceAll("|", "\\|"))
            .join(" | "),
    );
    return `# Settings that change under load

\`./bench/settings\` writes this page. It changes each setting of a stack that runs, and takes the change back, each by a
\`pulumi up\`, while clients on raw sockets send 200 requests/s, hold 50 idle connections and send POSTs; none of them sends a
request again. A request has failed when it was sent and not answered in full, or not with 200. The longest gap is the
longest time without any answer. The runs were made on a machine with ${os.cpus().length} cores, which also built every image.

A change of the public address closes it: \`bindAddress\` for as long as the table says, and who comes to the former
\`publicPort\` finds nobody there. So does a different \`routerImage\`, as the port has one owner.

setting | change | failed | longest gap | what the operator saw
--- | --- | --- | --- | ---
${rows.join("\n")}
`;
}

main(process.argv.slice(2)).then(
    // Servers of Pulumi's SDK would keep the process.
    () => process.exit(0),
    (error: unknown) => {
        console.error(`bench/settings: ${error instanceof Error ? error.message : String(error)}`);
        process.exit(1);
    },
);
