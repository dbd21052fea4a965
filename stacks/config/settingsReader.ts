import * as pulumi from "@pulumi/pulumi";
import { isMap, StackFile } from "./stackFile";

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What Pulumi makes of a date that is not in quotes. */
const DATE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+$/;

/**
 * Reads single settings of a stack and collects what is wrong with them: the setting, its rule, the value given, and
 * what to do. The value of a secret is never part of it.
 */
export class SettingsReader {
    private readonly problems: string[] = [];
    private readonly file = new StackFile();
    /** What a build has to say of how its settings were read, a line each. */
    readonly notes: string[] = [];

    constructor(private readonly config: pulumi.Config) {}

    /** Notes a problem. */
    refuse(key: string, rule: string, given: unknown, remedy: string): void {
        this.problems.push(`${key} ${rule}, got ${JSON.stringify(given)}: ${remedy}`);
    }

    /** Notes a problem with a value that must not be shown, or that is not there. */
    refuseUnseen(key: string, rule: string, remedy: string): void {
        this.problems.push(`${key} ${rule}: ${remedy}`);
    }

    /** Throws one error with all problems, if there are any. */
    finish(): void {
        if (this.problems.length === 0) return;
        const list = this.problems.map((problem) => `  - ${problem}`).join("\n");
        const what =
            this.problems.length === 1
                ? `: ${this.problems[0]}`
                : ` (${this.problems.length} problems):\n${list}`;
        throw new pulumi.RunError(`the settings of this stack cannot be used${what}`);
    }

    /** The value as it is given; empty where it is not. */
    text(key: string): string {
        return this.config.get(key) ?? "";
    }

    /** The value as it is given; undefined where it is empty. */
    optional(key: string): string | undefined {
        return this.text(key) === "" ? undefined : this.text(key);
    }

    /** A value that has to match a pattern. */
    matching(key: string, pattern: RegExp, rule: string, example: string): string {
        const value = this.text(key);
        if (!pattern.test(value)) this.refuse(key, rule, value, set(key, example));
        return value;
    }

    /** A value that has to match a pattern, where it is not empty. */
    optionalMatching(key: string, pattern: RegExp, rule: string, example: string): string | undefined {
        return this.optional(key) && this.matching(key, pattern, rule, example);
    }

    /** One of a few words. */
    oneOf<Word extends string>(key: string, words: readonly [Word, ...Word[]]): Word {
        const pattern = new RegExp(`^(${words.join("|")})$`);
        const last = words.slice(0, -1).join(", ");
        const rule = `must be ${last === "" ? "" : `${last} or `}${words.at(-1)}`;
        return this.matching(key, pattern, rule, words[0]) as Word;
    }

    /** Yes or no. */
    flag(key: string): boolean {
        return this.oneOf(key, ["true", "false"]) === "true";
    }

    /** Name of an image. */
    image(key: string): string {
        const rule = "must be the name of an image";
        return this.matching(key, /^[a-z0-9][A-Za-z0-9._/:@-]*$/, rule, "registry.example/image:tag");
    }

    /** A whole number within bounds. */
    whole(key: string, min: number, max: number, example: number): number {
        const given = this.text(key);
        const value = /^\d{1,9}$/.test(given) ? Number(given) : NaN;
        if (!(value >= min && value <= max)) {
            this.refuse(key, `must be a whole number from ${min} to ${max}`, given, set(key, example));
        }
        return value;
    }

    /** A list of words that each match a pattern. */
    list(key: string, pattern: RegExp, rule: string, example: string): string[] {
        const remedy = `pulumi config set --path '${key}[0]' ${example}`;
        const given = this.text(key) || "[]";
        const value = parse(given);
        if (!Array.isArray(value) || !value.every((item) => typeof item === "string" && pattern.test(item))) {
            this.refuse(key, `must be a list of ${rule}`, given, remedy);
            return [];
        }
        return value as string[];
    }

    /**
     * Environment variables by name, each exactly as the stack's file has it. Pulumi reads a value without quotes as a number,
     * a truth value or a date, and writes it back in its own spelling at the next `pulumi config set`: 1.10 would be 1.1. So what
     * it spells in a different way has to be in quotes.
     */
    variables(key: string, secret: boolean): Record<string, string> {
        const remedy = `pulumi config set ${secret ? "--secret " : ""}--path ${key}.NAME value`;
        const given = this.text(key) || "{}";
        const values = parse(given, spelt);
        if (!isMap(values)) {
            this.refuse(key, "must be variables by name", secret ? "[secret]" : given, remedy);
            return {};
        }
        const written = this.file.variables(this.config.name, key);
        const variables: Record<string, string> = {};
        for (const [name, value] of Object.entries(values)) {
            if (!ENV_NAME.test(name)) {
                this.refuse(key, "must have names of letters, digits and _", name, remedy);
            } else if (typeof value !== "string" && !(value instanceof Spelt)) {
                this.refuseUnseen(`${key}.${name}`, "must be one value, not a list or a map", remedy);
            } else if (isMap(written) && written[name] === undefined && /^(true|false)$/.test(name)) {
                const words = `write "${name.toUpperCase()}": or "${name}": and the value`;
                this.refuseUnseen(`${key}.${name}`, "must have its name in quotes", words);
            } else {
                this.mustBeAsWritten(
                    `${key}.${name}`,
                    value,
                    isMap(written) ? written[name] : written,
                    secret,
                );
                variables[name] = typeof value === "string" ? value : value.text;
            }
        }
        return variables;
    }

    /** Notes a problem if Pulumi has changed the value of a variable, or may have. */
    private mustBeAsWritten(key: string, value: string | Spelt, written: unknown, secret: boolean): void {
        if (typeof value === "string" && !DATE.test(value)) return;
        const name = key.replace(/.*\./, "");
        const text = typeof value === "string" ? value : value.text;
        if (value instanceof Spelt && text === "null") {
            const words = `write ${name}: "" for an empty one, or ${name}: "null"`;
            this.refuseUnseen(key, "must have a value", words);
            return;
        }
        if (written === "one text" || isMap(written) || written === text) return;
        const isShown = typeof written === "string" && !secret;
        const remedy = `write ${name}: ${isShown ? JSON.stringify(written) : '"..."'} in ${this.file.path}`;
        if (isShown) this.refuse(key, `must be in quotes, as Pulumi reads it as ${text}`, written, remedy);
        else this.refuseUnseen(key, "must be in quotes, as Pulumi reads something else in it", remedy);
    }

    /** Secret variables by name. */
    secrets(key: string): Record<string, string> {
        const secrets = this.variables(key, true);
        const remedy = `pulumi config set --secret --path ${key}.NAME value`;
        this.mustBeSecret(key, Object.keys(secrets).length > 0, remedy);
        return secrets;
    }

    /** Notes a problem if a value that is set lies in plain text in the stack's file. */
    mustBeSecret(key: string, isSet: boolean, remedy: string): void {
        // Pulumi keeps this to itself; a Pulumi that has it no more takes the check away, and nothing else.
        const { isConfigSecret } = pulumi.runtime as { isConfigSecret?: (key: string) => boolean };
        if (isSet && isConfigSecret?.(`${this.config.name}:${key}`) === false) {
            this.refuseUnseen(key, "must be encrypted, and lies in plain text in the stack's file", remedy);
        }
    }
}

/** The command that changes a setting. */
export function set(key: string, value: string | number): string {
    return `pulumi config set ${key} ${value}`;
}

/** A value of JSON that is not a string, as it is spelt there. */
class Spelt {
    constructor(readonly text: string) {}
}

function spelt(_: string, value: unknown, context?: { source?: string }): unknown {
    const text = context?.source;
    return text === undefined || typeof value === "string" ? value : new Spelt(text);
}

function parse(json: string, reviver?: typeof spelt): unknown {
    try {
        return JSON.parse(json, reviver);
    } catch {
        return undefined;
    }
}
