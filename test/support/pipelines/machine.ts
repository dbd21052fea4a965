import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { copyProject } from "../checkout";

/** Values that CI would hold as secrets; each is seen by its own name. */
export const SECRETS = {
    PULUMI_ACCESS_TOKEN: "canary-access-token",
    PULUMI_CONFIG_PASSPHRASE: "canary-passphrase",
    SSH_KEY: "canary-ssh-key",
    GITHUB_TOKEN: "canary-github-token",
    GITLAB_TOKEN: "canary-gitlab-token",
    CI_JOB_TOKEN: "canary-job-token",
    AWS_ID_TOKEN: "canary-aws-id-token",
    CIRCLE_OIDC_TOKEN_V2: "canary-oidc-token",
};

/** How the tools end that are asked for something. */
const ENDS: Record<string, string> = {
    // The release is not there yet.
    gh: '[ "$1 $2" != "release view" ]',
    getent: 'echo "10.0.0.5 $2"',
};

/** A call of a tool, and the names of the variables with secrets that it had. */
export interface Call {
    args: string[];
    secrets: string[];
}

interface Deployed {
    version?: string;
    image?: string;
}

/** What the commands of a job have printed, where one has failed. */
export class JobFailed extends Error {}

/**
 * What CI has around its jobs: the repository, the services whose API is asked, a backend with stacks, and the apps that
 * answer. Tools that would reach beyond this machine are stand-ins.
 */
export class World {
    readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-ci-"));
    readonly origin = path.join(this.folder, "origin.git");
    /** What was asked of the APIs of GitHub and GitLab: method and path, and the body. */
    readonly asked: { line: string; body: Record<string, unknown> }[] = [];
    /** Everything that the jobs have printed. */
    log = "";
    /** What another version in the apps' answers would look like; none by default. */
    answers?: string;
    private readonly tools = path.join(this.folder, "tools");
    private readonly state = path.join(this.folder, "state.json");
    private readonly server = http.createServer((request, response) => void this.answer(request, response));

    /**
     * @param files contents of files that this project has besides its own
     * @param decanter folder of the repository where this project lies; then the example lies at its root
     */
    static async start(files: Record<string, string> = {}, decanter = "."): Promise<World> {
        const world = new World(decanter);
        await new Promise<void>((resolve) => world.server.listen(0, "127.0.0.1", resolve));
        world.makeOrigin(files);
        world.makeTools();
        world.save({ stacks: { staging: {}, prod: {} }, calls: [] });
        return world;
    }

    private constructor(readonly decanter: string) {}

    get url(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    get calls(): Call[] {
        return this.load().calls;
    }

    /** The calls of Pulumi that change something, each as one line. */
    get changes(): string[] {
        const lines = this.calls.map(({ args }) => args.join(" "));
        return lines.filter((line) => /^(up|destroy|stack rm|refresh)\b/.test(line));
    }

    get stacks(): Record<string, Deployed> {
        return this.load().stacks;
    }

    set stacks(stacks: Record<string, Deployed>) {
        this.save({ ...this.load(), stacks });
    }

    git(...args: string[]): string {
        return execFileSync("git", ["-C", this.origin, ...args], { encoding: "utf8" }).trim();
    }

    /** Commits to the main branch, as a merge would. */
    commit(message: string): void {
        const clone = path.join(this.folder, "clone");
        const git = (...args: string[]) =>
            execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...args], {
                stdio: "ignore",
            });
        git("clone", this.origin, clone);
        git("-C", clone, "commit", "--allow-empty", "-m", message);
        git("-C", clone, "push");
        fs.rmSync(clone, { recursive: true });
    }

    async stop(): Promise<void> {
        await new Promise((resolve) => this.server.close(resolve));
        fs.rmSync(this.folder, { recursive: true, force: true });
    }

    /** Environment of every job: nothing of this machine but its tools. */
    env(home: string): Record<string, string> {
        return {
            PATH: `${this.tools}:${path.dirname(process.execPath)}:/usr/bin:/bin`,
            HOME: home,
            GIT_CONFIG_GLOBAL: "/dev/null",
            GIT_CONFIG_SYSTEM: "/dev/null",
            SMOKE_SECONDS: "1",
            FAKE_STATE: this.state,
            FAKE_URL: this.url,
            FAKE_YAML: require.resolve("yaml"),
            FAKE_FLAGS: path.resolve(__dirname, "flags.json"),
            FAKE_PREVIEW: path.resolve("test/samples/previews/update.json"),
            FAKE_CALLS: path.join(this.folder, "calls"),
        };
    }

    /** Calls of the other tools, each as one line. */
    get toolCalls(): string[] {
        const file = path.join(this.folder, "calls");
        return fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim().split("\n") : [];
    }

    private load(): { stacks: Record<string, Deployed>; calls: Call[] } {
        return JSON.parse(fs.readFileSync(this.state, "utf8")) as ReturnType<World["load"]>;
    }

    private save(state: ReturnType<World["load"]>): void {
        fs.writeFileSync(this.state, JSON.stringify(state));
    }

    private makeOrigin(files: Record<string, string>): void {
        const work = path.join(this.folder, "work");
        const decanter = path.join(work, this.decanter);
        copyProject(decanter);
        for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(decanter, name), text);
        if (this.decanter !== ".") fs.cpSync("examples/hello", work, { recursive: true });
        const git = (...args: string[]) =>
            execFileSync(
                "git",
                ["-C", work, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...args],
                {
                    stdio: "ignore",
                },
            );
        git("init", "--initial-branch", "main");
        git("add", ".");
        git("commit", "-m", "Say hello");
        git("tag", "v1.2.3");
        git("commit", "--allow-empty", "-m", "feat: count bottles");
        execFileSync("git", ["clone", "--bare", "--quiet", work, this.origin]);
        fs.rmSync(work, { recursive: true });
    }

    private makeTools(): void {
        fs.mkdirSync(this.tools);
        fs.copyFileSync(path.join(__dirname, "fakePulumi.cjs"), path.join(this.tools, "pulumi"));
        fs.chmodSync(path.join(this.tools, "pulumi"), 0o755);
        const held = "env | sed -n 's/^\\([A-Z_0-9]*\\)=canary.*/\\1/p' | sort | tr '\\n' ' '";
        for (const tool of ["docker", "mix", "aws", "gh", "apt-get", "getent", "circleci-agent"]) {
            const ends = ENDS[tool] ?? "exit 0";
            const script = `#!/bin/sh\necho "${tool} $* [$(${held})]" >> "$FAKE_CALLS"\n${ends}\n`;
            fs.writeFileSync(path.join(this.tools, tool), script, { mode: 0o755 });
        }
    }

    /** The apps tell the version that was deployed last, and the APIs take everything. */
    private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
        const [, stack = "", page] = (request.url ?? "").split("/");
        const deployed = this.stacks[stack];
        if (page !== undefined && deployed?.version !== undefined) {
            return void response.end(page === "version" ? (this.answers ?? deployed.version) : "ok");
        }
        let body = "";
        for await (const part of request) body += String(part);
        const json = body === "" ? {} : (JSON.parse(body) as Record<string, unknown>);
        this.asked.push({ line: `${request.method} ${(request.url ?? "").replace(/\?.*/, "")}`, body: json });
        response.setHeader("content-type", "application/json");
        response.statusCode = request.method === "POST" ? 201 : 200;
        response.end(
            request.method === "GET" ? "[]" : JSON.stringify({ id: 1, iid: 1, number: 1, body: "" }),
        );
    }
}

/** A clean machine with a checkout, where one job runs. */
export class Machine {
    readonly home: string;
    readonly checkout: string;
    private clones = 0;

    constructor(private readonly world: World) {
        this.home = fs.mkdtempSync(path.join(world.folder, "home-"));
        this.checkout = path.join(this.home, "work");
    }

    /** Clones the repository. */
    clone(depth: "all" | 1): void {
        const { origin } = this.world;
        // A folder is cloned by links, but knows no depth.
        const source = depth === "all" ? [origin] : ["--depth", "1", `file://${origin}`];
        execFileSync("git", ["clone", "--quiet", ...source, this.checkout]);
        this.clones += 1;
        // As if `npm ci` had run: what would come from npm is here.
        const decanter = path.join(this.checkout, this.world.decanter);
        fs.symlinkSync(path.resolve("node_modules"), path.join(decanter, "node_modules"));
        fs.utimesSync(path.join(decanter, "package-lock.json"), 0, 0);
    }

    /**
     * Runs a script with bash, as CI does.
     *
     * @returns what it printed; rejects with that where it fails
     */
    async run(script: string, env: Record<string, string>, cwd = "."): Promise<string> {
        const file = path.join(this.home, "step.sh");
        fs.writeFileSync(file, script);
        const child = spawn("bash", ["-eo", "pipefail", file], {
            cwd: path.resolve(this.clones > 0 ? this.checkout : this.home, cwd),
            env: { ...this.world.env(this.home), ...env },
            stdio: ["ignore", "pipe", "pipe"],
        });
        let output = "";
        for (const stream of [child.stdout, child.stderr])
            stream.on("data", (data: Buffer) => (output += data.toString()));
        const code = await new Promise((resolve) => child.once("close", resolve));
        this.world.log += output;
        if (code !== 0) throw new JobFailed(`exit code ${String(code)}: ${script}\n${output}`);
        return output;
    }
}
