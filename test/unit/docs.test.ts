import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Output } from "@pulumi/pulumi";
import { declaredSettings, mockPulumi, the, valueOf } from "../support/mockPulumi";

describe("README", () => {
    const readme = fs.readFileSync("README.md", "utf8");

    it("lists the settings of Pulumi.yaml, with their defaults and descriptions", () => {
        const expected = Object.entries(declaredSettings()).map(
            ([key, { description, default: value, secret }]) => {
                const shown = ["", "{}", "[]"].includes(
                    typeof value === "object" ? JSON.stringify(value) : `${value}`,
                )
                    ? ""
                    : `\`${value as string}\``;
                return [`\`${key}\``, secret ? "secret" : shown, description];
            },
        );
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
            ...fs
                .readdirSync("docs")
                .filter((file) => file.endsWith(".md"))
                .map((file) => `docs/${file}`),
        ]) {
            const folder = page.startsWith("docs/") ? "docs/" : "";
            for (const [, target = ""] of fs
                .readFileSync(page, "utf8")
                .matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
                assert.ok(fs.existsSync(folder + target), `${page} names ${target}`);
            }
            for (const [command] of fs
                .readFileSync(page, "utf8")
                .matchAll(/(?<!\.)\.\/(bin|bench)\/[a-z-]+/g)) {
                fs.accessSync(command, fs.constants.X_OK);
            }
        }
    });

    it("shows a program that runs", async () => {
        const [, program = ""] = /```ts\n([^]*?)```/.exec(readme) ?? [];
        const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "decanter-readme-")), "index.ts");
        const root = process.cwd();
        fs.symlinkSync(path.join(root, "node_modules"), path.join(path.dirname(file), "node_modules"));
        fs.writeFileSync(file, program.replaceAll('"./components/', `"${root}/components/`));
        const recorded = await mockPulumi();
        const { containers } = (await import(file)) as { containers: Output<string[]> };
        assert.deepEqual(await valueOf(containers), ["shop-1-1a2b3c4"]);
        assert.equal(the(recorded, "Container", "shop-1").inputs.image, "ghcr.io/acme/shop@sha256:...");
        fs.rmSync(path.dirname(file), { recursive: true });
    });
});
