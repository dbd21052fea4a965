import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

describe("bin/version", function () {
    this.timeout(60_000);

    let folder: string;
    /** The repository of an app, with Decanter in a folder of it. */
    let app: string;
    /** Where it comes from. */
    let origin: string;

    const identity = { GIT_AUTHOR_NAME: "Ada", GIT_AUTHOR_EMAIL: "ada@example.com" };
    const env = {
        PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`,
        // Nobody has said there who they are.
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_SYSTEM: "/dev/null",
        HOME: os.tmpdir(),
    };
    const git = (...args: string[]) =>
        execFileSync("git", ["-C", app, ...args], {
            encoding: "utf8",
            env: {
                ...env,
                ...identity,
                GIT_COMMITTER_NAME: "Ada",
                GIT_COMMITTER_EMAIL: "ada@example.com",
            },
            stdio: ["ignore", "pipe", "ignore"],
        }).trim();
    const commit = (message: string) => git("commit", "--allow-empty", "-m", message);
    const run = (...args: string[]) =>
        spawnSync(path.join(app, "decanter/bin/version"), args, { encoding: "utf8", env });
    function version(...args: string[]): string {
        const { status, stdout, stderr } = run(...args);
        assert.deepEqual([status, stderr], [0, ""]);
        return stdout.trim();
    }

    beforeEach(() => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-version-"));
        [app, origin] = [path.join(folder, "app"), path.join(folder, "origin.git")];
        for (const name of ["bin", "cliff.toml", "package.json", "package-lock.json"]) {
            fs.cpSync(name, path.join(app, "decanter", name), { recursive: true });
        }
        // Newer than the list of packages, so nothing is installed.
        fs.utimesSync(path.join(app, "decanter/package-lock.json"), 0, 0);
        fs.symlinkSync(path.resolve("node_modules"), path.join(app, "decanter/node_modules"));
        fs.writeFileSync(path.join(app, ".gitignore"), "node_modules\n.decanter\n");
        git("init", "--quiet", "--initial-branch", "main");
        execFileSync("git", ["init", "--quiet", "--bare", origin]);
        git("remote", "add", "origin", origin);
        git("add", ".");
        git("commit", "-m", "Say hello");
    });
    afterEach(() => fs.rmSync(folder, { recursive: true }));

    it("is 0.1.0 where nothing has a tag", () => assert.equal(version(), "0.1.0"));

    for (const [before, messages, after] of [
        ["1.2.3", [], "1.2.3"],
        ["1.2.3", ["fix: a"], "1.2.4"],
        ["1.2.3", ["chore: a"], "1.2.4"],
        ["1.2.3", ["Whatever I did"], "1.2.4"],
        ["1.2.3", ["feat: a"], "1.3.0"],
        ["1.2.3", ["feat(cart): a", "fix: b", "feat: c"], "1.3.0"],
        ["1.2.3", ["fix!: a", "feat: b"], "2.0.0"],
        ["1.2.3", ["fix: a\n\nBREAKING CHANGE: it is gone"], "2.0.0"],
        ["0.2.0", ["feat!: a"], "0.3.0"],
        ["1.9.9", ["fix: a"], "1.9.10"],
    ] as const) {
        const commits = messages.map((message) => JSON.stringify(message)).join(", ") || "nothing";
        it(`is ${after} after ${before} and ${commits}`, () => {
            git("tag", `v${before}`);
            messages.forEach(commit);
            assert.equal(version(), after);
        });
    }

    it("goes by the tags of versions alone", () => {
        git("tag", "v1.2.3");
        commit("fix: a");
        for (const tag of ["v9.0.0-rc.1", "nightly", "prod-2026", "v10"]) git("tag", tag);
        assert.equal(version(), "1.2.4");
    });

    it("changes no file", () => {
        version();
        version("--tag");
        assert.equal(git("status", "--porcelain"), "");
    });

    it("pushes its tag with what is new, once", () => {
        git("tag", "v1.2.3");
        for (const message of ["feat(cart): keep it", "fix!: drop `x`", "Words", "Merge branch 'a'"])
            commit(message);
        const notes = version("--notes");
        assert.match(notes, /^## 2\.0\.0 \(\d{4}-\d\d-\d\d\)\n/);
        assert.deepEqual(
            notes
                .split("\n")
                .slice(1)
                .map((line) => line.replace(/ \([0-9a-f]{7}\)$/, ""))
                .filter((line) => line !== ""),
            [
                "### Features",
                "- cart: Keep it",
                "### Fixes",
                "- **Breaking:** Drop `x`",
                "### Other changes",
                "- Words",
            ],
        );
        assert.equal(version("--tag"), "2.0.0");
        const pushed = execFileSync("git", ["-C", origin, "cat-file", "tag", "v2.0.0"], { encoding: "utf8" });
        assert.ok(pushed.includes(notes), pushed);
        assert.match(pushed, /^tagger Ada <ada@example.com>/m);
        assert.equal(git("rev-parse", "v2.0.0^{commit}"), git("rev-parse", "HEAD"));

        assert.equal(version("--tag"), "2.0.0");
        assert.equal(version("--notes"), notes);
        assert.equal(version(), "2.0.0");
        commit("fix: y");
        assert.equal(version(), "2.0.1");
        assert.match(
            version("--changelog"),
            /^## 2\.0\.1 .*\n[^]*- Y [^]*\n\n## 2\.0\.0 [^]*- cart: Keep it/,
        );
    });

    it("leaves no tag behind that it could not push, and says that the version may be taken", () => {
        git("push", "origin", "HEAD:refs/heads/main");
        execFileSync("git", ["-C", origin, "tag", "v0.1.0", "main"]);
        commit("fix: a");
        const { status, stdout, stderr } = run("--tag");
        assert.deepEqual([status, stdout], [1, ""]);
        assert.match(
            stderr,
            /version: the tag v0\.1\.0 could not be pushed: git says above why\. Another deploy /,
        );
        assert.equal(git("tag"), "");
        git("fetch", "--tags");
        assert.equal(version("--tag"), "0.1.1");
    });

    it("does not guess from a part of the history", () => {
        commit("feat: a");
        git("push", "origin", "HEAD:refs/heads/main");
        const shallow = path.join(folder, "shallow");
        execFileSync("git", [
            "clone",
            "--quiet",
            "--depth",
            "1",
            "--branch",
            "main",
            `file://${origin}`,
            shallow,
        ]);
        app = shallow;
        fs.utimesSync(path.join(app, "decanter/package-lock.json"), 0, 0);
        fs.symlinkSync(path.resolve("node_modules"), path.join(app, "decanter/node_modules"));
        const { status, stderr } = run();
        assert.equal(status, 1);
        assert.match(
            stderr,
            /^version: this checkout has a part of the history alone, .* fetch all of it \(fetch-depth: 0/,
        );
    });

    it("says so outside of a repository, and what it can be asked", () => {
        fs.rmSync(path.join(app, ".git"), { recursive: true });
        assert.match(
            run().stderr,
            /^version: \S+\/decanter is in no git repository, which would tell the version\n$/,
        );
        git("init", "--quiet");
        git("add", ".");
        git("commit", "-m", "Again");
        assert.equal(run("--yes").stderr, "version: there is no --yes: --notes, --changelog or --tag\n");
    });
});
