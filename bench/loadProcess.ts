import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import * as os from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Fate, Load, type LoadOptions } from "./load";

/** What a load came to. */
export interface Loaded {
    fates: Fate[];
    /** The longest that the process of the load itself was late, in milliseconds: of a latency, so much may be its own. */
    ownMs: number;
}

/**
 * Load of a process of its own, so that what this one does is in no latency. Where the system lets it, it goes before all others: what is
 * late is then not the client.
 */
export class LoadProcess {
    private constructor(private readonly child: ChildProcess) {}

    /** Starts it; the first request is under way when it returns. */
    static async start(options: LoadOptions): Promise<LoadProcess> {
        const child = fork(__filename, [JSON.stringify(options)], {
            execArgv: ["--import=tsx"],
            serialization: "advanced",
        });
        try {
            os.setPriority(child.pid ?? 0, os.constants.priority.PRIORITY_HIGHEST);
        } catch {
            // Others than root may not.
        }
        await once(child, "message");
        return new LoadProcess(child);
    }

    /** Waits for the requests that have begun. */
    async stop(): Promise<Loaded> {
        this.child.send("stop");
        const [loaded] = (await once(this.child, "message")) as [Loaded];
        this.child.disconnect();
        return loaded;
    }
}

async function main(): Promise<void> {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const load = new Load(JSON.parse(process.argv[2] ?? "") as LoadOptions);
    // Not what starting has cost.
    await new Promise((resolve) => setTimeout(resolve, 500));
    delay.enable();
    process.send?.("started");
    await once(process, "message");
    const ownMs = delay.max / 1e6;
    process.send?.({ fates: await load.stop(), ownMs } satisfies Loaded);
}

if (require.main === module) void main();
