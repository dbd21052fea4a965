import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { type ConfigMap, LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import type { Deployer } from "./deploys";

const run = promisify(execFile);

/** Why Pulumi's engine cannot run here; undefined where it can. */
export async function whyNoEngine(): Promise<string | undefined> {
    try {
        await run("pulumi", ["version"], { timeout: 300_000 });
    } catch {
        return "there is no Pulumi CLI on the PATH, and npm's pulumi package could not bring one";
    }
    for (const plugin of ["docker", "random"]) {
        const there = await run("sh", [
            "-c",
            `command -v pulumi-resource-${plugin} || pulumi plugin ls | grep '^${plugin} '`,
        ]).catch(() =>
            run("pulumi", ["plugin", "install", "resource", plugin], { timeout: 120_000 }).catch(
                () => undefined,
            ),
        );
        if (there === undefined)
            return `Pulumi's plugin ${plugin} is neither on the PATH nor can it be installed`;
    }
    return undefined;
}

/** Skips the tests of a `describe` where Pulumi's engine cannot run, and says why. */
export function skipWithoutEngine(): void {
    before(async function () {
        const reason = await whyNoEngine();
        if (reason === undefined) return;
        process.stderr.write(`  skipped: ${reason}\n`);
        this.skip();
    });
}

/** How many resources an update or a preview changes: what stays, or is only read, does not count. */
export function countChanges(summary: Record<string, number> = {}): number {
    const { same, read, ...changes } = summary;
    return Object.values(changes).reduce((sum, count) => sum + count, 0);
}

/** Pulumi itself, through its Automation API, with state and passphrase of its own. */
export class RealEngine implements Deployer {
    outputs: Deployer["outputs"] = {};
    /** All that the last command printed. */
    said = "";
    readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-state-"));
    private opened?: Promise<Stack>;

    /**
     * @param env environment of the engine, over the test's own
     * @param workDir folder of the program
     */
    constructor(
        private readonly name: string,
        private readonly env: Record<string, string> = {},
        private readonly workDir = process.cwd(),
    ) {}

    async up(settings: Record<string, unknown>): Promise<number> {
        await this.configure(settings);
        const stack = await this.stack();
        const { summary, outputs } = await this.recording((onOutput) => stack.up({ onOutput }));
        this.outputs = Object.fromEntries(
            Object.entries(outputs).map(([key, { value }]) => [key, value as unknown]),
        );
        this.outputs.previous ??= null;
        return countChanges(summary.resourceChanges);
    }

    /**
     * How many resources would change.
     *
     * @param policyPacks folders of policy packs that they must not break
     */
    async preview(settings: Record<string, unknown>, policyPacks: string[] = []): Promise<number> {
        await this.configure(settings);
        const stack = await this.stack();
        const { changeSummary } = await this.recording((onOutput) =>
            stack.preview({ onOutput, policyPacks }),
        );
        return countChanges(changeSummary);
    }

    /** Takes what is there into the state. */
    async refresh(): Promise<void> {
        const stack = await this.stack();
        await this.recording((onOutput) => stack.refresh({ onOutput }));
    }

    /** The outputs that the last update left, which may have failed. */
    async lastOutputs(): Promise<Record<string, unknown>> {
        const outputs = await (await this.stack()).outputs();
        return Object.fromEntries(Object.entries(outputs).map(([key, { value }]) => [key, value as unknown]));
    }

    /** Everything in the backend: the state and its history. */
    state(): string {
        const files = fs.readdirSync(this.folder, { recursive: true, withFileTypes: true });
        return files
            .filter((file) => file.isFile())
            .map((file) => fs.readFileSync(path.join(file.parentPath, file.name), "utf8"))
            .join("\n");
    }

    async destroy(): Promise<void> {
        // A skipped test has opened no stack, and has no CLI that could.
        if (!this.opened || !fs.existsSync(this.folder)) return;
        const stack = await this.stack();
        await this.recording((onOutput) => stack.destroy({ onOutput }));
        await stack.workspace.removeStack(this.name);
        fs.rmSync(this.folder, { recursive: true });
    }

    private async configure(settings: Record<string, unknown>): Promise<void> {
        const stack = await this.stack();
        await stack.removeAllConfig(Object.keys(await stack.getAllConfig()));
        const config: ConfigMap = {};
        for (const [key, value] of Object.entries(settings)) {
            const values =
                typeof value === "object" ? Object.entries(value as object) : [[undefined, value] as const];
            for (const [name, inner] of values) {
                config[`decanter:${name === undefined ? key : `${key}.${name}`}`] = {
                    value: String(inner),
                    secret: ["secrets", "tlsCertificate"].includes(key),
                };
            }
        }
        await stack.setAllConfig(config, true);
    }

    private stack(): Promise<Stack> {
        this.opened ??= LocalWorkspace.createOrSelectStack(
            { stackName: this.name, workDir: this.workDir },
            {
                envVars: {
                    // As bin/lib.sh has it.
                    PULUMI_OPTION_SKIP_PLUGIN_PRE_INSTALL: "true",
                    ...this.env,
                    PULUMI_BACKEND_URL: `file://${this.folder}`,
                    PULUMI_CONFIG_PASSPHRASE: "test",
                },
            },
        );
        return this.opened;
    }

    private recording<T>(command: (onOutput: (text: string) => void) => Promise<T>): Promise<T> {
        this.said = "";
        return command((text) => (this.said += text));
    }
}
