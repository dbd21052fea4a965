import * as pulumi from "@pulumi/pulumi";
import { type Health, HEALTH_BOUNDS, HEALTH_PATH } from "../../components/release/healthCheck";
import type { Limits } from "../../components/release/limits";
import { type AppSettings, readApp } from "./appSettings";
import { type BuildSettings, readBuild } from "./buildSettings";
import { isHttps } from "./httpsSettings";
import { type PlaceSettings, readPlace } from "./placeSettings";
import { set, type SettingsReader } from "./settingsReader";

/** The settings that every target has. */
export interface CommonSettings extends AppSettings, BuildSettings, PlaceSettings {
    readonly notes: string[];
    readonly image?: string;
    readonly keepReleases: number;
    readonly health: Required<Health>;
    readonly limits: Limits;
    readonly replicas: number;
    readonly bootCheck: boolean;
    readonly drainSeconds: number;
    readonly env: Record<string, string>;
    readonly secrets: pulumi.Output<Record<string, string>>;
    /** Bytes of each secret, by name. */
    readonly secretSizes: Record<string, number>;
    readonly secretsVersion: number;
    readonly domain: string;
    /** Other names by which visitors know the release. */
    readonly domainAliases: string[];
    readonly behindProxy: boolean;
    readonly registry?: { address: string; username?: string; password?: pulumi.Output<string> };
    readonly routerImage: string;
    readonly registryImage: string;
}

const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;

const ALIAS = /^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$/;

/**
 * Reads and checks the settings that every target has.
 *
 * @param mostReplicas the most that the target takes
 */
export function readCommon(settings: SettingsReader, mostReplicas: number): CommonSettings {
    const { env, secrets } = readVariables(settings);
    return {
        ...readApp(settings),
        ...readBuild(settings),
        notes: settings.notes,
        image: readImage(settings),
        keepReleases: settings.whole("keepReleases", 2, 100, 5),
        env,
        secrets: pulumi.secret(secrets),
        secretSizes: Object.fromEntries(
            Object.entries(secrets).map(([name, value]) => [name, Buffer.byteLength(value)]),
        ),
        ...readPlace(settings, isPublic(settings)),
        registry: readRegistry(settings),
        health: {
            port: settings.whole("port", ...HEALTH_BOUNDS.port, 4000),
            path: settings.matching("healthPath", HEALTH_PATH, "must be a path", "/health"),
            host: settings.matching("healthHost", HOST_NAME, "must be a host name", "www.example.com"),
            bootSeconds: settings.whole("bootSeconds", ...HEALTH_BOUNDS.bootSeconds, 60),
            bakeSeconds: settings.whole("bakeSeconds", ...HEALTH_BOUNDS.bakeSeconds, 3),
        },
        limits: readLimits(settings),
        replicas: settings.whole("replicas", 1, mostReplicas, 2),
        bootCheck: settings.flag("bootCheck"),
        drainSeconds: settings.whole("drainSeconds", 1, 3600, 30),
        secretsVersion: settings.whole("secretsVersion", 0, 1_000_000, 2),
        domain: settings.matching("domain", HOST_NAME, "must be a host name", "www.example.com"),
        domainAliases: settings.list("domainAliases", ALIAS, "host names", "example.com"),
        behindProxy: settings.flag("behindProxy"),
        routerImage: settings.image("routerImage"),
        registryImage: settings.image("registryImage"),
    };
}

/** Whether visitors arrive at the ports that browsers know: https is for all of them, and so is an edge. */
function isPublic(settings: SettingsReader): boolean {
    return isHttps(settings) || settings.optional("edge") !== undefined;
}

function readLimits(settings: SettingsReader): Limits {
    const memoryMb = settings.whole("memoryMb", 0, 1_000_000, 512);
    if (memoryMb > 0 && memoryMb < 64) {
        const rule = "must be 0 or at least 64, which an Erlang VM needs";
        settings.refuse("memoryMb", rule, memoryMb, set("memoryMb", 512));
    }
    const cpus = settings.matching(
        "cpus",
        /^\d{1,3}(\.\d{1,2})?$/,
        "must be a number such as 1.5, or 0",
        "1.5",
    );
    return {
        readOnly: settings.flag("readOnly"),
        memoryMb: memoryMb === 0 ? undefined : memoryMb,
        cpus: Number(cpus) === 0 ? undefined : cpus,
    };
}

function readImage(settings: SettingsReader): string | undefined {
    return settings.optionalMatching(
        "image",
        /^[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}$/,
        "must be an image by digest",
        "ghcr.io/acme/hello@sha256:...",
    );
}

function readVariables(settings: SettingsReader): Record<"env" | "secrets", Record<string, string>> {
    const env = settings.variables("env", false);
    const secrets = settings.secrets("secrets");
    for (const name of Object.keys(env).filter((key) => Object.hasOwn(secrets, key))) {
        settings.refuseUnseen(`env.${name}`, "is in secrets too", `pulumi config rm --path env.${name}`);
    }
    return { env, secrets };
}

function readRegistry(settings: SettingsReader): CommonSettings["registry"] {
    const address = settings.optional("registryAddress");
    const username = settings.optional("registryUsername");
    const password = settings.optional("registryPassword");
    const setPassword = "pulumi config set --secret registryPassword";
    settings.mustBeSecret("registryPassword", password !== undefined, setPassword);
    if (password !== undefined && username === undefined) {
        const remedy = set("registryUsername", "me");
        settings.refuseUnseen("registryUsername", "must be set where registryPassword is", remedy);
    }
    if (username !== undefined && password === undefined) {
        settings.refuseUnseen("registryPassword", "must be set where registryUsername is", setPassword);
    }
    if (address === undefined) {
        if (username !== undefined || password !== undefined) {
            const remedy = set("registryAddress", "ghcr.io/acme");
            settings.refuseUnseen("registryAddress", "must be set where there is a login", remedy);
        }
        return undefined;
    }
    if (!/^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9._/-]+)?$/.test(address)) {
        const rule = "must be a registry and a path, without https://";
        settings.refuse("registryAddress", rule, address, set("registryAddress", "ghcr.io/acme"));
    }
    return { address, username, password: password === undefined ? undefined : pulumi.secret(password) };
}
