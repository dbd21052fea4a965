import { gunzipSync } from "node:zlib";
import { type Properties, textOf } from "./properties";

/** A variable, and the text that it is set to. */
export interface Assignment {
    name: string;
    value: string;
}

/** What an instance or a launch template is to run at boot, decoded; empty where there is nothing or it is not known. */
export function userDataOf(type: string, { userData, userDataBase64 }: Properties): string {
    if (!["aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate"].includes(type)) return "";
    const texts = [userData, userDataBase64].map((data) => decoded(textOf(data)));
    // cloud-init takes files in Base64.
    const files = texts.flatMap((text) => text.match(/[A-Za-z0-9+/]{64,}={0,2}/g) ?? []).map(fromBase64);
    return [...texts, ...files].join("\n");
}

/** The assignments of a shell script or of YAML whose values are written there, not computed when it runs. */
export function assignments(text: string): Assignment[] {
    // The value is looked at again, because systemd's Environment=NAME=VALUE is two.
    const shell = /(?<![\w.$-])([A-Za-z_]\w*)=(?=["']?([^\s"'`$;][^\s"'`;]*))/g;
    const yaml = /^[ \t]*(?:-[ \t]+)?["']?([A-Za-z_]\w*)["']?:[ \t]+["']?([^\s"'`$][^\s"'`]*)/gm;
    return [...text.matchAll(shell), ...text.matchAll(yaml)].map(([, name = "", value = ""]) => ({
        name,
        value,
    }));
}

/** EC2 takes Base64 for a text too. */
function decoded(data: string): string {
    const text = data.replace(/\s/g, "");
    return text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
        ? fromBase64(text)
        : data;
}

function fromBase64(text: string): string {
    const bytes = Buffer.from(text, "base64");
    try {
        const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
        return (zipped ? gunzipSync(bytes, { maxOutputLength: 2 ** 20 }) : bytes).toString("utf8");
    } catch {
        // It only began like a gzip file.
        return "";
    }
}
