import * as fs from "node:fs";
import * as path from "node:path";
import { readYaml } from "./github";
import { Machine, type World } from "./machine";

type Step = string | Record<string, any>;

interface Job {
    executor: string;
    parameters?: Record<string, unknown>;
    steps: Step[];
}

interface Config {
    parameters: Record<string, { default: string | number }>;
    executors: Record<string, { environment?: Record<string, string> }>;
    commands: Record<string, { steps: Step[] }>;
    jobs: Record<string, Job>;
    workflows: Record<string, { when: unknown; jobs: (string | Record<string, Record<string, unknown>>)[] }>;
}

/** Reads the configuration. */
export function readConfig(): Config {
    return readYaml(".circleci/config.yml") as Config;
}

/** The steps of a job, with those of the commands that it calls in their place. */
export function stepsOf(config: Config, job: string): Step[] {
    return (config.jobs[job]?.steps ?? []).flatMap((step) =>
        typeof step === "string" && config.commands[step] !== undefined
            ? config.commands[step].steps
            : [step],
    );
}

/**
 * Runs the jobs of a workflow as CircleCI does, in the order in which they stand there, each on a clean machine.
 *
 * @param parameters of the pipeline
 * @param env what the project and the contexts hold, by the name of the context; "" is the project
 * @param skip names of jobs that do not run
 */
export async function runWorkflow(
    world: World,
    name: string,
    parameters: Record<string, string | number>,
    env: Record<string, Record<string, string>>,
    skip: string[] = [],
): Promise<void> {
    const config = readConfig();
    const defaults = Object.entries(config.parameters).map(([key, { default: value }]) => [key, value]);
    const pipeline = { ...Object.fromEntries(defaults), ...parameters } as Record<string, string | number>;
    const workspace = fs.mkdtempSync(path.join(world.folder, "workspace-"));
    for (const entry of config.workflows[name]?.jobs ?? []) {
        const [job = "", given = {}] = typeof entry === "string" ? [entry] : (Object.entries(entry)[0] ?? []);
        if (skip.includes(job) || given.type === "approval") continue;
        const fill = (text: string): string =>
            text
                .replace(/<< pipeline\.parameters\.([\w-]+) >>/g, (_all, key: string) => `${pipeline[key]}`)
                .replace(/<< parameters\.([\w-]+) >>/g, (_all, key: string) =>
                    fill(`${given[key] as string}`),
                );
        const machine = new Machine(world);
        const profile = path.join(machine.home, "profile");
        fs.writeFileSync(profile, "");
        const context = env[`${given.context as string}`] ?? {};
        const held = {
            ...config.executors[config.jobs[job]?.executor ?? ""]?.environment,
            ...env[""],
            ...context,
            GITHUB_API_URL: world.url,
            BASH_ENV: profile,
        };
        for (const step of stepsOf(config, job)) {
            const [kind = "", what] = typeof step === "string" ? [step, {}] : (Object.entries(step)[0] ?? []);
            const home = (text: string) => text.replace(/^~/, machine.home);
            if (kind === "checkout") machine.clone("all");
            else if (kind === "run") await machine.run(fill(what.command as string), held);
            else if (kind === "persist_to_workspace") {
                for (const file of what.paths as string[])
                    fs.cpSync(path.join(home(what.root as string), file), path.join(workspace, file));
            } else if (kind === "attach_workspace") {
                fs.cpSync(workspace, home(what.at as string), { recursive: true });
            } else if (kind === "store_artifacts") {
                fs.accessSync(path.join(machine.checkout, fill(what.path as string)));
            } else if (!["restore_cache", "save_cache"].includes(kind))
                throw new Error(`nothing stands in for ${kind}`);
        }
    }
}
