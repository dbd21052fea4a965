import * as fs from "node:fs";
import * as path from "node:path";
import { JobFailed, Machine, type World } from "./machine";
import { readYaml } from "./github";

interface Job {
    extends?: string | string[];
    stage?: string;
    variables?: Record<string, string>;
    before_script?: Script;
    script?: Script;
    rules?: { if: string; when?: string }[];
    needs?: string[];
    id_tokens?: Record<string, unknown>;
    artifacts?: { paths?: string[]; reports?: { dotenv: string } };
}

/** Lines, or lists of them where an anchor stands. */
type Script = (string | string[])[];

/** Reads the jobs of the pipeline, each with what it extends; hidden ones are left out. */
export function readJobs(file = ".gitlab-ci.yml"): Record<string, Job> {
    const { stages, workflow, variables, default: defaults, ...all } = readYaml(file) as Record<string, any>;
    const whole = (name: string): Job => {
        const { extends: parents = [], ...own } = all[name] as Job;
        return [...[parents].flat().map(whole), own].reduce((into, from) => merge(into, from), {});
    };
    const jobs = Object.keys(all).filter((name) => !name.startsWith("."));
    return Object.fromEntries(
        jobs.map((name) => [name, merge({ before_script: defaults.before_script, variables }, whole(name))]),
    );
}

/** As GitLab does it: maps are merged, everything else is replaced. */
function merge(into: any, from: any): any {
    if (!isMap(into) || !isMap(from)) return from;
    const keys = [...new Set([...Object.keys(into), ...Object.keys(from)])];
    return Object.fromEntries(
        keys.map((key) => [
            key,
            key in from ? (key in into ? merge(into[key], from[key]) : from[key]) : into[key],
        ]),
    );
}

function isMap(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The lines of a script. */
export function linesOf(script: Script = []): string[] {
    return script.flat(5);
}

/**
 * Runs jobs as GitLab does: each on a clean machine, in the order given, with the variables and files that the jobs before
 * have left.
 *
 * @param variables those of the project, and GitLab's own of this pipeline
 */
export async function runJobs(
    world: World,
    names: string[],
    variables: Record<string, string>,
): Promise<void> {
    const jobs = readJobs();
    const left: Record<string, string> = {};
    const files = fs.mkdtempSync(path.join(world.folder, "artifacts-"));
    for (const name of names) {
        const job = jobs[name];
        if (job === undefined) throw new Error(`there is no job ${name}`);
        const machine = new Machine(world);
        // GIT_DEPTH is 0.
        machine.clone("all");
        fs.cpSync(files, machine.checkout, { recursive: true });
        const project = {
            CI_PROJECT_DIR: machine.checkout,
            CI_API_V4_URL: `${world.url}/api/v4`,
            ...variables,
        };
        const own = { ...job.variables, PULUMI_HOME: machine.home, npm_config_cache: machine.home };
        const env = expand({ ...own, ...project, ...left });
        const origin = `url.file://${world.origin}.insteadOf`;
        const git = {
            GIT_CONFIG_COUNT: "1",
            GIT_CONFIG_KEY_0: origin,
            GIT_CONFIG_VALUE_0: `https://gitlab-ci-token:${variables.CI_JOB_TOKEN}@gitlab.example/acme/shop.git`,
        };
        const token = job.id_tokens === undefined ? "AWS_ID_TOKEN" : "";
        const { [token]: _hidden, ...held } = env;
        await machine.run([...linesOf(job.before_script), ...linesOf(job.script)].join("\n"), {
            ...held,
            ...git,
        });
        const dotenv = job.artifacts?.reports?.dotenv;
        if (dotenv !== undefined) {
            const text = fs.readFileSync(path.join(machine.checkout, dotenv), "utf8").trim();
            const [key = "", ...value] = text.split("=");
            if (text.includes("\n") || value.join("=") === "") throw new JobFailed(`${dotenv} is ${text}`);
            left[key] = value.join("=");
        }
        for (const artifact of job.artifacts?.paths ?? []) {
            const file = artifact.replace("$DECANTER", world.decanter);
            const from = path.join(machine.checkout, file);
            if (fs.existsSync(from)) fs.cpSync(from, path.join(files, file), { recursive: true });
        }
    }
}

/** Variables that name others have their values; what is not there is empty. */
function expand(variables: Record<string, string>): Record<string, string> {
    const value = (text: string): string =>
        text.replace(/\$(\w+)/g, (_whole, name: string) => value(variables[name] ?? ""));
    return Object.fromEntries(Object.entries(variables).map(([key, text]) => [key, value(String(text))]));
}
