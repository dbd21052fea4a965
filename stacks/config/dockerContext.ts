import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Config } from "./config";
import type { EdgeSettings } from "./edgeSettings";

/** Where Pulumi's Docker provider looks for a daemon that nobody names. */
const DEFAULT = "unix:///var/run/docker.sock";

/** A context of Docker's command line: https://docs.docker.com/engine/manage-resources/contexts/ */
interface Context {
    address: string;
    /** Folder of its certificates, if it has any. */
    certificates?: string;
}

/**
 * Throws where the resources of a deploy and its hooks would speak to two Docker daemons: the provider does not know the
 * context that Docker's command line follows. The commands in bin/ see to it that both take the same.
 */
export function mustBeOneDaemon(config: Config | EdgeSettings, env = process.env): void {
    if (!needsDocker(config)) return;
    const { host } = config;
    const folder = env.DOCKER_CONFIG || path.join(os.homedir(), ".docker");
    const named = env.DOCKER_CONTEXT;
    // The provider's resources follow this variable whatever the host is, and its images never do.
    if (named) {
        const other = host === undefined && !env.DOCKER_HOST ? contextOf(folder, named) : undefined;
        const remedy = ["unset DOCKER_CONTEXT", ...(other ? [exportOf(other)] : [])].join("; ");
        throw refusal(`DOCKER_CONTEXT is ${named}, which Pulumi's Docker provider follows halfway`, remedy);
    }
    if (host !== undefined || env.DOCKER_HOST) return;
    const current = currentContext(folder);
    const context = current === undefined ? undefined : contextOf(folder, current);
    if (context === undefined || (!context.certificates && isSameSocket(context.address))) return;
    const settable = /^(unix|ssh):/.test(context.address) && !context.certificates;
    throw refusal(
        `Docker's command line is at ${context.address} (its context ${current}), where Pulumi's Docker provider does not look`,
        exportOf(context) + (settable ? `, or: pulumi config set host ${context.address}` : ""),
    );
}

function needsDocker(config: Config | EdgeSettings): boolean {
    if (config.target === "edge") return true;
    const isBuilt = config.image === undefined;
    return (
        isBuilt ||
        config.target === "docker" ||
        (config.target === "floating-ip" && !!config.aws.tlsCertificate)
    );
}

function refusal(problem: string, remedy: string): Error {
    return new pulumi.RunError(`${problem}: deploy with ./bin/up, or run: ${remedy}`);
}

function exportOf({ address, certificates }: Context): string {
    const tls = certificates ? ` DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=${certificates}` : "";
    return `export DOCKER_HOST=${address}${tls}`;
}

/** Name of the context that was chosen with `docker context use`. */
function currentContext(folder: string): string | undefined {
    const { currentContext: name } = (read(path.join(folder, "config.json")) ?? {}) as {
        currentContext?: string;
    };
    return name;
}

/** A context by its name; undefined for `default`, and for one that is not there. */
function contextOf(folder: string, name: string): Context | undefined {
    const id = createHash("sha256").update(name).digest("hex");
    const meta = read(path.join(folder, "contexts", "meta", id, "meta.json")) as
        { Endpoints?: { docker?: { Host?: string } } } | undefined;
    const address = meta?.Endpoints?.docker?.Host;
    if (!address) return undefined;
    const certificates = path.join(folder, "contexts", "tls", id, "docker");
    return { address, certificates: fs.existsSync(certificates) ? certificates : undefined };
}

function read(file: string): unknown {
    try {
        return JSON.parse(fs.readFileSync(file, "utf8"));
    } catch {
        // Without it Docker's command line follows no context either.
        return undefined;
    }
}

/** Whether an address leads to the provider's own, as Docker Desktop's may. */
function isSameSocket(address: string): boolean {
    const real = (socket: string) => {
        const file = socket.replace(/^unix:\/\//, "");
        return fs.existsSync(file) ? fs.realpathSync(file) : file;
    };
    return real(address) === real(DEFAULT);
}
