import * as net from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { type AppSettings, readApp } from "./appSettings";
import { type FargateSettings, type HostSettings, readFargate, readHost } from "./awsSettings";
import { type BuildSettings, readBuild } from "./buildSettings";
import { checkStackName } from "../names";
import { set, Settings } from "./settingsReader";

/** The settings of a stack, checked. Pulumi.yaml describes each and holds the defaults. */
export type Config = CommonSettings & TargetSettings;

/** What differs between the targets. */
export type TargetSettings =
    | { readonly target: "docker" }
    | { readonly target: "fargate"; readonly aws: FargateSettings }
    | { readonly target: "floating-ip"; readonly aws: HostSettings };

/** The settings of one target. */
export type ConfigOf<Target extends Config["target"]> = CommonSettings &
    Extract<TargetSettings, { target: Target }>;

/** The settings that every target has. */
export interface CommonSettings extends AppSettings, BuildSettings {
    readonly notes: string[];
    readonly image?: string;
    readonly keepReleases: number;
    readonly port: number;
    readonly healthPath: string;
    readonly healthHost: string;
    readonly replicas: number;
    readonly bootSeconds: number;
    readonly bakeSeconds: number;
    readonly bootCheck: boolean;
    readonly drainSeconds: number;
    readonly migrateSeconds: number;
    readonly env: Record<string, string>;
    readonly secrets: pulumi.Output<Record<string, string>>;
    readonly secretNames: string[];
    readonly secretsVersion: number;
    readonly domain: string;
    readonly host?: string;
    readonly publicPort: number;
    readonly bindAddress: string;
    readonly behindProxy: boolean;
    readonly registry?: { address: string; username?: string; password?: pulumi.Output<string> };
    readonly readOnly: boolean;
    readonly memoryMb?: number;
    readonly cpus?: string;
    readonly routerImage: string;
    readonly registryImage: string;
}

/**
 * Reads and checks every setting of the stack, and reports all that is wrong at once. Nothing else reads the stack's
 * configuration.
 */
export function readConfig(source = new pulumi.Config()): Config {
    const settings = new Settings(source);
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
    const hostName = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;

    const target = settings.oneOf("target", ["docker", "fargate", "floating-ip"]);
    const { env, secrets } = readVariables(settings);
    const checked: CommonSettings = {
        ...readApp(settings),
        ...readBuild(settings),
        notes: settings.notes,
        image: readImage(settings),
        keepReleases: settings.whole("keepReleases", 2, 100, 5),
        env,
        secrets: pulumi.secret(secrets),
        secretNames: Object.keys(secrets),
        ...readPlace(settings),
        registry: readRegistry(settings),
        port: settings.whole("port", 1, 65535, 4000),
        healthPath: settings.matching("healthPath", /^\/[\w./~?=&-]*$/, "must be a path", "/health"),
        healthHost: settings.matching("healthHost", hostName, "must be a host name", "www.example.com"),
        // The router has as many servers in each slot.
        replicas: settings.whole("replicas", 1, target === "docker" ? 8 : 1000, 2),
        bootSeconds: settings.whole("bootSeconds", 1, 3600, 60),
        bootCheck: settings.flag("bootCheck"),
        bakeSeconds: settings.whole("bakeSeconds", 0, 3600, 3),
        drainSeconds: settings.whole("drainSeconds", 1, 3600, 30),
        migrateSeconds: settings.whole("migrateSeconds", 1, 86_400, 300),
        secretsVersion: settings.whole("secretsVersion", 0, 1_000_000, 2),
        domain: settings.matching("domain", hostName, "must be a host name", "www.example.com"),
        publicPort: settings.whole("publicPort", 1, 65535, 8080),
        behindProxy: settings.flag("behindProxy"),
        readOnly: settings.flag("readOnly"),
        memoryMb: memoryMb === 0 ? undefined : memoryMb,
        cpus: Number(cpus) === 0 ? undefined : cpus,
        routerImage: settings.image("routerImage"),
        registryImage: settings.image("registryImage"),
    };
    if (target === "fargate" && checked.healthHost !== "localhost") {
        const rule = "must be localhost on Fargate, whose load balancer asks each replica by its address";
        settings.refuse("healthHost", rule, checked.healthHost, "pulumi config rm healthHost");
    }
    const config: Config = { ...checked, ...readTarget(settings, target, secrets) };
    if (target === "docker") checkStackName(settings, pulumi.getStack());
    settings.finish();
    return config;
}

function readTarget(
    settings: Settings,
    target: Config["target"],
    secrets: Record<string, string>,
): TargetSettings {
    switch (target) {
        case "fargate":
            return { target, aws: readFargate(settings, secrets) };
        case "floating-ip":
            return { target, aws: readHost(settings, secrets) };
        default:
            return { target };
    }
}

function readImage(settings: Settings): string | undefined {
    return settings.optionalMatching(
        "image",
        /^[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}$/,
        "must be an image by digest",
        "ghcr.io/acme/hello@sha256:...",
    );
}

function readVariables(settings: Settings): Record<"env" | "secrets", Record<string, string>> {
    const env = settings.variables("env", false);
    const secrets = settings.secrets("secrets");
    for (const name of Object.keys(env).filter((key) => Object.hasOwn(secrets, key))) {
        settings.refuseUnseen(`env.${name}`, "is in secrets too", `pulumi config rm --path env.${name}`);
    }
    return { env, secrets };
}

function readPlace(settings: Settings): Pick<CommonSettings, "host" | "bindAddress"> {
    const host = settings.optionalMatching(
        "host",
        /^(unix:\/\/\/\S+|ssh:\/\/[^\s/]+(\/\S*)?)$/,
        "must be unix:///path or ssh://user@host",
        "ssh://deploy@server.example",
    );
    const bindAddress = settings.text("bindAddress");
    if (net.isIP(bindAddress) === 0) {
        settings.refuse("bindAddress", "must be an IP address", bindAddress, set("bindAddress", "0.0.0.0"));
    }
    return { host, bindAddress };
}

function readRegistry(settings: Settings): CommonSettings["registry"] {
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
