import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { skipWithoutEngine } from "../support/realEngine";

describe("the stand-in for Pulumi that runs the pipelines", () => {
    skipWithoutEngine();

    const known = JSON.parse(fs.readFileSync("test/support/pipelines/flags.json", "utf8")) as Record<
        string,
        Record<string, string>
    >;

    for (const [command, flags] of Object.entries(known)) {
        it(`knows no flag of pulumi ${command} that Pulumi does not know`, () => {
            const help = execFileSync("pulumi", [...command.split(" "), "--help"], { encoding: "utf8" });
            for (const [flag, value] of Object.entries(flags)) {
                const [, type] =
                    new RegExp(`^ +(?:-\\w, )? *--${flag}( [a-zA-Z]+)?  +`, "m").exec(help) ?? [];
                assert.ok(new RegExp(`--${flag}\\b`).test(help), `--${flag}`);
                assert.equal(type !== undefined, value !== "", `--${flag} takes ${type ?? "no value"}`);
            }
        });
    }
});
