/** What stands for every secret. */
export const SECRET = "[secret]";

/** The key of what is no plain value in Pulumi's JSON: it says what it is. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";
const REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e";

/** What Pulumi's providers note down among the properties. */
const BOOKKEEPING = ["__defaults", "__internal"];

/** What Pulumi's JSON has for a value that only the update knows: a string, and by the protocol one for each kind. */
const UNKNOWN = new RegExp(
    `"?(${[
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    ].join("|")})"?`,
    "g",
);

/** A value with `[secret]` for every secret in it, as deep as it lies, in JSON within strings too. */
export function mask(value: unknown): unknown {
    if (typeof value === "string") return value.includes(SIGNATURE) ? maskJson(value) : value;
    if (Array.isArray(value)) return value.map(mask);
    if (!isObject(value)) return value;
    if (SIGNATURE in value) return special(value);
    const own = Object.entries(value).filter(([key]) => !BOOKKEEPING.includes(key));
    return Object.fromEntries(own.map(([key, inner]) => [key, mask(inner)]));
}

function maskJson(text: string): string {
    const parsed = parseJson(text);
    return parsed === undefined ? SECRET : JSON.stringify(mask(parsed));
}

/** What a value with a signature is; what is not known here may be a secret. */
function special(value: Record<string, unknown>): string {
    const hash = typeof value.hash === "string" ? ` ${value.hash.slice(0, 12)}` : "";
    if (value[SIGNATURE] === ASSET) return `(file${hash})`;
    if (value[SIGNATURE] === ARCHIVE) return `(archive${hash})`;
    return value[SIGNATURE] === REFERENCE ? `(resource ${String(value.urn)})` : SECRET;
}

/** A value with `[secret]` wherever its counterpart has it: what was or becomes a secret is not shown on the other side. */
export function maskLike(value: unknown, counterpart: unknown): unknown {
    if (counterpart === SECRET && value !== undefined) return SECRET;
    if (Array.isArray(value) && Array.isArray(counterpart))
        return value.map((inner, index) => maskLike(inner, counterpart[index]));
    if (!isObject(value) || !isObject(counterpart)) return value;
    return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, maskLike(inner, counterpart[key])]),
    );
}

/** An object or a list that a string holds as JSON; undefined where it holds none. */
export function parseJson(text: string): object | undefined {
    if (!/^\s*[[{]/.test(text)) return undefined;
    try {
        return JSON.parse(text) as object;
    } catch {
        return undefined;
    }
}

/** A value as JSON, for people: secrets and what is not known yet without quotes. */
export function show(value: unknown, indent = 0): string {
    return JSON.stringify(value, undefined, indent)
        .replaceAll(`"${SECRET}"`, SECRET)
        .replace(UNKNOWN, "(known after the update)");
}

export function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
