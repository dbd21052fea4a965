import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { readDockerfile } from "../../../components/image/dockerfile";

describe("the text of a Dockerfile", () => {
    it("has all scripts that a line names in its place, byte by byte, below /decanter", () => {
        const root = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-dockerfile-"));
        try {
            const script = "echo \"$HOME\" 'a' \\\n# inline a.sh\n\u00e9 `b`";
            fs.mkdirSync(path.join(root, "build"));
            fs.writeFileSync(path.join(root, "build", "a.sh"), script);
            fs.writeFileSync(path.join(root, "build", "b.ex"), "b");
            fs.writeFileSync(
                path.join(root, "Dockerfile"),
                "FROM a\n# inline build/a.sh build/b.ex\n# which is inline build/b.sh\n",
            );
            const [from, run, comment] = readDockerfile(path.join(root, "Dockerfile")).split("\n");
            assert.deepEqual([from, comment], ["FROM a", "# which is inline build/b.sh"]);
            const command = run?.replace(/^RUN /, "").replaceAll("/decanter", `${root}/decanter`) ?? "";
            execFileSync("sh", ["-c", command]);
            assert.equal(fs.readFileSync(path.join(root, "decanter/build/a.sh"), "utf8"), script);
            assert.equal(fs.readFileSync(path.join(root, "decanter/build/b.ex"), "utf8"), "b");
        } finally {
            fs.rmSync(root, { recursive: true });
        }
    });

    it("is refused without a script that it names", () => {
        const root = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-dockerfile-"));
        fs.writeFileSync(path.join(root, "Dockerfile"), "FROM a\n# inline build/a.sh\n");
        assert.throws(() => readDockerfile(path.join(root, "Dockerfile")), /build\/a\.sh/);
        fs.rmSync(root, { recursive: true });
    });
});
