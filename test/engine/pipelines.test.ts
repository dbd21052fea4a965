import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { dockerCli } from "../../components/docker/dockerCli";
import { Checkout } from "../support/checkout";
import { baseImages, freePort } from "../support/machine";
import { skipWithoutEngine } from "../support/realEngine";

describe("the commands of the pipelines, with Pulumi's engine and a Docker host", function () {
    this.timeout(300_000);
    skipWithoutEngine();
    describe("one after the other", itDeploys);
});

function itDeploys(): void {
    let checkout: Checkout;
    const stacks = ["staging", "prod"];

    async function run(command: string, ...args: string[]) {
        process.env.PULUMI_CONFIG_PASSPHRASE = "a passphrase of the tests";
        return checkout.run(command, ...args);
    }
    async function well(command: string, ...args: string[]): Promise<string> {
        const { code, said } = await run(command, ...args);
        assert.equal(code, 0, said);
        return said.trim();
    }
    const output = (stack: string, key: string) => well("pulumi", "stack", "output", key, "--stack", stack);
    const write = (stack: string, settings: Record<string, unknown>) => {
        const named = Object.entries(settings).map(([key, value]) => [`decanter:${key}`, value]);
        const file = path.join(checkout.folder, `Pulumi.${stack}.yaml`);
        fs.writeFileSync(file, stringify({ config: Object.fromEntries(named) as object }));
    };

    before(async () => {
        checkout = new Checkout({});
        const settings = { ...baseImages(), bakeSeconds: 1, drainSeconds: 5 };
        for (const stack of stacks) write(stack, { ...settings, publicPort: await freePort() });
        write("review", { ...settings, domain: "shop.localhost" });
        const git = (...args: string[]) =>
            execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...args], {
                cwd: checkout.folder,
                stdio: "ignore",
            });
        git("init");
        git("commit", "--allow-empty", "-m", "feat: say hello");
        git("tag", "v1.2.3");
        git("commit", "--allow-empty", "-m", "feat: count bottles");
        for (const stack of stacks) await well("pulumi", "stack", "init", stack);
    });
    after(async () => {
        for (const stack of stacks)
            await run("pulumi", "destroy", "--stack", stack, "--yes", "--skip-preview");
        checkout.remove();
    });

    it("deploy the version of git to staging, and the same image to prod", async () => {
        const version = await well("version");
        assert.equal(version, "1.3.0");
        await well("up", "staging", "--yes", "--config", `version=${version}`);
        assert.match(await well("smoke", "staging"), /serves release 1\.3\.0$/);
        const image = await output("staging", "image");
        await well("up", "prod", "--yes", "--config", `version=${version}`, "--config", `image=${image}`);
        assert.match(await well("smoke", "prod"), /serves release 1\.3\.0$/);
        assert.equal(await output("prod", "image"), image);
        assert.equal(await well("preview-release", "running", "prod"), `version=1.3.0\nimage=${image}`);
    });

    it("find no drift after a deploy, and what has drifted", async () => {
        for (const stack of stacks) await well("drift", stack);
        const [name = ""] = JSON.parse(await output("prod", "containers")) as string[];
        await dockerCli(undefined, ["rm", "-f", name]);
        const { code, said } = await run("drift", "prod");
        assert.equal(code, 1, said);
        assert.match(said, /drift: the stack prod has drifted: \.\/bin\/up prod --refresh puts back/);
        await well("drift", "staging");
        await well("up", "prod", "--yes", "--refresh");
        await well("drift", "prod");
        await well("smoke", "prod");
    });

    it("give a pull request a stack, and take it away", async () => {
        await well("review", "up", "42");
        assert.match(await well("smoke", "pr-42"), /:20042 serves release 1\.3\.0$/);
        await well("review", "down", "42");
        assert.ok(!(await well("pulumi", "stack", "ls")).includes("pr-42"));
    });
}

describe("the stand-in for Pulumi that runs the pipelines", () => {
    skipWithoutEngine();

    const known = JSON.parse(fs.readFileSync("test/support/pipelines/flags.json", "utf8")) as Record<
        string,
        Record<string, string>
    >;

    for (const [command, flags] of Object.entries(known)) {
        it(`knows no flag of pulumi ${command} that Pulumi does not know`, () => {
            const help = execFileSync("pulumi", [...command.split(" "), "--help"], { encoding: "utf8" });
            for (const [flag, value] of Object.entries(flags)) {
                const [, type] =
                    new RegExp(`^ +(?:-\\w, )? *--${flag}( [a-zA-Z]+)?  +`, "m").exec(help) ?? [];
                assert.ok(new RegExp(`--${flag}\\b`).test(help), `--${flag}`);
                assert.equal(type !== undefined, value !== "", `--${flag} takes ${type ?? "no value"}`);
            }
        });
    }
});
