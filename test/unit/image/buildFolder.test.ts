import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { BuildFolder } from "../../../components/image/buildFolder";

describe("the folder of a build", () => {
    let root: string;
    let folder: BuildFolder;
    beforeEach(() => {
        root = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-folder-"));
        fs.writeFileSync(path.join(root, "mix.exs"), "");
        folder = new BuildFolder(path.join(root, "build"), {
            dockerfile: "# syntax=a\nFROM a\n",
            rules: "secret\n",
            app: root,
            release: "web",
            version: "1.2.3",
        });
    });
    afterEach(() => fs.rmSync(root, { recursive: true }));
    const git = (...args: string[]) => {
        const config = ["-c", "user.name=a", "-c", "user.email=a@b", "-C", root];
        const env = { ...process.env, GIT_COMMITTER_DATE: "2026-01-02T03:04:05Z" };
        return execFileSync("git", [...config, ...args], { env, encoding: "utf8" }).trim();
    };
    const dockerfile = () => fs.readFileSync(folder.dockerfile, "utf8");
    const labels = () =>
        [...dockerfile().matchAll(/^LABEL org\.opencontainers\.image\.(.*)$/gm)].map(([, label]) => label);

    it("has the Dockerfile, what to leave out, and labels without a commit where there is none", async () => {
        await folder.write({});
        assert.match(dockerfile(), /^# syntax=a\nFROM a\nLABEL /);
        assert.equal(fs.readFileSync(`${folder.dockerfile}.dockerignore`, "utf8"), "secret\n");
        assert.deepEqual(labels().slice(0, 2), ['title="web"', 'version="1.2.3"']);
        assert.match(labels()[2] ?? "", /^created="20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"$/);
        assert.equal(labels().length, 3);
    });

    it("tells the commit, its time and its source without a login; and that files have changed", async () => {
        git("init", "-q");
        git("remote", "add", "origin", "https://me:hunter2@git.example/acme/web.git");
        git("add", "mix.exs");
        git("commit", "-q", "-m", "first");
        const revision = git("rev-parse", "HEAD");
        await folder.write({});
        // The folder of the build itself is none of the repository's files.
        fs.writeFileSync(path.join(root, ".git", "info", "exclude"), "build\n");
        await folder.write({});
        assert.deepEqual(labels(), [
            'title="web"',
            'version="1.2.3"',
            `revision="${revision}"`,
            'source="https://git.example/acme/web.git"',
            'created="2026-01-02T03:04:05Z"',
        ]);
        fs.writeFileSync(path.join(root, "lib.ex"), "");
        await folder.write({});
        assert.ok(labels().includes(`revision="${revision}-dirty"`));
        assert.doesNotMatch(dockerfile(), /2026-01-02/);
    });

    it("has the secrets as a script that nobody else reads, until the build is over", async () => {
        await folder.write({ HEX_KEY: "it's $HOME\nand `more`", EMPTY: "" });
        assert.equal(fs.statSync(folder.secret).mode & 0o777, 0o600);
        const script = `. ${folder.secret}; printf %s "$HEX_KEY|\${EMPTY-unset}"`;
        assert.equal(execFileSync("sh", ["-c", script], { encoding: "utf8" }), "it's $HOME\nand `more`|");
        assert.match(fs.readFileSync(folder.secret, "utf8"), /^CACHE_ID=[0-9a-f]{32}\nexport HEX_KEY=/);
        await folder.forget();
        assert.ok(!fs.existsSync(folder.secret));
        await folder.forget();
    });

    it("keeps the log's last lines, without secret values", async () => {
        await folder.write({});
        assert.equal(await folder.lastLines({}), undefined);
        fs.writeFileSync(folder.log, `${"line\n".repeat(100)}key hunter2 is wrong\n`);
        const said = await folder.lastLines({ HEX_KEY: "hunter2" });
        assert.equal(said?.split("\n").length, 30);
        assert.match(said, /\| key \[secret\] is wrong$/);
        await folder.write({});
        assert.equal(await folder.lastLines({}), undefined);
    });

    it("repeats what the steps say of themselves, once each, and nothing that only looks like it", async () => {
        await folder.write({});
        assert.deepEqual(await folder.notes(), []);
        const lines = [
            "#9 [builder 1/2] RUN echo decanter: no",
            "#9 1.234 decanter: assets: made by mix assets.deploy in .",
            "#9 2.5 the app says decanter: no",
            "#9 3.5 decanter: assets: made by mix assets.deploy in .",
            "decanter: the last",
        ];
        fs.writeFileSync(folder.log, lines.join("\n"));
        assert.deepEqual(await folder.notes(), ["assets: made by mix assets.deploy in .", "the last"]);
    });

    it("says what to do where the build asks git, and there is no .git", async () => {
        await folder.write({});
        fs.writeFileSync(
            folder.log,
            "fatal: not a git repository (or any of the parent directories): .git\n",
        );
        const said = await folder.lastLines({});
        assert.ok(said?.endsWith(`add the line !.git to ${path.join(root, ".dockerignore")}`), said);
        fs.writeFileSync(folder.log, "fatal: something else\n");
        assert.doesNotMatch((await folder.lastLines({})) ?? "", /dockerignore/);
    });

    it("says that the disk is full, in whichever words the build has met it", async () => {
        for (const words of [
            "ERROR: write /build/deps/plug/ebin/plug.app: no space left on device",
            "** (MatchError) no match of right hand side value: {:error, :enospc}",
            "executor failed running [/bin/bash]: chown /var/lib/docker/overlay2/o98c/work/work: no such file or directory",
        ]) {
            await folder.write({});
            fs.writeFileSync(folder.log, `${words}\n`);
            const said = (await folder.lastLines({})) ?? "";
            assert.match(
                said,
                /\nthe disk of the Docker host is full: make room on it, .*docker builder prune$/,
            );
        }
    });
});
