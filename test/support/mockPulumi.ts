import * as fs from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

/** A resource as the program declared it. */
export interface Recorded {
    type: string;
    name: string;
    // Properties are of every shape, and the tests say which they expect.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    inputs: Record<string, any>;
}

/** Settings as Pulumi hands them to a program: the defaults of Pulumi.yaml under those given. */
export function settingsOf(given: Record<string, unknown>): Record<string, string> {
    const { config } = parse(fs.readFileSync("Pulumi.yaml", "utf8")) as {
        config: Record<string, { default: unknown }>;
    };
    const defaults = Object.entries(config).map(([key, { default: value }]) => [key, value]);
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
 */
export async function mockPulumi(
    settings: Record<string, unknown> = {},
    secretKeys = ["secrets"],
): Promise<Recorded[]> {
    const recorded: Recorded[] = [];
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs }) => {
                recorded.push({ type, name, inputs: inputs as Record<string, unknown> });
                return { id: `${name}-id`, state: { ...(inputs as object), ...outputsOf(type, name) } };
            },
            call: ({ token }) => {
                throw new Error(`nothing answers the call of ${token}`);
            },
        },
        "decanter",
        "test",
        false,
        "organization",
    );
    // The mocks do not know hooks, and a resource with one would wait for ever.
    Object.assign(pulumi.runtime.getMonitor() as object, {
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

/** What the engine or the provider computes. */
function outputsOf(type: string, name: string): Record<string, unknown> {
    switch (type) {
        case "docker:index/image:Image":
            return { repoDigest: `registry/${name}@sha256:1` };
        case "docker:index/container:Container":
        case "docker:index/network:Network":
        case "docker:index/volume:Volume":
            return { name: `${name}-1a2b3c4` };
        case "random:index/randomPassword:RandomPassword":
            return { result: `${name}-generated` };
        case "random:index/randomInteger:RandomInteger":
            return { result: 25000 };
        case "pulumi:pulumi:StackReference":
            return { outputs: {} };
        default:
            return {};
    }
}

/** The value of an output; rejects when the output does. The method is internal to the SDK, and used here alone. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
    return (output as unknown as { promise(): Promise<T> }).promise();
}

/** Waits until every resource is declared. Internal to the SDK, and used here alone. */
export function settled(): Promise<void> {
    return (pulumi.runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
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
