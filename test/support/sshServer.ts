import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { descendants } from "./checkout";
import { freePort } from "./machine";

/** An ssh server of the tests' own on loopback, and the client that may log in there as the user who runs the tests. */
export class SshServer {
    /** The Docker host behind it. */
    readonly dockerHost: string;
    private server?: ChildProcess;

    private constructor(
        private readonly folder: string,
        private readonly port: number,
    ) {
        this.dockerHost = `ssh://${os.userInfo().username}@127.0.0.1:${port}`;
    }

    /** Why there can be none on this machine; undefined where it can. */
    static whyNot(): string | undefined {
        return fs.existsSync("/usr/sbin/sshd")
            ? undefined
            : "there is no ssh server (Debian package openssh-server)";
    }

    static async start(): Promise<SshServer> {
        const server = new SshServer(
            fs.mkdtempSync(path.join(os.tmpdir(), "decanter-ssh-")),
            await freePort(),
        );
        server.furnish();
        await server.listen();
        return server;
    }

    /** A PATH whose `ssh` knows the key. */
    get path(): string {
        return `${path.join(this.folder, "bin")}:${process.env.PATH}`;
    }

    async listen(): Promise<void> {
        // In a process group of its own: the Ctrl-C that ends the tests is not for it.
        this.server = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", this.file("sshd_config")], {
            detached: true,
            stdio: "ignore",
        });
        while (!(await this.answers())) await sleep(50);
    }

    /** Ends every connection, and lets nobody in. */
    async cut(): Promise<void> {
        const pid = this.server?.pid ?? 0;
        const ended = once(this.server as ChildProcess, "exit");
        for (const session of descendants(pid)) process.kill(session, "SIGKILL");
        process.kill(pid, "SIGKILL");
        await ended;
    }

    async stop(): Promise<void> {
        if (this.server?.exitCode === null && this.server.signalCode === null) await this.cut();
        fs.rmSync(this.folder, { recursive: true });
    }

    private file(name: string): string {
        return path.join(this.folder, name);
    }

    private furnish(): void {
        for (const key of ["host", "user"])
            execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", this.file(key)]);
        fs.copyFileSync(this.file("user.pub"), this.file("authorized_keys"));
        fs.writeFileSync(
            this.file("sshd_config"),
            `Port ${this.port}\nListenAddress 127.0.0.1\nHostKey ${this.file("host")}\nPidFile none\n` +
                `AuthorizedKeysFile ${this.file("authorized_keys")}\nStrictModes no\nPermitRootLogin prohibit-password\n` +
                "MaxStartups 100\nMaxSessions 100\n",
        );
        fs.writeFileSync(
            this.file("ssh_config"),
            `IdentityFile ${this.file("user")}\nUserKnownHostsFile ${this.file("known")}\nStrictHostKeyChecking no\n` +
                "LogLevel ERROR\n",
        );
        fs.mkdirSync(this.file("bin"));
        const client = `#!/bin/sh\nexec /usr/bin/ssh -F '${this.file("ssh_config")}' "$@"\n`;
        fs.writeFileSync(this.file("bin/ssh"), client, { mode: 0o755 });
        // Its own privilege separation wants this folder; a service manager would make it.
        fs.mkdirSync("/run/sshd", { recursive: true });
    }

    private answers(): Promise<boolean> {
        return new Promise((resolve) => {
            const socket = net.connect(this.port, "127.0.0.1");
            socket.once("data", () => resolve(true)).once("error", () => resolve(false));
            socket.once("data", () => socket.destroy());
        });
    }
}
