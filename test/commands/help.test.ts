import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** What bin/lib.sh is for: it is no command. */
const commands = fs.readdirSync("bin").filter((name) => name !== "lib.sh");

describe("a command", () => {
    for (const name of commands.filter((command) => command !== "pulumi")) {
        for (const flag of ["--help", "-h"]) {
            it(`says what it takes, wherever it is called from: ${name} ${flag}`, () => {
                const { status, stdout, stderr } = spawnSync(path.resolve("bin", name), [flag], {
                    encoding: "utf8",
                    // Nothing is there that it could run, and nothing is needed.
                    env: { PATH: "/usr/bin:/bin", HOME: os.tmpdir() },
                    cwd: os.tmpdir(),
                });
                assert.equal(stderr, "");
                assert.equal(status, 0);
                assert.match(stdout, new RegExp(`^\\./bin/${name}\\b`));
                const [, ...lines] = fs.readFileSync(path.join("bin", name), "utf8").split("\n");
                const head = lines.slice(
                    0,
                    lines.findIndex((line) => !line.startsWith("#")),
                );
                assert.equal(stdout, head.map((line) => `${line.replace(/^# ?/, "")}\n`).join(""));
            });
        }
    }

    it("is in the table of docs/commands.md", () => {
        const page = fs.readFileSync("docs/commands.md", "utf8");
        const listed = [...page.matchAll(/^\| `\.\/bin\/([a-z-]+)/gm)].map(([, name]) => name);
        assert.deepEqual(listed.sort(), commands.sort());
    });
});
