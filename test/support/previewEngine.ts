import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { AwsStandIn } from "./awsEngine";

/** Secrets of the program in test/support/previews. None may be found in what is made of its previews. */
export const PREVIEW_SECRETS = ["canary-riesling-1", "canary-riesling-2", "canary-tag-1", "canary-tag-2"];

/** What a command has printed, and how it has ended. */
interface Ended {
    code: number;
    stdout: string;
    stderr: string;
}

/**
 * Previews of the program in test/support/previews with Pulumi's engine, in a folder of their own. AWS is a stand-in, and
 * so is the Docker daemon: it knows volumes, and makes none.
 */
export class PreviewEngine {
    private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-previews-"));
    private readonly standIn = new AwsStandIn();
    private readonly daemon = http.createServer(answerAsDocker);
    private env: NodeJS.ProcessEnv = {};

    /** Makes a stack that has nothing yet. */
    async start(): Promise<void> {
        fs.cpSync("test/support/previews", this.folder, { recursive: true });
        fs.symlinkSync(path.resolve("node_modules"), path.join(this.folder, "node_modules"));
        fs.mkdirSync(path.join(this.folder, "state"));
        await new Promise<void>((done) => this.daemon.listen(0, "127.0.0.1", done));
        this.env = {
            ...process.env,
            ...this.standIn.env,
            PULUMI_OPTION_SKIP_PLUGIN_PRE_INSTALL: "true",
            PULUMI_BACKEND_URL: `file://${this.folder}/state`,
            PULUMI_CONFIG_PASSPHRASE: "test",
            DOCKER_HOST: `tcp://127.0.0.1:${(this.daemon.address() as AddressInfo).port}`,
        };
        await this.must("stack", "init", "staging");
        await this.set({ "aws:region": "eu-central-1", secret: "canary-riesling-1" });
    }

    /** Sets the program's settings; `secret` is one. */
    async set(settings: Record<string, string>): Promise<void> {
        for (const [key, value] of Object.entries(settings))
            await this.must("config", "set", ...(key === "secret" ? ["--secret"] : []), key, value);
    }

    async up(...flags: string[]): Promise<void> {
        await this.must("up", "--yes", "--skip-preview", ...flags);
    }

    /** What `pulumi preview --json` prints; the preview may fail. */
    async preview(...flags: string[]): Promise<Ended> {
        return this.pulumi("preview", "--json", ...flags);
    }

    /** Gives the volume other labels, as somebody could by hand. */
    changeVolume(labels: Record<string, string>): void {
        volumes.set("uploads", { ...volumes.get("uploads"), Labels: labels });
    }

    /** Runs a command of this project, such as `drift`, where its program is. */
    run(command: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
        for (const name of ["bin", "ci", "package-lock.json"])
            fs.cpSync(name, path.join(this.folder, name), { recursive: true });
        // Older than the packages, so nothing is installed.
        fs.utimesSync(path.join(this.folder, "package-lock.json"), 0, 0);
        return this.exec(path.join(this.folder, "bin", command), args, env);
    }

    /** The files and folders of the state, each with when it was written last. */
    state(): string[] {
        const folder = path.join(this.folder, "state");
        const names = fs.readdirSync(folder, { recursive: true, encoding: "utf8" });
        return ["", ...names].sort().map((name) => {
            const { mtimeNs } = fs.statSync(path.join(folder, name), { bigint: true });
            return `${name} ${mtimeNs}`;
        });
    }

    stop(): void {
        this.daemon.closeAllConnections();
        this.daemon.close();
        this.standIn.remove();
        fs.rmSync(this.folder, { recursive: true });
    }

    private async must(...args: string[]): Promise<void> {
        const { code, stdout, stderr } = await this.pulumi(...args, "--non-interactive");
        if (code !== 0) throw new Error(`pulumi ${args.join(" ")} failed:\n${stdout}${stderr}`);
    }

    private pulumi(...args: string[]): Promise<Ended> {
        return this.exec("pulumi", args);
    }

    private exec(file: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
        const options = { cwd: this.folder, env: { ...this.env, ...env }, maxBuffer: 2 ** 28 };
        return new Promise((resolve) => {
            execFile(file, args, options, (error, stdout, stderr) => {
                resolve({
                    code: typeof error?.code === "number" ? error.code : error ? 1 : 0,
                    stdout,
                    stderr,
                });
            });
        });
    }
}

/**
 * A preview as it is kept for the unit tests: without what belongs to the machine that made it (positions in sources, times,
 * how long it took, plugins on its PATH), and without what repeats the URN and its neighbours.
 *
 * @param preview what `pulumi preview --json` has printed
 * @param outputs whether the outputs of resources are kept too; the inputs always are
 */
export function sampleOf(preview: string, { outputs }: { outputs: boolean }): string {
    const { config, steps, diagnostics, changeSummary } = JSON.parse(preview);
    const stateOf = (state: any) =>
        state && {
            ...(state.protect ? { protect: true } : {}),
            inputs: state.inputs,
            ...(outputs ? { outputs: state.outputs } : {}),
        };
    return JSON.stringify({
        config,
        steps: steps.map(
            ({ op, urn, oldState, newState, diffReasons, replaceReasons, detailedDiff }: any) => ({
                op,
                urn,
                oldState: stateOf(oldState),
                newState: stateOf(newState),
                diffReasons,
                replaceReasons,
                detailedDiff,
            }),
        ),
        diagnostics: diagnostics.filter(({ message }: any) => !/ from \$PATH at /.test(message)),
        changeSummary,
    });
}

/** Answers what the Docker provider asks about a volume. */
function answerAsDocker(request: http.IncomingMessage, response: http.ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
        if (request.url?.endsWith("/volumes/create"))
            volumes.set("uploads", {
                Driver: "local",
                Mountpoint: "/",
                ...JSON.parse(Buffer.concat(chunks).toString()),
            });
        response.setHeader("Api-Version", "1.44");
        response.setHeader("Content-Type", "application/json");
        response.end(request.url?.endsWith("/_ping") ? "OK" : JSON.stringify(volumes.get("uploads") ?? {}));
    });
}
const volumes = new Map<string, object>();
