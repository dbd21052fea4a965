import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

describe("bin/up", () => {
    it("refuses a stack that is not there in one line, and makes and installs nothing", () => {
        const home = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-home-"));
        const before = fs.readdirSync(".");
        // Neither node nor docker nor pulumi: none of them is needed to see that.
        const env = { PATH: "/usr/bin:/bin", HOME: home };
        const { status, stdout, stderr } = spawnSync("./bin/up", ["nonsense", "--yes"], {
            env,
            encoding: "utf8",
        });
        assert.equal(
            stderr,
            "up: there is no stack nonsense: Pulumi.nonsense.yaml is missing (pulumi stack init nonsense makes one)\n",
        );
        assert.deepEqual([status, stdout], [1, ""]);
        assert.deepEqual([fs.readdirSync("."), fs.readdirSync(home)], [before, []]);
        fs.rmSync(home, { recursive: true });
    });

    it("says what to install where it may not", () => {
        // A checkout without tools of its own.
        const checkout = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-checkout-"));
        fs.cpSync("bin", path.join(checkout, "bin"), { recursive: true });
        const tools = path.join(checkout, "tools");
        fs.mkdirSync(tools);
        // Not root, and nothing but what the scripts themselves need.
        fs.writeFileSync(path.join(tools, "id"), "#!/bin/sh\necho 1000\n", { mode: 0o755 });
        for (const tool of ["bash", "basename", "dirname"]) {
            fs.symlinkSync(`/usr/bin/${tool}`, path.join(tools, tool));
        }
        const env = { PATH: tools, HOME: tools };
        const { status, stderr } = spawnSync("/bin/bash", [path.join(checkout, "bin/up")], {
            env,
            encoding: "utf8",
        });
        assert.equal(
            stderr,
            "up: Node.js 22.12 or newer, with npm, is missing: install it, and run this again\n",
        );
        assert.equal(status, 1);
        fs.rmSync(checkout, { recursive: true });
    });
});
