import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { skipWithoutEngine } from "../support/realEngine";

const run = promisify(execFile);

/** A program that writes down the variables that it reads, or why it does not. */
const PROGRAM = `
require("tsx/cjs");
const fs = require("node:fs");
const pulumi = require("@pulumi/pulumi");
const { Settings } = require(process.env.SETTINGS);
const settings = new Settings(new pulumi.Config());
const read = { env: settings.variables("env", false), secrets: settings.secrets("secrets") };
try { settings.finish(); } catch ({ message }) { read.refused = message; }
fs.writeFileSync("read.json", JSON.stringify(read));
`;

describe("variables, with Pulumi's engine", function () {
    this.timeout(300_000);
    skipWithoutEngine();

    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-variables-"));
    const env = {
        ...process.env,
        PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "x",
        SETTINGS: path.resolve("stacks/config/settingsReader.ts"),
    };
    const file = path.join(folder, "Pulumi.test.yaml");
    const pulumi = (...args: string[]) => run("pulumi", args, { cwd: folder, env });
    let salt = "";
    before(async () => {
        fs.mkdirSync(path.join(folder, "state"));
        fs.symlinkSync(path.resolve("node_modules"), path.join(folder, "node_modules"));
        fs.writeFileSync(path.join(folder, "index.js"), PROGRAM);
        fs.writeFileSync(path.join(folder, "package.json"), '{"main":"index.js"}');
        const config = { env: { type: "object", default: {} }, secrets: { secret: true, default: {} } };
        fs.writeFileSync(
            path.join(folder, "Pulumi.yaml"),
            stringify({ name: "variables", runtime: "nodejs", config }),
        );
        await pulumi("stack", "init", "test");
        salt = fs.readFileSync(file, "utf8");
    });
    after(() => fs.rmSync(folder, { recursive: true }));

    interface Read {
        env: Record<string, string>;
        secrets: Record<string, string>;
        refused?: string;
    }
    async function read(): Promise<Read> {
        await pulumi("preview");
        return JSON.parse(fs.readFileSync(path.join(folder, "read.json"), "utf8")) as Read;
    }
    async function written(lines: string[]): Promise<Read> {
        fs.writeFileSync(
            file,
            `${salt}config:\n  variables:env:\n${lines.map((line) => `    ${line}\n`).join("")}`,
        );
        return read();
    }

    // prettier-ignore
    const texts = [
        "1.10", "0123", "1e3", "1_000", "+49301234", "2024-01-01", "2024-01-01 10:00:00", "yes", "no", "on", "off", "y", "n",
        "True", "true", "FALSE", "null", "~", "0x1F", "0o17", "0b101", "0777", "089", "12:30:00", "190:20:30", "1.", ".5", "-0",
        "123456789012345678901234567890", "12345678901234567890", "9007199254740993", "3.14159265358979323846", "4000", "-1",
        "1.0", "1,000", "1e-7", "1e+21", "=", "2001-12-14t21:59:43.10-05:00",
    ];

    it("are exactly what is written in the stack's file, or refused with how to write it", async () => {
        const { env: values, refused = "" } = await written(texts.map((text, index) => `V${index}: ${text}`));
        for (const [index, text] of texts.entries()) {
            if (refused.includes(`env.V${index} must `)) continue;
            assert.equal(values[`V${index}`], text);
        }
        const mustPass = ["yes", "on", "12:30:00", "true", "4000", "-1", "9007199254740993", "1,000"];
        for (const text of mustPass) assert.ok(!refused.includes(`env.V${texts.indexOf(text)} must `), text);
        for (const text of ["1.10", "0123", "1e3", "1_000", "+49301234", "2024-01-01", "null"])
            assert.ok(refused.includes(`env.V${texts.indexOf(text)} must `), text);
    });

    it("are exactly what is written in quotes, and in blocks", async () => {
        const lines = texts.map((text, index) => `V${index}: ${JSON.stringify(text)}`);
        const { env: values, refused } = await written([...lines, "BLOCK: |", "  line one", "    line two"]);
        assert.equal(refused, undefined);
        assert.deepEqual(values, {
            ...Object.fromEntries(texts.map((text, index) => [`V${index}`, text])),
            BLOCK: "line one\n  line two\n",
        });
    });

    it("are exactly what pulumi config set is given, plain or secret", async () => {
        fs.writeFileSync(file, salt);
        const given = ["4000", "0123", "1.10", "true", "1e3", "2024-01-01", "123456789012345678901234567890"];
        for (const [index, text] of given.entries()) {
            await pulumi("config", "set", "--path", `env.V${index}`, "--", text);
            await pulumi("config", "set", "--secret", "--path", `secrets.S${index}`, "--", text);
        }
        const { env: values, secrets, refused } = await read();
        assert.equal(refused, undefined);
        assert.deepEqual(Object.values(values), given);
        assert.deepEqual(Object.values(secrets), given);
    });
});
