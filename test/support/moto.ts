import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./machine";
import { fromPypi } from "./pypi";

const VERSION = "5.2.5";

/** moto, an AWS made of Python, on a port of this machine: https://docs.getmoto.org/en/latest/docs/server_mode.html */
export class Moto {
    /** Environment of who is to ask it. */
    readonly env: Record<string, string>;

    private constructor(
        private readonly server: ChildProcess,
        port: number,
    ) {
        this.env = {
            AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
            AWS_ACCESS_KEY_ID: "moto",
            AWS_SECRET_ACCESS_KEY: "moto",
        };
    }

    /** Installs moto from PyPI for this checkout, once, and starts it; throws with the reason where it cannot be had. */
    static async start(): Promise<Moto> {
        const command = await fromPypi("moto", `moto[server,ecs,logs,ssm,ec2,s3]==${VERSION}`, "moto_server");
        const port = await freePort();
        const server = spawn(command, ["--host", "127.0.0.1", "--port", `${port}`], { stdio: "ignore" });
        for (const deadline = Date.now() + 60_000; ; await sleep(200)) {
            const answer = await fetch(`http://127.0.0.1:${port}/moto-api/`).catch(() => undefined);
            if (answer?.ok) return new Moto(server, port);
            if (server.exitCode !== null || Date.now() > deadline) {
                server.kill();
                throw new Error("moto does not start");
            }
        }
    }

    async stop(): Promise<void> {
        const ended = new Promise((resolve) => this.server.once("exit", resolve));
        this.server.kill();
        await ended;
    }
}
