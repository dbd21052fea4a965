import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { buildContext, contextHash, ownContext } from "../../../components/image/buildContext";
import { mixProjects, outside } from "../../../stacks/config/mixProjects";

/** Path dependencies of an app that lie outside of it. */
const pathDependencies = (app: string) => outside(app, mixProjects(app).dependencies);

describe("the context of a build", () => {
    let root: string;
    beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-context-"))));
    afterEach(() => fs.rmSync(root, { recursive: true }));
    const write = (file: string, text = "") => {
        fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
        fs.writeFileSync(path.join(root, file), text);
    };
    const at = (folder: string) => path.join(root, folder);

    it("is the app's folder, less what Decanter leaves out and what the app does", () => {
        write("web/mix.exs");
        write("web/.dockerignore", "# ours\n/notes\n!docs\n");
        const { folder, app, rules } = buildContext(at("web"));
        assert.deepEqual([folder, app], [at("web"), "."]);
        const lines = rules.trimEnd().split("\n");
        assert.ok(
            ["**/.git", "_build", "deps", "**/.env", "**/*.secret.exs"].every((rule) => lines.includes(rule)),
        );
        assert.deepEqual(lines.slice(-2), ["notes", "!docs"]);
    });

    it("is of the app and its path dependencies alone where these lie beside it", () => {
        write("web/mix.exs", 'deps: [{:shared, path: "../libs/shared"}, {:own, path: "own"}]');
        write("web/own/mix.exs");
        write(
            "libs/shared/mix.exs",
            'deps: [{:base, path: "../base"}, {:in, path: "in"}, {:gone, path: "../gone"}]',
        );
        write("libs/shared/in/mix.exs");
        write("libs/shared/.dockerignore", "secret.txt\n");
        write("libs/base/mix.exs");
        write("libs/other/mix.exs");
        const beside = pathDependencies(at("web"));
        assert.deepEqual(beside, [at("libs/base"), at("libs/shared")]);
        const { folder, app, rules } = buildContext(at("web"), beside);
        assert.deepEqual([path.resolve(folder), app], [root, "web"]);
        const lines = rules.trimEnd().split("\n");
        assert.equal(lines[0], "*");
        for (const rule of ["!web", "web/_build", "!libs/base", "libs/base/test", "libs/shared/secret.txt"]) {
            assert.ok(lines.includes(rule), rule);
        }
    });

    it("finds the path dependencies of an umbrella's apps", () => {
        write("all/mix.exs", 'apps_path: "apps"');
        write("all/apps/web/mix.exs", 'deps: [{:shared, path: "../../../shared"}]');
        write("shared/mix.exs");
        assert.deepEqual(pathDependencies(at("all")), [at("shared")]);
    });

    it("of the app's own Dockerfile has Docker's rules and no others", () => {
        write(".dockerignore", "a\n");
        assert.deepEqual(ownContext(root, "Dockerfile"), { folder: root, app: ".", rules: "a\n", notes: [] });
        write("ops/Dockerfile.dockerignore", "b\n");
        assert.equal(ownContext(root, "ops/Dockerfile").rules, "b\n");
    });

    it("has a hash that tells every change of a file that it has, and of no other", () => {
        write("Dockerfile", "FROM scratch");
        write("lib/a.ex", "a");
        write("notes/b.md", "b");
        write("notes/keep/c.md", "c");
        fs.symlinkSync("a.ex", at("lib/link.ex"));
        const hash = (rules: string) => contextHash({ folder: root, rules }, "FROM scratch");
        const all = hash("");
        const without = hash("notes\n");
        assert.notEqual(all, without);
        assert.notEqual(hash("notes\n!notes/keep\n"), without);
        assert.equal(hash("*\n!lib\n!Dockerfile\n"), without);
        write("notes/b.md", "other");
        assert.equal(hash("notes\n"), without);
        assert.notEqual(hash(""), all);
        fs.rmSync(at("lib/link.ex"));
        fs.symlinkSync("b.ex", at("lib/link.ex"));
        assert.notEqual(hash("notes\n"), without);
    });
});
