import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { dockerCli } from "../../components/docker/dockerCli";
import { DockerHost } from "../../components/docker/dockerHost";
import { bootCheckHook } from "../../components/image/bootCheck";
import { FixtureApp } from "../support/fixtureApp";

describe("the boot check of a release", function () {
    this.timeout(600_000);

    // It does not use :crypto.
    const app = new FixtureApp("c_nif", "press");
    const tags: string[] = [];
    before(async () => {
        // What `env` and `secrets` give to the start script, which also wants the address of its host.
        app.write(
            "rel/env.sh.eex",
            'set -e\n: "${REGION:?}" "${API_TOKEN:?must be the token of the cellar}"\naddress=$(hostname -i)\n',
        );
        app.write(
            "lib/needy.ex",
            "defmodule Needy do\n  @on_load :load\n  def load, do: {:error, :no_database}\nend\n" +
                'defmodule Raising do\n  @on_load :load\n  def load, do: raise("no GPU")\nend\n',
        );
        await app.build({ args: { RUNTIME_PACKAGES: "libgomp1" } });
    });
    after(async () => {
        if (tags.length > 0) await dockerCli(undefined, ["rmi", "-f", ...tags]);
        await app.remove();
    });

    /** An image of the release with something changed. */
    async function changed(lines: string): Promise<string> {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-broken-"));
        const tag = `${app.image}-${tags.length}`;
        tags.push(tag);
        fs.writeFileSync(path.join(folder, "Dockerfile"), lines);
        const { code, output } = await dockerCli(undefined, ["build", "-q", "-t", tag, folder], 300);
        fs.rmSync(folder, { recursive: true });
        assert.equal(code, 0, output);
        return tag;
    }

    const whole = { env: { REGION: "Douro" }, secretNames: ["API_TOKEN"] };
    /** What it says of a release that is not refused. */
    async function check(given: Partial<typeof whole> = {}, image = app.image): Promise<string[]> {
        const said: string[] = [];
        const log = pulumi.log as { warn: typeof pulumi.log.warn };
        const { warn } = log;
        log.warn = (message) => Promise.resolve(void said.push(message));
        try {
            const hook = bootCheckHook("press", {
                ...whole,
                image,
                isBootable: true,
                host: new DockerHost(),
                ...given,
            });
            await hook.callback({} as pulumi.ResourceHookArgs);
        } finally {
            log.warn = warn;
        }
        return said;
    }

    it("starts it with the stack's env and dummies for secrets, and lets an on_load fail for a reason of its own", async () => {
        const [note, ...others] = await check();
        assert.deepEqual(others, []);
        assert.match(
            note ?? "",
            /^boot check: not loaded without what production has: (Needy|Raising) \(on_load_failure\), (Needy|Raising) \(on_load_failure\)\. That is not refused/,
        );
    });

    it("refuses a start script that fails, and names the variable that it wants", async () => {
        await assert.rejects(
            check({ env: {} as typeof whole.env }),
            /not deployed: its start script failed \(exit code \d+\)\. It wants REGION: pulumi config set --path env\.REGION VALUE/,
        );
        await assert.rejects(
            check({ secretNames: [] }),
            /It wants API_TOKEN: .*--secret --path secrets\.API_TOKEN[^]*must be the token of the cellar[^]*bootCheck false$/,
        );
    });

    it("refuses a NIF whose library is missing, in the loader's words", async () => {
        const image = await changed(
            `FROM ${app.image}\nUSER 0\nRUN rm $(find / -xdev -name 'libgomp.so*')\nUSER 65534\n`,
        );
        await assert.rejects(
            check({}, image),
            /Press cannot be loaded: .*libgomp\.so\.1: cannot open shared object file: No such file or directory.*The image has no libgomp\.so\.1: pulumi config set --path 'runtimePackages\[0\]' PACKAGE/,
        );
    });

    it("refuses a NIF whose library is of a different Debian, and asks for the same", async () => {
        // It has the name, and neither symbols nor versions.
        const fake =
            "echo 'int f(void) { return 1; }' > f.c && gcc -shared -fPIC -Wl,-soname,libgomp.so.1 -o /libgomp.so.1 f.c";
        const image = await changed(
            `FROM decanter/builder:trixie AS fake\nRUN ${fake}\nFROM ${app.image}\nCOPY --from=fake /libgomp.so.1 /tmp/\n` +
                "USER 0\nRUN cp /tmp/libgomp.so.1 $(find /usr -name 'libgomp.so.1')\nUSER 65534\n",
        );
        await assert.rejects(
            check({}, image),
            /Press cannot be loaded: .*(not found|undefined symbol).* Is runnerImage of the builder's Debian\?/,
        );
    });

    it("refuses a VM that does not start for want of a library", async () => {
        const image = await changed(
            `FROM ${app.image}\nUSER 0\nRUN rm $(find / -xdev -name 'libtinfo.so*')\nUSER 65534\n`,
        );
        await assert.rejects(
            check({}, image),
            /not deployed: .*libtinfo\.so\.6.* Is runnerImage of the builder's Debian\?/,
        );
    });
});
