import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { JobFailed, Machine, SECRETS, type World } from "./machine";

/** A step of a job or an action, as far as it is read here. */
export interface Step {
    id?: string;
    if?: string;
    uses?: string;
    run?: string;
    env?: Record<string, string>;
    with?: Record<string, unknown>;
}

/** A job of a workflow, as far as it is read here. */
export interface Job {
    if?: string;
    needs?: string | string[];
    uses?: string;
    strategy?: { matrix: { include?: Record<string, string>[]; [key: string]: unknown } };
    env?: Record<string, string>;
    defaults?: { run: { "working-directory": string } };
    outputs?: Record<string, string>;
    "timeout-minutes"?: number;
    environment?: string | { name: string };
    permissions?: Record<string, string>;
    concurrency?: { group: string; "cancel-in-progress": boolean };
    steps?: Step[];
}

type Context = Record<string, unknown>;

/** Values of an event and of the repository's variables. */
export interface Event {
    event_name: string;
    event?: object;
    vars: Record<string, string>;
}

/** Reads a workflow or an action. */
export function readYaml(file: string): any {
    return parse(fs.readFileSync(file, "utf8"));
}

/**
 * Runs the jobs of a workflow in the order in which they need each other, each step's script as it stands there. Of the
 * actions only what touches a stack is carried out.
 *
 * @param skip names of jobs that do not run
 */
export async function runWorkflow(
    world: World,
    file: string,
    event: Event,
    skip: string[] = [],
): Promise<void> {
    const { jobs } = readYaml(`.github/workflows/${file}`) as { jobs: Record<string, Job> };
    const needs: Record<string, { outputs: Context; result: string }> = {};
    const failures: JobFailed[] = [];
    for (const [name, job] of Object.entries(jobs)) {
        const wanted = [job.needs ?? []].flat();
        const context: Context = {
            github: {
                repository: "acme/shop",
                actor: "ada",
                token: SECRETS.GITHUB_TOKEN,
                sha: "0123456",
                ...event,
            },
            vars: event.vars,
            secrets: SECRETS,
            needs,
            runner: { os: "Linux", arch: "X64" },
        };
        const runs =
            !skip.includes(name) &&
            wanted.every((one) => needs[one]?.result === "success") &&
            (job.if === undefined || (await evaluate(job.if, context)) === "true");
        needs[name] = { outputs: {}, result: runs ? "success" : "skipped" };
        if (!runs) {
            if (skip.includes(name)) needs[name].result = "success";
            continue;
        }
        try {
            if (job.uses !== undefined) await runWorkflow(world, path.basename(job.uses), event);
            for (const matrix of await matrixOf(job))
                needs[name].outputs = {
                    ...needs[name].outputs,
                    ...(await runJob(world, job, { ...context, matrix })),
                };
        } catch (error) {
            if (!(error instanceof JobFailed)) throw error;
            needs[name].result = "failure";
            failures.push(error);
        }
    }
    if (failures[0] !== undefined) throw failures[0];
}

function matrixOf(job: Job): Promise<Context[]> {
    const { include, ...axes } = job.strategy?.matrix ?? {};
    const [[key, values] = ["", [""]]] = Object.entries(axes) as [string, string[]][];
    return Promise.resolve(include ?? values.map((value) => ({ [key]: value })));
}

async function runJob(world: World, job: Job, context: Context): Promise<Context> {
    const machine = new Machine(world);
    const steps: Record<string, { outputs: Context }> = {};
    const all = { ...context, steps };
    const common = {
        ...(await evaluated(job.env ?? {}, all)),
        GITHUB_REPOSITORY: "acme/shop",
        GITHUB_API_URL: world.url,
        GITHUB_WORKSPACE: machine.checkout,
    };
    const folder = await fill(job.defaults?.run["working-directory"] ?? ".", all);
    for (const step of job.steps ?? []) {
        const local = { ...all, env: common };
        // What is there is none of the stand-ins' business: `hashFiles` tells which Elixir to set up.
        const applies =
            step.if === undefined ||
            step.if.includes("hashFiles") ||
            (await evaluate(step.if, local)) === "true";
        if (!applies) continue;
        if (step.run !== undefined) {
            const output = path.join(machine.home, "output");
            fs.writeFileSync(output, "");
            const env = { ...common, ...(await evaluated(step.env ?? {}, local)), GITHUB_OUTPUT: output };
            await machine.run(step.run, env, folder);
            if (step.id !== undefined) steps[step.id] = { outputs: pairs(fs.readFileSync(output, "utf8")) };
        } else {
            await runAction(world, machine, step.uses ?? "", await evaluated(step.with ?? {}, local));
        }
    }
    return evaluated(job.outputs ?? {}, all);
}

async function runAction(
    world: World,
    machine: Machine,
    uses: string,
    inputs: Record<string, string>,
): Promise<void> {
    const [name] = uses.split("@");
    switch (name) {
        case "actions/checkout":
            return machine.clone(inputs["fetch-depth"] === "0" ? "all" : 1);
        case "./.github/actions/set-up": {
            const { runs } = readYaml(".github/actions/set-up/action.yml") as { runs: { steps: Step[] } };
            for (const step of runs.steps.filter(({ run }) => run !== undefined)) {
                if ((await evaluate(step.if ?? "true", { inputs: withDefaults(inputs) })) !== "true")
                    continue;
                await machine.run(
                    step.run ?? "",
                    await evaluated(step.env ?? {}, { inputs: withDefaults(inputs) }),
                );
            }
            return;
        }
        case "actions/upload-artifact":
            world.log += `uploaded ${inputs.path}\n`;
            return;
        // What they set up is there, or has a stand-in.
        case "actions/cache":
        case "docker/setup-buildx-action":
        case "erlef/setup-beam":
            return;
        default:
            throw new Error(`nothing stands in for the action ${uses}`);
    }
}

function withDefaults(inputs: Record<string, string>): Record<string, string> {
    return { role: "", region: "", "ssh-key": "", "ssh-known-hosts": "", ...inputs };
}

function pairs(text: string): Record<string, string> {
    const lines = text.split("\n").filter((line) => line.includes("="));
    return Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
}

async function evaluated(values: Record<string, unknown>, context: Context): Promise<Record<string, string>> {
    const all = await Promise.all(
        Object.entries(values).map(async ([key, value]) => [key, await fill(String(value), context)]),
    );
    return Object.fromEntries(all) as Record<string, string>;
}

/** A text with its expressions replaced. */
async function fill(text: string, context: Context): Promise<string> {
    const parts = text.split(/\$\{\{(.*?)\}\}/s);
    const filled = await Promise.all(
        parts.map(async (part, index) => (index % 2 === 0 ? part : evaluate(part, context))),
    );
    return filled.join("");
}

/** The value of an expression, by GitHub's own library. */
async function evaluate(expression: string, context: Context): Promise<string> {
    const { data, Evaluator, Lexer, Parser } = await import("@actions/expressions");
    const names = ["github", "vars", "secrets", "needs", "runner", "matrix", "steps", "env", "inputs"];
    const tree = new Parser(new Lexer(expression).lex().tokens, names, [
        { name: "hashFiles", minArgs: 1, maxArgs: 255 },
    ]).parse();
    const known = JSON.stringify(Object.fromEntries(names.map((name) => [name, context[name] ?? {}])));
    const hash = { name: "hashFiles", call: () => new data.StringData("hash") };
    const functions = new Map([["hashfiles", { ...hash, minArgs: 1, maxArgs: 255 }]]);
    const dictionary = JSON.parse(known, data.reviver) as InstanceType<typeof data.Dictionary>;
    return new Evaluator(tree, dictionary, functions).evaluate().coerceString();
}
