/** A rule that resources keep. */
export interface Rule {
    /** Name in the engine's report. */
    name: string;
    /** The rule itself, as a sentence. */
    description: string;
    /** What a resource does wrong: what it is, the value given, what to do. Empty where the rule says nothing of it. */
    check: (type: string, properties: Properties) => string[];
}

/** Properties of a resource as `plain` gives them. */
export type Properties = Record<string, unknown>;

/** A value that only the update will know. A rule lets it pass: the update asks again. */
export const UNKNOWN = Symbol("unknown");

/** How Pulumi's protocol marks a secret, and what it says for a value that is not known yet. */
const MARK = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const NOT_YET = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Properties without the wrappers of secrets, and with `UNKNOWN` for what is not known yet. */
export function plain(properties: Record<string, unknown>): Properties {
    return plainValue(properties) as Properties;
}

function plainValue(value: unknown): unknown {
    if (value === NOT_YET) return UNKNOWN;
    if (typeof value !== "object" || value === null) return value;
    const parts = Object.keys(value).map((key) => {
        try {
            return [key, plainValue((value as Properties)[key])] as const;
        } catch {
            // The policy SDK's properties throw where somebody reads what is not known.
            return [key, UNKNOWN] as const;
        }
    });
    if (Array.isArray(value)) return parts.map(([, part]) => part);
    const object = Object.fromEntries(parts);
    return object[MARK] === SECRET ? object.value : object;
}

/** Whether a value passes a test, or cannot be told yet. */
export function passes(value: unknown, test: (value: unknown) => boolean): boolean {
    return value === UNKNOWN || test(value);
}

/** Whether a property is switched on, or cannot be told yet. Some properties of AWS's take it as a text. */
export function isOn(value: unknown): boolean {
    return passes(value, (given) => given === true || given === "true");
}

/** A property of an object, which is not known where the object is not. */
export function part(value: unknown, key: string): unknown {
    if (value === UNKNOWN) return UNKNOWN;
    return typeof value === "object" && value !== null ? (value as Properties)[key] : undefined;
}

/** A property that is a list of objects, or one alone; empty where it is neither. */
export function objectsOf(value: unknown): Properties[] {
    return listOf(value).filter((item) => typeof item === "object" && item !== null) as Properties[];
}

/** A property that is a list, or one item alone; what is not known is left out. */
export function listOf(value: unknown): unknown[] {
    const items: unknown[] = Array.isArray(value) ? value : [value];
    return items.filter((item) => item !== undefined && item !== null && item !== UNKNOWN);
}

/** A property that is a text; empty where it is none. */
export function textOf(value: unknown): string {
    return typeof value === "string" ? value : "";
}

/** A value in a message. */
export function shown(value: unknown): string {
    return value === undefined ? "nothing" : String(JSON.stringify(value));
}
