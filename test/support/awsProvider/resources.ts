import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { arnOf, COMPUTED } from "./computed";
import { short } from "./naming";
import type { Properties } from "./record";

/** What the protocol says for a value that only the update knows. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A resource that has been made: its id, and all its properties. */
export function made(
    type: string,
    name: string,
    inputs: Properties,
    { region, tags, preview }: { region: string; tags: Properties; preview: boolean },
): { id: string; outputs: Properties } {
    const given = {
        inputs,
        name,
        region: inputs.region ?? region,
        hex: randomBytes(16).toString("hex"),
        preview,
    };
    const kind = short(type);
    const { id, ...computed } = COMPUTED[kind]?.(given) ?? {
        id: `${name}-${given.hex.slice(0, 7)}`,
        arn: arnOf(kind.split(":")[0] ?? "", given, `${kind.split(":")[1]}/${given.hex}`),
    };
    const planned = Object.fromEntries(Object.keys(computed).map((key) => [key, UNKNOWN]));
    return {
        id: preview ? "" : id,
        outputs: {
            region: given.region,
            ...(preview ? planned : computed),
            ...plain(inputs),
            ...tagsAll(type, inputs, tags),
        },
    };
}

/** Properties that an update counts up, in short types, with those whose change does. */
const COUNTING: Record<string, { counter: string; when: string[] }> = {
    "ec2:LaunchTemplate": { counter: "latestVersion", when: [] },
    "ssm:Parameter": { counter: "version", when: ["value", "insecureValue", "valueWo"] },
};

/** All properties of a resource that has been changed in place. */
export function changed(
    type: string,
    { outputs, oldInputs, inputs }: { outputs: Properties; oldInputs: Properties; inputs: Properties },
    { tags, preview }: { tags: Properties; preview: boolean },
): Properties {
    const gone = Object.keys(oldInputs).filter((key) => !(key in inputs));
    const kept = Object.fromEntries(Object.entries(outputs).filter(([key]) => !gone.includes(key)));
    const { counter, when } = COUNTING[short(type)] ?? { counter: "", when: [] };
    const counts = when.length === 0 || when.some((key) => oldInputs[key] !== inputs[key]);
    const counted =
        counter !== "" && counts ? { [counter]: preview ? UNKNOWN : Number(outputs[counter]) + 1 } : {};
    return { ...kept, ...plain(inputs), ...counted, ...tagsAll(type, inputs, tags) };
}

/** Whether the type in a module of the SDK has tags. */
const tagged: Record<string, boolean> = {};

/** The tags that a resource has, with those of the provider; nothing for a type that has no tags, as the SDK knows it. */
export function tagsAll(type: string, inputs: Properties, tags: Properties): { tagsAll?: Properties } {
    const [, module = ""] = type.split(":");
    tagged[module] ??= readFileSync(require.resolve(`@pulumi/aws/${module}.js`), "utf8").includes("tagsAll");
    return tagged[module] ? { tagsAll: { ...tags, ...inputs.tags } } : {};
}

function plain(inputs: Properties): Properties {
    return Object.fromEntries(Object.entries(inputs).filter(([key]) => !key.startsWith("__")));
}
