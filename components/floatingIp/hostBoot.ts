import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { containerDefaults, restart } from "../docker/containerDefaults";
import { type Health, healthCheck, wholeHealth } from "../release/healthCheck";
import { type ContainerLimits, containerLimits, type Limits } from "../release/limits";
import { MIGRATION_SECONDS, migrationCommand, type ReleaseMigration } from "../release/migrationCommand";
import { sortedVariables } from "../release/releaseEnv";
import { type BootOverrides, onAws } from "./bootOverrides";

/** EC2 takes 16,384 bytes, before they are encoded, and refuses more only when the host is made. */
const MAX_BYTES = 14_000;

export interface HostBootArgs {
    /** Name of the release, and of its container. */
    release: string;
    /** Image by digest. */
    image: pulumi.Input<string>;
    region: string;
    /** Path of the parameters with the secrets, such as `/decanter/prod/hello`. */
    parameters: string;
    /** Another one makes another host: the version of the parameters' values. */
    parametersVersion: pulumi.Input<string>;
    /** Names of the secret environment variables. */
    secretNames: string[];
    /** Plain environment, by name. */
    env: Record<string, string>;
    /** Log group that the host and its containers write to. */
    logGroup: pulumi.Input<string>;
    health: Health;
    /** How long the release may take to stop, in seconds. */
    drainSeconds: number;
    /** What migrates before the release starts; without it nothing does. */
    migration?: ReleaseMigration;
    /**
     * What the container may use.
     *
     * @default a read-only file system, and no limit
     */
    limits?: Limits;
    /** Image of the TLS proxy, by digest; without it visitors reach the release itself, over plain HTTP. */
    proxyImage?: pulumi.Input<string>;
    /**
     * Whether a proxy in front of the TLS proxy says who visitors are (X-Forwarded-*).
     *
     * @default false
     */
    behindProxy?: boolean;
}

/** The user data of a host: its settings, and what it does with them (`docker/host/boot`). There is no secret in it. */
export function hostBoot(args: HostBootArgs, overrides?: Partial<BootOverrides>): pulumi.Output<string> {
    const { image, parametersVersion, logGroup, proxyImage = "" } = args;
    return pulumi
        .all([image, parametersVersion, logGroup, proxyImage])
        .apply(([ref, version, group, proxy]) => userData(args, { ref, version, group, proxy }, overrides));
}

interface Known {
    ref: string;
    version: string;
    group: string;
    proxy: string;
}

function userData(args: HostBootArgs, known: Known, overrides: Partial<BootOverrides> = {}): string {
    const place = { ...onAws, ...overrides };
    const { migration, drainSeconds, region } = args;
    const health = wholeHealth(args.health);
    const { logDriver, logOpts } = containerDefaults;
    // A release waits for nobody who reads its log.
    const waiting = { mode: "non-blocking", "max-buffer-size": "4m" };
    const awslogs = { "awslogs-region": region, "awslogs-group": known.group, ...waiting };
    const daemon = {
        "shutdown-timeout": drainSeconds,
        "live-restore": false,
        "log-driver": logDriver,
        "log-opts": logOpts,
    };
    const plain = sortedVariables(args.env).filter(([name]) => !args.secretNames.includes(name));
    const env = plain.map(([name, value]) => `${name}=${value}`);
    const settings: Record<string, string | number | string[]> = {
        RELEASE: args.release,
        IMAGE: known.ref,
        PROXY_IMAGE: known.proxy,
        REGION: region,
        LOG_GROUP: known.group,
        PARAMETERS: args.parameters,
        PARAMETERS_VERSION: known.version,
        SECRET_NAMES: [...args.secretNames].sort(),
        PORT: health.port,
        HTTP_PORT: place.httpPort,
        HTTPS_PORT: place.httpsPort,
        BEHIND_PROXY: `${args.behindProxy ?? false}`,
        HEALTH_PATH: health.path,
        MIGRATE: migration?.command ?? "",
        MIGRATION: migration ? migrationCommand(migration.command) : [],
        MIGRATE_SECONDS: migration?.seconds ?? MIGRATION_SECONDS,
        BOOT_SECONDS: health.bootSeconds,
        BAKE_SECONDS: health.bakeSeconds,
        DRAIN_SECONDS: drainSeconds,
        RETRY_SECONDS: place.retrySeconds,
        LISTEN_SECONDS: place.listenSeconds,
        ADDRESS_SECONDS: place.addressSeconds,
        RESTART: restart,
        DAEMON: JSON.stringify(daemon),
        OPTIONS: [...defaultOptions(), ...(place.log ?? logOptions("awslogs", awslogs))],
        LIMITS: [
            ...limitOptions(containerLimits(args.limits)),
            ...["--stop-timeout", `${drainSeconds}`],
            ...env.flatMap((variable) => ["--env", variable]),
        ],
        HEALTH: healthOptions(health),
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${assigned(value)}`);
    const folder = path.join(__dirname, "..", "..", "docker", "host");
    const program = `PROGRAM=${quoted(codeOf(path.join(folder, "secrets.py"), " "))}`;
    const text = ["#!/bin/bash", ...lines, program, codeOf(path.join(folder, "boot")), ""].join("\n");
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_BYTES) {
        const ofEnv = Buffer.byteLength(env.join(""));
        throw new pulumi.RunError(
            `what a host is told at its boot must be ${MAX_BYTES} bytes at most, got ${bytes}, of which env has ${ofEnv}: ` +
                "make env shorter, or move long values of it to secrets",
        );
    }
    return text;
}

function defaultOptions(): string[] {
    const { init, capabilities, securityOpts } = containerDefaults;
    return [
        ...(init ? ["--init"] : []),
        ...capabilities.drops.flatMap((capability) => ["--cap-drop", capability]),
        ...securityOpts.flatMap((option) => ["--security-opt", option]),
    ];
}

function logOptions(driver: string, options: Record<string, string>): string[] {
    const pairs = Object.entries(options).flatMap(([name, value]) => ["--log-opt", `${name}=${value}`]);
    return ["--log-driver", driver, ...pairs];
}

function limitOptions({ readOnly, tmpfs, memory, cpus }: ContainerLimits): string[] {
    return [
        ...(readOnly ? ["--read-only"] : []),
        ...Object.keys(tmpfs).flatMap((folder) => ["--tmpfs", folder]),
        ...(memory === undefined ? [] : ["--memory", `${memory}m`]),
        ...(cpus === undefined ? [] : ["--cpus", cpus]),
    ];
}

function healthOptions(health: Health): string[] {
    const { tests, interval, timeout, retries } = healthCheck(health);
    // docker run takes a line for a shell.
    return [
        ...["--health-cmd", `exec ${tests.slice(1).map(quoted).join(" ")}`, "--health-interval", interval],
        ...["--health-timeout", timeout, "--health-retries", `${retries}`],
    ];
}

/** A file without comments and what bash or Python can do without of its indentation. */
function codeOf(file: string, indentation = ""): string {
    const lines = fs.readFileSync(file, "utf8").trimEnd().split("\n");
    return lines
        .filter((line) => line.trim() !== "" && !/^ *#/.test(line))
        .map((line) => line.replace(/^( {4})+/, ({ length }) => indentation.repeat(length / 4)))
        .join("\n");
}

/** A value as bash reads it. */
function assigned(value: string | number | string[]): string {
    return Array.isArray(value) ? `(${value.map(quoted).join(" ")})` : quoted(`${value}`);
}

function quoted(word: string): string {
    return /^[\w.,:=@%+/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
