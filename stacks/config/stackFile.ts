import * as fs from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { parseDocument } from "yaml";

/** The stack's settings as they are written, for what Pulumi does not hand over unchanged. */
export class StackFile {
    /** Path of the file: the one that the option of Pulumi's that is named like this names, or the stack's own. */
    readonly path = process.env.PULUMI_OPTION_CONFIG_FILE ?? `Pulumi.${pulumi.getStack()}.yaml`;

    /**
     * The text of each variable of a setting, by name; what is encrypted is a map there. "one text" where the whole setting is
     * a text, which Pulumi hands over unchanged; undefined where it is not in the file, nor in Pulumi.yaml.
     *
     * @param namespace project that the setting belongs to
     */
    variables(namespace: string, key: string): Record<string, unknown> | "one text" | undefined {
        const names = [`${namespace}:${key}`, key];
        const value = valueIn(this.path, names) ?? declared(valueIn("Pulumi.yaml", names));
        if (!isMap(value)) return value === undefined ? undefined : "one text";
        return typeof value.secure === "string" ? "one text" : value;
    }
}

function valueIn(file: string, names: string[]): unknown {
    if (!fs.existsSync(file)) return undefined;
    // In this schema every scalar is the text that is written.
    const document = parseDocument(fs.readFileSync(file, "utf8"), { schema: "failsafe", merge: true });
    const config: unknown =
        document.errors.length === 0 && document.get("config") ? document.toJS() : undefined;
    const settings = isMap(config) && isMap(config.config) ? config.config : {};
    return names.map((name) => settings[name]).find((value) => value !== undefined);
}

/** The value that Pulumi.yaml itself gives to a setting. */
function declared(setting: unknown): unknown {
    return isMap(setting) ? (setting.value ?? setting.default) : setting;
}

export function isMap(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
