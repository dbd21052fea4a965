import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { parse } from "yaml";

interface Setting {
    description: string;
    default: string | number | boolean | object;
    secret?: boolean;
}

describe("README", () => {
    const readme = fs.readFileSync("README.md", "utf8");

    it("lists the settings of Pulumi.yaml, with their defaults and descriptions", () => {
        const { config } = parse(fs.readFileSync("Pulumi.yaml", "utf8")) as {
            config: Record<string, Setting>;
        };
        const expected = Object.entries(config).map(([key, { description, default: value, secret }]) => {
            const shown = ["", "{}"].includes(typeof value === "object" ? "{}" : `${value}`)
                ? ""
                : `\`${value as string}\``;
            return [`\`${key}\``, secret ? "secret" : shown, description];
        });
        const [, table = ""] = /<!-- settings -->\n+([^]*?)\n+<!-- \/settings -->/.exec(readme) ?? [];
        const rows = table.split("\n").map((line) =>
            line
                .split("|")
                .map((cell) => cell.trim())
                .slice(1, -1),
        );
        assert.deepEqual(rows.slice(2), expected);
    });

    it("names only files that are there", () => {
        for (const page of [
            "README.md",
            "CONTRIBUTING.md",
            ...fs.readdirSync("docs").map((file) => `docs/${file}`),
        ]) {
            const folder = page.startsWith("docs/") ? "docs/" : "";
            for (const [, target = ""] of fs
                .readFileSync(page, "utf8")
                .matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
                assert.ok(fs.existsSync(folder + target), `${page} names ${target}`);
            }
            for (const [command] of fs.readFileSync(page, "utf8").matchAll(/\.\/(bin|bench)\/[a-z-]+/g)) {
                fs.accessSync(command, fs.constants.X_OK);
            }
        }
    });
});
