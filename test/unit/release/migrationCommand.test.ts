import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { migrationCommand, missingShell, whyNotWhole } from "../../../components/release/migrationCommand";

describe("the command that migrates", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-migration-"));
    const file = (name: string) => path.join(folder, name);
    before(() => {
        fs.mkdirSync(file("bin"));
        fs.writeFileSync(file("bin/migrate"), '#!/bin/sh\nprintf "%s\\n" "${A-}" "$@" >> "$OLDPWD/ran"\n', {
            mode: 0o755,
        });
        // A script without a first line, which only a shell runs.
        fs.writeFileSync(file("bin/bare"), "echo bare >> ran\n", { mode: 0o755 });
    });
    after(() => fs.rmSync(folder, { recursive: true }));

    /** Runs it as an image does whose sh is this machine's, or another shell. */
    function run(command: string, shell = "/bin/sh") {
        fs.rmSync(file("ran"), { force: true });
        const [sh, ...words] = migrationCommand(command);
        assert.equal(sh, "/bin/sh");
        const env = { ...process.env, OLDPWD: folder };
        const { status, stderr } = spawnSync(shell, words, { cwd: folder, env, encoding: "utf8" });
        const ran = fs.existsSync(file("ran")) ? fs.readFileSync(file("ran"), "utf8") : "";
        return { status, ran, stderr };
    }

    it("takes the shell's place where it is a path and words", () => {
        for (const command of ["bin/migrate", " /app/bin/hello eval Hello.Release.migrate ", "./x --a=b,c"]) {
            assert.deepEqual(migrationCommand(command), ["/bin/sh", "-c", `exec ${command.trim()}`]);
        }
    });

    for (const [command, ran] of [
        ["bin/migrate one two", "\none\ntwo\n"],
        ["bin/bare", "bare\n"],
        ["bin/migrate && echo seeded >> ran", "\nseeded\n"],
        ["A=1 bin/migrate", "1\n"],
        ["cd bin; ./migrate", "\n"],
        ["cd bin && ./migrate", "\n"],
        ["exec bin/migrate", "\n"],
        ["export A=2; bin/migrate", "2\n"],
        [`bin/migrate 'a b' "c d" e\\ f`, "\na b\nc d\ne f\n"],
        ["bin/migrate $(echo x) `echo y` ${UNSET:-z}", "\nx\ny\nz\n"],
        ["bin/migrate > /dev/null 2>&1", "\n"],
        ["if true; then bin/migrate; fi", "\n"],
        ["bin/migrate\nbin/migrate twice\n", "\n\ntwice\n"],
        ["! false && bin/migrate # a remark", "\n"],
        [`sh -c 'bin/migrate "x & y"'`, "\nx & y\n"],
        ["for x in 1 2; do bin/migrate $x; done", "\n1\n\n2\n"],
    ] as const) {
        it(`runs wholly: ${JSON.stringify(command)}`, () => {
            assert.equal(whyNotWhole(command), undefined);
            for (const shell of ["/bin/sh", "bash"]) {
                assert.deepEqual({ status: 0, ran, stderr: "" }, run(command, shell), shell);
            }
        });
    }

    it("succeeds only where every part has run, and none has failed", function () {
        // Hundreds of shells, on a machine that runs other tests too.
        this.timeout(120_000);
        let seed = 3;
        const below = (n: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % n;
        for (let i = 0; i < 150; i++) {
            const parts = Array.from({ length: 1 + below(4) }, (_, part) =>
                below(4) === 0
                    ? ["false", "(exit 3)", "cd nowhere", "nothing-of-that-name"][below(4)]
                    : `echo ${part} >> ran`,
            );
            const separators = parts.map(() => ["; ", " && ", "\n", " | "][below(4)]);
            const command = parts
                .map((part, index) => `${index === 0 ? "" : separators[index]}${part}`)
                .join("");
            assert.equal(whyNotWhole(command), undefined, command);
            const { status, ran } = run(command, "bash");
            const fails = parts.some((part) => !part?.startsWith("echo"));
            // What && joins fails as a whole, but only at the end of a list does a shell end for it.
            const isShellsOwn = / && /.test(command);
            if (fails && !isShellsOwn) assert.notEqual(status, 0, command);
            if (!fails) assert.equal(ran.split("\n").length - 1, parts.length, command);
            if (!fails) assert.equal(status, 0, command);
        }
    });

    it("fails where a shell does not notice what fails before a pipe, before anything runs", () => {
        const command = "echo 1 >> ran | cat";
        const { status } = run(command, "bash");
        assert.equal(status, 0);
        const dash = spawnSync("sh", ["-c", "command -v dash"], { encoding: "utf8" }).stdout.trim();
        if (dash === "" || spawnSync(dash, ["-c", "set -o pipefail"]).status === 0) return;
        const refused = run(command, dash);
        assert.deepEqual([refused.status, refused.ran], [2, ""]);
        assert.match(
            refused.stderr,
            /^migrate has a pipe, and sh in this image does not notice .*bash -o pipefail -c/,
        );
        assert.equal(run("true || echo 'a|b'; echo c >> ran", dash).ran, "c\n");
    });

    it("is refused where a shell does not understand it", () => {
        for (const command of [
            'bin/migrate "a',
            "bin/migrate 'a",
            "a &&",
            "(a",
            "if a; then b",
            "a; ;b",
            "$(a",
        ]) {
            assert.match(
                whyNotWhole(command) ?? "",
                /^must be a command for a shell, which says: \S/,
                command,
            );
        }
    });

    it("is refused where a part of it would be cut off", () => {
        for (const command of ["bin/migrate &", "a & b", "(a; b) & wait"]) {
            assert.match(whyNotWhole(command) ?? "", /^must not leave anything in the background/, command);
        }
        for (const command of ["a && b", "a 2>&1", "a &> b", `echo "a & b"`, "echo 'a &'", "echo a\\&b"]) {
            assert.equal(whyNotWhole(command), undefined, command);
        }
    });

    it("says what to do where an image has no shell", () => {
        const said = 'exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown';
        assert.match(missingShell(said), /^\. The image has no \/bin\/sh, which runs the command in migrate/);
        assert.equal(missingShell('exec: "bin/x": stat bin/x: no such file or directory'), "");
    });
});
