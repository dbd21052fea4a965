import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What `docker/host/boot` takes from Amazon Linux, besides what stands in for it here. */
const TOOLS = "bash basename cat cp cut dirname env mkdir mktemp rm sed sh sleep tail timeout".split(" ");

/** Where ECR would be; the registry of the tests answers for it. */
export const ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

export const INSTANCE = "i-0123456789abcdef0";

const WRITE_DOWN = `here=$(dirname "$(dirname "$0")")
echo "$(basename "$0") $*" >> "$here/calls"
for call in "$(basename "$0")" "$(basename "$0") \${1:-}"; do
    if [ -e "$here/broken/$call" ]; then cat "$here/broken/$call" >&2; exit 1; fi
done`;

/** AWS's command line, for the calls that a host makes. */
const AWS = `#!/usr/bin/env python3
import json, os, sys
here = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0])))
words = sys.argv[1:]
with open(here + "/calls", "a") as file: file.write("aws " + " ".join(words) + "\\n")
read = lambda name: open(f"{here}/{name}", encoding="utf-8").read()
option = lambda name: words[words.index("--" + name) + 1]
def fail(text):
    sys.stderr.write("\\n" + text + "\\n")
    sys.exit(254)
call = " ".join(words[:2])
if os.path.exists(f"{here}/broken/aws {call}"): fail(read(f"broken/aws {call}"))
assert os.environ["AWS_DEFAULT_REGION"] == "eu-central-1"
if call == "logs create-log-stream":
    name = {"${INSTANCE}": "said", "${INSTANCE}-deploy": "told"}[option("log-stream-name")]
    if os.path.exists(f"{here}/{name}"): fail("An error occurred (ResourceAlreadyExistsException) when calling ...")
    open(f"{here}/{name}", "w").close()
elif call == "logs put-log-events":
    assert (option("log-group-name"), option("log-stream-name")) == ("/decanter/test/hello", "${INSTANCE}")
    with open(here + "/said", "a") as file:
        for event in json.loads(option("log-events")): file.write(json.dumps(event["message"]) + "\\n")
elif call == "logs get-log-events":
    assert (option("log-group-name"), option("log-stream-name")) == ("/decanter/test/hello", "${INSTANCE}-deploy")
    assert option("query") == "[nextForwardToken, events[-1].timestamp, events[-1].message]"
    told = read("told").splitlines()
    place = int(option("next-token")[2:]) if "--next-token" in words else 0
    # One at a time, as pages may be short.
    new = told[place:place + 1]
    print("\\t".join([f"f/{place + len(new)}", str(place + 1) if new else "None", new[0] if new else "None"]))
elif call == "ssm get-parameters":
    first = words.index("--names") + 1
    names = words[first:]
    assert "--with-decryption" in words[:first] and len(names) <= 10
    there = json.loads(read("parameters.json"))
    known = [{"Name": name, "Value": there[name], "Version": 1} for name in names if name in there]
    unknown = [name for name in names if name not in there]
    sys.stdout.buffer.write(json.dumps({"Parameters": known, "InvalidParameters": unknown}, indent=4, ensure_ascii=False).encode())
elif call == "ecr get-login-password":
    print(read("token"))
else:
    fail(f"nothing stands in for {call}")
`;

/**
 * A host of AWS for `docker/host/boot`: the machine's Docker engine, and stand-ins for what Amazon Linux and AWS have. It
 * sees a copy of /etc as its own.
 */
export class BootHost {
    readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-host-"));
    /** What it printed. */
    console = "";
    private readonly bin = path.join(this.folder, "bin");
    private child?: ChildProcess;

    /** Why there can be none on this machine; undefined where it can. */
    static whyNot(): string | undefined {
        if (process.platform !== "linux" || process.getuid?.() !== 0) return "it needs Linux, and root";
        try {
            execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
            execFileSync("python3", ["--version"], { stdio: "ignore" });
            return undefined;
        } catch (error) {
            return (error as Error).message;
        }
    }

    /**
     * @param parameters what Parameter Store has, by name
     * @param options.registry address that answers for ECR
     * @param options.token what ECR gives for a password
     * @param options.hasDocker whether Docker is there before the boot
     */
    constructor(
        parameters: Record<string, string>,
        options: { registry: string; token: string; hasDocker?: boolean },
    ) {
        for (const name of ["bin", "broken", "tmp"]) fs.mkdirSync(path.join(this.folder, name));
        execFileSync("cp", ["-a", "/etc", this.path("etc")]);
        const real = (tool: string) =>
            execFileSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim();
        for (const tool of TOOLS) fs.symlinkSync(real(tool), path.join(this.bin, tool));
        // Not what the PATH has for it: pyenv puts a script there that looks for Python on the PATH again, for ever.
        const python = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], {
            encoding: "utf8",
        });
        fs.symlinkSync(python.trim(), path.join(this.bin, "python3"));
        this.write("parameters.json", JSON.stringify(parameters));
        this.write("token", options.token);
        this.write("address", "198.51.100.1");

        const docker = `#!/bin/bash\n${WRITE_DOWN}\nexec ${real("docker")} "\${@//${ECR}/${options.registry}}"\n`;
        this.tool(options.hasDocker === false ? "docker-to-come" : "docker", docker);
        const install = `cp "$here/bin/docker-to-come" "$here/bin/docker"`;
        this.tool("dnf", `#!/bin/sh\n${WRITE_DOWN}\n${install}\n`);
        // What Docker would read when it starts.
        this.tool(
            "systemctl",
            `#!/bin/sh\n${WRITE_DOWN}\n[ "$1" != restart ] || cp /etc/docker/daemon.json "$here/"\n`,
        );
        const metadata = `case "$*" in
            *"-X PUT"*/api/token*) echo metadata-token ;;
            *"X-aws-ec2-metadata-token: metadata-token"*/meta-data/instance-id*) printf ${INSTANCE} ;;
            *"X-aws-ec2-metadata-token: metadata-token"*/meta-data/public-ipv4*) cat "$here/address" ;;
            *169.254*) echo "curl: (22) The requested URL returned error: 401" >&2; exit 22 ;;
            *) exec ${real("curl")} "$@" ;;
        esac`;
        this.tool("curl", `#!/bin/sh\n${WRITE_DOWN}\n${metadata}\n`);
        this.tool("aws", AWS);
    }

    path(name: string): string {
        return path.join(this.folder, name);
    }

    write(name: string, text: string): void {
        fs.writeFileSync(this.path(name), text);
    }

    read(name: string): string {
        return fs.existsSync(this.path(name)) ? fs.readFileSync(this.path(name), "utf8") : "";
    }

    /** Puts a script on its PATH. */
    tool(name: string, text: string): void {
        fs.writeFileSync(path.join(this.bin, name), text, { mode: 0o755 });
    }

    /** Lets a command fail: "dnf", "aws ssm get-parameters". */
    break(command: string, message: string): void {
        this.write(`broken/${command}`, message);
    }

    mend(command: string): void {
        fs.rmSync(this.path(`broken/${command}`));
    }

    /** The events in its log stream. */
    said(): string[] {
        return this.read("said")
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => JSON.parse(line) as string);
    }

    /** Says something to it, as a deploy does. */
    tell(word: string): void {
        fs.appendFileSync(this.path("told"), `${word}\n`);
    }

    /** Sends visitors to it, as AWS does when it has moved the address. */
    getAddress(): void {
        this.write("address", "203.0.113.7");
    }

    /** Starts it with its user data. */
    boot(userData: string): void {
        this.write("user-data", userData);
        const script =
            'mount --bind "$0/etc" /etc && exec env -i PATH="$0/bin" TMPDIR="$0/tmp" bash "$0/user-data"';
        const command = ["--mount", "--propagation", "private", "sh", "-c", script, this.folder];
        this.child = spawn("unshare", command, { stdio: ["ignore", "pipe", "pipe"], detached: true });
        for (const stream of [this.child.stdout, this.child.stderr])
            stream?.on("data", (data: Buffer) => (this.console += data.toString()));
    }

    /** Waits until it says something in its log stream. */
    async says(text: RegExp, seconds = 60): Promise<string> {
        return this.waitFor(`it did not say ${text}`, seconds, () =>
            this.said().find((line) => text.test(line)),
        );
    }

    /** Waits until it prints something. */
    async prints(text: RegExp, seconds = 60): Promise<string> {
        return this.waitFor(`it did not print ${text}`, seconds, () => text.exec(this.console)?.[0]);
    }

    /** Waits until its boot is over. */
    async booted(seconds = 60): Promise<number> {
        return this.waitFor("its boot does not end", seconds, () => this.child?.exitCode ?? undefined);
    }

    /** Waits until it is healthy, gives it the address, and waits until its boot is over. */
    async serves(seconds = 60): Promise<number> {
        await this.says(/^decanter: healthy$/, seconds);
        this.getAddress();
        return this.booted(seconds);
    }

    /** Ends its boot, and leaves nothing but containers. */
    stop(): void {
        const { pid, exitCode, signalCode } = this.child ?? {};
        if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
        fs.rmSync(this.folder, { recursive: true, force: true });
    }

    private async waitFor<T>(problem: string, seconds: number, look: () => T | undefined): Promise<T> {
        for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(100)) {
            const found = look();
            if (found !== undefined) return found;
        }
        throw new Error(`${problem} within ${seconds} s; it printed:\n${this.console}`);
    }
}
