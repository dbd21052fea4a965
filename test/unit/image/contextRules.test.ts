import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";
import { buildContext, contextFiles } from "../../../components/image/buildContext";
import { contextApp, projectsOf, sentFiles } from "../../support/contextApp";

describe("what is left out of a build", () => {
    let app = "";
    afterEach(() => fs.rmSync(app, { recursive: true }));
    const write = (name: string, text: string) => fs.writeFileSync(path.join(app, name), text);
    const context = () => buildContext(app, [], projectsOf(app));
    const sent = () => contextFiles(context());

    for (const [name, tracking] of [
        ["that git tracks, is little", "all"],
        ["whose mix.exs alone git tracks, is told by place and content", "little"],
        ["without git, is told by place and content", "none"],
    ] as const) {
        it(`of an app ${name}`, () => {
            app = contextApp(tracking);
            assert.deepEqual(sent(), sentFiles(tracking));
        });
    }

    it("holds a secret that appears later", () => {
        app = contextApp("all");
        const { rules } = context();
        for (const name of [".env.local", "deps/foo/new.pem", "priv/keys/new.key", "config/new.secret.exs"]) {
            write(name, "x");
            assert.ok(!contextFiles({ folder: app, rules }).includes(name), name);
        }
    });

    it("is what the app's .dockerignore says, whatever git tracks", () => {
        app = contextApp("all");
        write(".dockerignore", "lib/a.ex\n*.dump\n!test\n!.git/HEAD\ndeps\n");
        const files = sent();
        for (const name of ["test/a_test.exs", ".git/HEAD"]) assert.ok(files.includes(name), name);
        for (const name of ["lib/a.ex", "erl_crash.dump", "deps/foo/mix.exs"])
            assert.ok(!files.includes(name), name);
    });

    it("is named where git tracks it, and a private key that is sent too", () => {
        app = contextApp("all");
        assert.deepEqual(context().notes, [
            'left out of the build though git tracks it: test/, apps/a/test/ (a line such as "!test" in .dockerignore takes it back)',
            "sent to the build, as git tracks it, though it is a private key: priv/id_rsa, priv/keys/[own] key.pem, " +
                'priv/keys/both.pem (a line such as "priv/id_rsa" in .dockerignore leaves it out)',
        ]);
        write(".dockerignore", "test\n!apps/*/test\npriv/keys\npriv/id_rsa\n");
        assert.deepEqual(context().notes, []);
        fs.rmSync(app, { recursive: true });
        app = contextApp("little");
        assert.deepEqual(context().notes, []);
    });

    it("has no rule for each file of a folder that git tracks as a whole", () => {
        app = contextApp("all");
        const lines = context().rules.split("\n");
        assert.ok(lines.includes("!deps") && !lines.some((line) => line.startsWith("!deps/foo/lib")));
        write("deps/foo/lib/new.ex", "");
        assert.ok(!sent().includes("deps/foo/lib/new.ex"));
        assert.ok(sent().includes("deps/foo/lib/foo.ex"));
    });
});
