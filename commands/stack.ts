import { dockerCli, type DockerResult } from "../components/docker/dockerCli";
import { ask, must } from "./command";

/** A resource, as Pulumi's state has it. */
interface Resource {
    urn: string;
    id?: string;
    /** Whether it is to go. */
    delete?: boolean;
}

/**
 * A stack, as Pulumi's command line tells of it. It is asked without `--show-secrets`, as the Automation API would not: no
 * command needs the secrets, and some run where there is no passphrase.
 */
export class Stack {
    private known?: Record<string, { value?: string; secret: boolean }>;

    constructor(
        readonly name: string,
        /** The file with its settings, where that is not its own. */
        private readonly settings?: string,
    ) {}

    /** A setting; empty where it is not set. */
    setting(key: string): string {
        this.known ??= JSON.parse(
            must("pulumi", "config", ...this.where(), "--json") || "{}",
        ) as typeof this.known;
        return this.known?.[`decanter:${key}`]?.value ?? "";
    }

    /** Sets a setting. */
    set(key: string, value: string): void {
        must("pulumi", "config", "set", ...this.where(), key, value);
        this.known = undefined;
    }

    /** Outputs of the last update; none before the first, and where the state cannot be read. */
    outputs(): Record<string, unknown> {
        const { code, stdout } = ask("pulumi", "stack", "output", "--stack", this.name, "--json");
        return code === 0 && stdout.trim() !== "" ? (JSON.parse(stdout) as Record<string, unknown>) : {};
    }

    /** What the state has; undefined where it cannot be read. */
    resources(): Resource[] | undefined {
        const { code, stdout } = ask("pulumi", "stack", "export", "--stack", this.name);
        if (code !== 0) return undefined;
        const { deployment } = JSON.parse(stdout || "{}") as { deployment?: { resources?: Resource[] } };
        return deployment?.resources ?? [];
    }

    /** Id of the container of its router, as the state knows it: undefined where that cannot be read, null where there is none. */
    router(): string | null | undefined {
        const type = "decanter:index:Router$docker:index/container:Container::";
        const routers = this.resources()?.filter(({ urn, delete: goes }) => !goes && urn.includes(type));
        return routers && (routers.at(-1)?.id ?? null);
    }

    isOnAws(): boolean {
        return ["fargate", "floating-ip"].includes(this.setting("target"));
    }

    /** Address of its Docker host; undefined for this machine's own. */
    get host(): string | undefined {
        return this.setting("host") || undefined;
    }

    /** Runs Docker's command line there. */
    docker(args: string[], seconds?: number): Promise<DockerResult> {
        return dockerCli(this.host, args, seconds);
    }

    private where(): string[] {
        const file = this.settings === undefined ? [] : ["--config-file", this.settings];
        return ["--stack", this.name, ...file];
    }
}
