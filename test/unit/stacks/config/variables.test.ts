import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { SettingsReader } from "../../../../stacks/config/settingsReader";
import { mockPulumi } from "../../../support/mockPulumi";

describe("the variables of a stack", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-variables-"));
    const file = path.join(folder, "Pulumi.prod.yaml");
    before(async () => {
        process.env.PULUMI_OPTION_CONFIG_FILE = file;
        await mockPulumi();
    });
    after(() => {
        delete process.env.PULUMI_OPTION_CONFIG_FILE;
        fs.rmSync(folder, { recursive: true });
    });

    /**
     * @param written the lines of the setting in the stack's file; undefined where there is no file
     * @param given what Pulumi hands over of it, as JSON
     */
    function read(written: string | undefined, given: string, key = "env"): Record<string, string> {
        fs.rmSync(file, { force: true });
        if (written !== undefined) fs.writeFileSync(file, `config:\n  decanter:${key}:${written}\n`);
        pulumi.runtime.setAllConfig({ [`decanter:${key}`]: given }, ["decanter:secrets"]);
        const settings = new SettingsReader(new pulumi.Config());
        const variables = settings.variables(key, key === "secrets");
        settings.finish();
        return variables;
    }
    const refused = (rest: string) => ({ message: `the settings of this stack cannot be used: ${rest}` });
    const readAs = (value: string) => `must be in quotes, as Pulumi reads it as ${value}`;

    // What Pulumi 3.259 hands over of it: test/engine/variables.test.ts compares.
    for (const [written, given] of [
        ["1.10", "1.1"],
        ["0123", "83"],
        ["1e3", "1000"],
        ["1_000", "1000"],
        ["+49301234", "49301234"],
        ["2024-01-01", '"2024-01-01 00:00:00 +0000 UTC"'],
        ["True", "true"],
        ["0x1F", "31"],
        ["12345678901234567890", "12345678901234567000"],
        ["3.14159265358979323846", "3.141592653589793"],
    ] as const) {
        it(`are refused where Pulumi changes them: ${written}`, () => {
            const value = given.replaceAll('"', "");
            assert.throws(
                () => read(`\n    A: ${written}`, `{"A":${given}}`),
                refused(`env.A ${readAs(value)}, got "${written}": write A: "${written}" in ${file}`),
            );
            assert.deepEqual(read(`\n    A: "${written}"`, `{"A":"${written}"}`), { A: written });
        });
    }

    it("are as they are written where Pulumi keeps them", () => {
        const numbers = ["4000", "-1", "1.5", "9007199254740993", "true", "false", "1e+21", "1e-7"];
        for (const text of numbers) {
            assert.deepEqual(read(`\n    A: ${text}`, `{"A":${text}}`), { A: text });
        }
        for (const text of [
            "",
            "yes",
            "~x",
            "12:30:00",
            "a: b # c",
            "line one\n  line two\n",
            "null",
            "1.10",
        ]) {
            assert.deepEqual(read("", JSON.stringify({ A: text })), { A: text });
        }
    });

    it("are what the file says or refused, whatever Pulumi makes of it", () => {
        let seed = 7;
        const below = (n: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % n;
        const one = (letters: string) => letters.charAt(below(letters.length));
        for (let i = 0; i < 300; i++) {
            const written = Array.from({ length: 1 + below(6) }, () => one("0123456789.e+-_x:TUaf")).join("");
            // Where YAML knows a plain scalar of these letters at all.
            if (/^[-:+]|:$|^.*: /.test(written)) continue;
            const givens = [String(Number(written)), `${below(2000)}`, "true", "1.1", `${Number(written)}0`];
            for (const given of givens.filter((text) =>
                /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]\d+)?$|^true$/.test(text),
            )) {
                const reading = () => read(`\n    A: ${written}`, `{"A":${given}}`);
                if (given === written) assert.deepEqual(reading(), { A: written });
                else assert.throws(reading, /env\.A must be in quotes/, `${written} given as ${given}`);
            }
        }
    });

    it("are refused where their text is not known, and Pulumi may have changed them", () => {
        const unknown = "must be in quotes, as Pulumi reads something else in it";
        for (const given of ["1.1", "true", '"2024-01-01 00:00:00 +0000 UTC"']) {
            assert.throws(
                () => read(undefined, `{"A":${given}}`),
                refused(`env.A ${unknown}: write A: "..." in ${file}`),
            );
        }
        assert.deepEqual(read(undefined, '{"A":"1.10"}'), { A: "1.10" });
    });

    it("may be one text of JSON, whose numbers are as they are spelt there", () => {
        assert.deepEqual(read(" {secure: v1:abc}", '{"A":1.10,"B":12345678901234567890}', "secrets"), {
            A: "1.10",
            B: "12345678901234567890",
        });
    });

    it("show no secret where they are refused", () => {
        assert.throws(
            () =>
                read(
                    "\n    A: 1.10\n    B: {secure: v1:abc}",
                    '{"A":1.1,"B":"2024-01-01 00:00:00 +0000 UTC"}',
                    "secrets",
                ),
            refused(
                `secrets.A must be in quotes, as Pulumi reads something else in it: write A: "..." in ${file}`,
            ),
        );
    });

    it("follow anchors and merges", () => {
        const merged = "\n    <<: {B: 2}\n    A: &a 1.20\n    C: *a";
        assert.throws(
            () => read(merged, '{"A":1.2,"B":2,"C":1.2}'),
            /2 problems[^]*env\.A [^]*env\.C .*got "1\.20"/,
        );
    });

    it("must have a value, and a name that Pulumi keeps", () => {
        assert.throws(
            () => read("\n    A: ~", '{"A":null}'),
            refused('env.A must have a value: write A: "" for an empty one, or A: "null"'),
        );
        assert.throws(
            () => read("\n    TRUE: x", '{"true":"x"}'),
            refused('env.true must have its name in quotes: write "TRUE": or "true": and the value'),
        );
        assert.deepEqual(read('\n    "true": x', '{"true":"x"}'), { true: "x" });
    });
});
