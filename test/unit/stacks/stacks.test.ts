import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { readConfig, readEdgeConfig } from "../../../stacks/config/config";
import { declaredSettings, mockPulumi } from "../../support/mockPulumi";

/** Settings of a stack's file, as a program gets them. */
function settingsIn(file: string): Record<string, unknown> {
    const { config } = parse(fs.readFileSync(file, "utf8")) as { config: Record<string, unknown> };
    return Object.fromEntries(
        Object.entries(config).map(([key, value]) => [key.replace(/^decanter:/, ""), value]),
    );
}

/** What a stack's file says to do before the first deploy, as settings. */
function commandsIn(file: string): Record<string, string> {
    const text = fs.readFileSync(file, "utf8");
    const commands = text.matchAll(/^# {3}pulumi config set --stack (\w+) (\w+) (\S+)$/gm);
    return Object.fromEntries(
        [...commands].map(([, stack, key = "", value]) => {
            assert.equal(file, `Pulumi.${stack}.yaml`);
            return [key, value ?? ""];
        }),
    );
}

async function problemsOf(settings: Record<string, unknown>): Promise<string> {
    await mockPulumi(settings);
    try {
        readConfig();
        return "";
    } catch (error) {
        return (error as Error).message;
    }
}

describe("the stacks to start from", () => {
    for (const stack of ["staging", "prod"]) {
        const file = `Pulumi.${stack}.yaml`;

        it(`${stack} refuses what is not filled in, each with the command that its file names too`, async () => {
            const problems = await problemsOf(settingsIn(file));
            const commands = commandsIn(file);
            assert.deepEqual(Object.keys(commands), ["app", "region", "domain", "zoneId"]);
            for (const key of ["region", "domain", "zoneId"])
                assert.match(problems, new RegExp(`- ${key} must be .*: pulumi config set ${key} `), key);
            assert.match(problems, /\(3 problems\)/);
        });

        it(`${stack} is complete once its commands were run`, async () => {
            const { app, ...commands } = commandsIn(file);
            assert.ok(app);
            assert.equal(await problemsOf({ ...settingsIn(file), ...commands }), "");
        });
    }

    it("prod protects what holds data or the address, in two zones or more", () => {
        const prod = settingsIn("Pulumi.prod.yaml");
        assert.equal(prod.protect, "true");
        assert.ok(Number(prod.replicas) >= 2);
    });

    it("server is complete once its capitals are filled in", async () => {
        const settings = settingsIn("Pulumi.server.yaml");
        const filled = { ...settings, app: "examples/hello", host: "ssh://deploy@server.example" };
        assert.equal(await problemsOf(filled), "");
    });

    it("edge is complete as it is, but for the server", async () => {
        await mockPulumi(settingsIn("Pulumi.edge.yaml"));
        assert.equal(readEdgeConfig()?.host, "ssh://DEPLOY@SERVER.EXAMPLE");
    });

    it("use each setting that they name, commented out or not, as it is called", () => {
        const config = declaredSettings();
        for (const file of fs
            .readdirSync(".")
            .filter((name) => /^Pulumi\.(staging|prod|server|edge)\.yaml$/.test(name)))
            for (const [, key = ""] of fs
                .readFileSync(path.join(".", file), "utf8")
                .matchAll(/decanter:(\w+)/g))
                assert.ok(key in config, `${file}: ${key}`);
    });
});
