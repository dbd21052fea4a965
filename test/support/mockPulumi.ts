import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import { parse } from "yaml";
import { partitionOf } from "./awsProvider/computed";

/** A resource as the program declared it. */
export interface Recorded {
    type: string;
    name: string;
    inputs: Record<string, any>;
    /** How the engine is to treat it; nothing for a stack reference, which is read. */
    options?: RecordedOptions;
}

/** The resource options of a request to the engine. */
export interface RecordedOptions {
    /** Type of the parent; empty where there is none. */
    parent: string;
    /** Undefined where the provider decides. */
    deleteBeforeReplace?: boolean;
    replaceOnChanges: string[];
    ignoreChanges: string[];
    /** Names of the resources that come first: those in `dependsOn`, and those whose outputs are inputs. */
    dependencies: string[];
    /** Names of the hooks, by moment; moments without any are left out. */
    hooks: Record<string, string[]>;
    /** Names that it may have in the state. */
    aliases?: string[];
    /** Whether Pulumi refuses to delete it. */
    protect?: boolean;
    /** How long the provider may take, by operation. */
    timeouts?: Record<string, string>;
}

/** A setting as Pulumi.yaml declares it. */
export interface Declared {
    type?: string;
    description: string;
    default: string | number | boolean | object;
    secret?: boolean;
}

/** The settings in Pulumi.yaml, without Pulumi's own. */
export function declaredSettings(): Record<string, Declared> {
    const { config } = parse(fs.readFileSync("Pulumi.yaml", "utf8")) as { config: Record<string, Declared> };
    return Object.fromEntries(Object.entries(config).filter(([key]) => !key.startsWith("pulumi:")));
}

/** Settings as Pulumi hands them to a program: the defaults of Pulumi.yaml under those given. */
export function settingsOf(given: Record<string, unknown>): Record<string, string> {
    const defaults = Object.entries(declaredSettings()).map(([key, { default: value }]) => [key, value]);
    const all = { ...Object.fromEntries(defaults), ...given } as Record<string, unknown>;
    return Object.fromEntries(
        Object.entries(all).map(([key, value]) => [
            `decanter:${key}`,
            typeof value === "string" ? value : JSON.stringify(value),
        ]),
    );
}

/**
 * Replaces Pulumi's engine by one that records what is declared and answers with made-up ids. Call it in a `describe` or
 * an `it`: there is one engine at a time.
 *
 * @param settings settings of the stack that are not the defaults
 * @param secretKeys settings that are encrypted in the stack's file
 * @param lastOutputs outputs that the stack's last update left
 */
export async function mockPulumi(
    settings: Record<string, unknown> = {},
    secretKeys = ["secrets"],
    lastOutputs: Record<string, unknown> = {},
    stack = "test",
): Promise<Recorded[]> {
    const recorded: Recorded[] = [];
    const options = new Map<string, RecordedOptions>();
    noStacks(true);
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs }) => {
                const properties = inputs as Record<string, unknown>;
                recorded.push({ type, name, inputs: properties, options: options.get(`${type} ${name}`) });
                if (type === "pulumi:pulumi:StackReference") {
                    return { id: name, state: { ...properties, outputs: lastOutputs } };
                }
                return { id: `${name}-id`, state: { ...properties, ...outputsOf(type, name, properties) } };
            },
            call: ({ token }) => answerOf(token, String(settings.region)),
        },
        "decanter",
        stack,
        false,
        "organization",
    );
    // The mocks do not know hooks, and a resource with one would wait for ever.
    const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
    const register = monitor.registerResource.bind(monitor);
    Object.assign(monitor, {
        registerResource: (request: RegisterResourceRequest, done: unknown) => {
            options.set(`${request.getType()} ${request.getName()}`, optionsOf(request));
            return register(request, done);
        },
        registerResourceHook: (_request: unknown, done: (error: null, answer: object) => void) =>
            done(null, {}),
        registerErrorHook: (_request: unknown, done: (error: null, answer: object) => void) => done(null, {}),
    });
    pulumi.runtime.setAllConfig(
        settingsOf(settings),
        secretKeys.map((key) => `decanter:${key}`),
    );
    return recorded;
}

/** The part of the SDK's mocked engine that the recorder wraps. */
interface Monitor {
    registerResource(request: RegisterResourceRequest, done: unknown): unknown;
}

function optionsOf(request: RegisterResourceRequest): RecordedOptions {
    const hooks: Record<string, string[]> = { ...request.getHooks()?.toObject() };
    const timeouts = Object.entries(request.getCustomtimeouts()?.toObject() ?? {}).filter(
        ([, limit]) => limit,
    );
    const aliases = request
        .getAliasesList()
        .map((alias) => alias.getSpec()?.getName() ?? "")
        // Those that a provider's SDK adds are about types.
        .filter((alias) => alias !== "");
    return {
        ...(aliases.length > 0 && { aliases }),
        ...(request.getProtect() && { protect: true }),
        ...(timeouts.length > 0 && { timeouts: Object.fromEntries(timeouts) }),
        parent: request.getParent().split("::").at(2)?.split("$").at(-1) ?? "",
        deleteBeforeReplace: request.getDeletebeforereplacedefined()
            ? request.getDeletebeforereplace()
            : undefined,
        replaceOnChanges: request.getReplaceonchangesList(),
        ignoreChanges: request.getIgnorechangesList(),
        dependencies: request
            .getDependenciesList()
            .map((urn) => urn.split("::").at(-1) ?? "")
            .sort(),
        hooks: Object.fromEntries(
            Object.entries(hooks)
                .filter(([, names]) => names.length > 0)
                .map(([moment, names]) => [moment.replace(/List$/, ""), names]),
        ),
    };
}

/** What the engine or the provider computes. */
function outputsOf(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
    switch (type) {
        case "docker:index/remoteImage:RemoteImage":
            return { imageId: `sha256:${name}` };
        case "docker:index/registryImage:RegistryImage":
            return { sha256Digest: "sha256:2" };
        case "docker:index/image:Image":
            return { repoDigest: `registry/${name}@sha256:1` };
        case "docker:index/container:Container":
        case "docker:index/network:Network":
        case "docker:index/volume:Volume":
            return { name: `${name}-1a2b3c4` };
        case "aws:ecr/repository:Repository":
            return {
                arn: `arn:aws:ecr:eu-central-1:123456789012:repository/${name}`,
                name,
                registryId: "123456789012",
                repositoryUrl: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/${name}`,
            };
        case "aws:ssm/parameter:Parameter":
            return {
                arn: `arn:aws:ssm:eu-central-1:123456789012:parameter${inputs.name as string}`,
                version: 1,
            };
        case "aws:acm/certificate:Certificate":
            return {
                arn: `arn:${name}`,
                domainValidationOptions: [
                    {
                        resourceRecordName: "_1.a.example",
                        resourceRecordType: "CNAME",
                        resourceRecordValue: "_2.acm",
                    },
                ],
            };
        case "aws:ec2/eip:Eip":
            return { publicIp: "198.51.100.7" };
        case "aws:route53/record:Record":
            return { fqdn: inputs.name };
        case "aws:s3/bucket:Bucket":
            return { arn: `arn:${name}`, bucket: name };
        case "aws:lb/loadBalancer:LoadBalancer":
            return { arn: `arn:${name}`, arnSuffix: `app/${name}/1`, dnsName: `${name}.elb`, zoneId: "ZELB" };
        case "aws:lb/targetGroup:TargetGroup":
            return { arn: `arn:${name}`, arnSuffix: `targetgroup/${name}/1` };
        case "random:index/randomPassword:RandomPassword":
            return { result: `${name}-generated` };
        case "random:index/randomInteger:RandomInteger":
            return { result: 25000 };
        default:
            return type.startsWith("aws:") ? { arn: `arn:${name}`, name: inputs.name ?? name } : {};
    }
}

/** What AWS answers. */
function answerOf(token: string, region: string): Record<string, unknown> {
    switch (token) {
        case "aws:index/getAvailabilityZones:getAvailabilityZones":
            return { names: ["eu-central-1a", "eu-central-1b", "eu-central-1c"] };
        case "aws:index/getCallerIdentity:getCallerIdentity":
            return { accountId: "123456789012" };
        case "aws:index/getPartition:getPartition":
            return { partition: partitionOf(region) };
        case "aws:ecr/getAuthorizationToken:getAuthorizationToken":
            return { userName: "AWS", password: "ecr-password" };
        default:
            throw new Error(`nothing answers the call of ${token}`);
    }
}

/** The value of an output; rejects when the output does. The method is internal to the SDK, and used here alone. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
    return (output as unknown as { promise(): Promise<T> }).promise();
}

/** Waits until every resource is declared. Internal to the SDK, and used here alone. */
export async function settled(): Promise<void> {
    await (pulumi.runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
    noStacks(false);
}

const { stackTraceLimit } = Error;

/**
 * The SDK notes a whole stack for every promise, which takes most of a test's time. What a test finds wrong once all is
 * declared has a stack again.
 */
function noStacks(isOn: boolean): void {
    const none = { get: () => 0, set: () => undefined };
    Object.defineProperty(Error, "stackTraceLimit", {
        configurable: true,
        ...(isOn ? none : { writable: true, value: stackTraceLimit }),
    });
}

/** The resource of a type and a name. */
export function the(recorded: Recorded[], type: string, name: string): Recorded {
    const found = recorded.filter((resource) => resource.type.endsWith(`:${type}`) && resource.name === name);
    if (found.length !== 1) {
        const known = recorded.map((resource) => `${resource.type} ${resource.name}`).join("\n");
        throw new Error(`${found.length} resources are a ${type} named ${name}, of:\n${known}`);
    }
    return found[0] as Recorded;
}

/** A property that is marked secret on its way to the engine: what it holds. Throws if it is not marked. */
export function secretValue(property: unknown): unknown {
    const { "4dabf18193072939515e22adb298388d": mark, value } = property as Record<string, unknown>;
    if (mark !== "1b47061264138c4ac30d75fd1eb44270")
        throw new Error("the property is not marked as a secret");
    return value;
}

/** Runs something and gives the messages that it logs at a level. */
export async function logged(level: "error" | "warn", run: () => Promise<unknown>): Promise<string[]> {
    const messages: string[] = [];
    const log = pulumi.log as Record<typeof level, typeof pulumi.log.error>;
    const before = log[level];
    log[level] = (message) => {
        messages.push(message);
        return Promise.resolve();
    };
    try {
        await run();
    } finally {
        log[level] = before;
    }
    return messages;
}

/**
 * Puts a shell script first on the PATH as `docker` while something runs. It is handed a function that tells the
 * arguments of every call so far.
 */
export async function withDocker<T>(script: string, run: (calls: () => string[]) => Promise<T>): Promise<T> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-docker-"));
    const log = path.join(folder, "calls");
    const lines = ["#!/bin/sh", `echo "$*" >> '${log}'`, `cd '${folder}'`, script, ""];
    fs.writeFileSync(path.join(folder, "docker"), lines.join("\n"), { mode: 0o755 });
    const before = process.env.PATH;
    process.env.PATH = `${folder}:${before}`;
    try {
        return await run(() => fs.readFileSync(log, "utf8").trimEnd().split("\n"));
    } finally {
        process.env.PATH = before;
        fs.rmSync(folder, { recursive: true });
    }
}
