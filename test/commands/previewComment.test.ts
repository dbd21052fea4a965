import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { lossOf } from "../../ci/dataLoss";
import { COMMENT, EVERYTHING, renderPreview } from "../../ci/previewComment";
import { diffLines } from "../../ci/propertyDiff";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const CANARY = "canary-merlot";

const sample = (name: string) => fs.readFileSync(`test/samples/previews/${name}.json`, "utf8");
const render = (json: string) => renderPreview("staging", json).markdown;

/** A preview of steps, and of whatever else its JSON has. */
function preview(steps: object[], more: object = {}): string {
    return JSON.stringify({ steps, changeSummary: { same: 1 }, ...more });
}

/** A step, by default an update of a resource `web` whose property `value` changes. */
function step({
    op = "update",
    type = "aws:iam/policy:Policy",
    name = "web",
    before = { value: 1 } as object | undefined,
    after = { value: 2 } as object | undefined,
    ...more
}): object {
    const [oldState, newState] = [before && { inputs: before }, after && { inputs: after }];
    return {
        op,
        urn: `urn:pulumi:staging::shop::${type}::${name}`,
        oldState,
        newState,
        diffReasons: ["value"],
        ...more,
    };
}

/** The rows of the table, as texts of their cells. */
function rows(markdown: string): string[][] {
    return markdown
        .split("\n")
        .filter((line) => line.startsWith("| ") && !line.startsWith("| | ") && !line.startsWith("| ---"))
        .map((line) =>
            line
                .split(/(?<!\\)\|/)
                .slice(1, -1)
                .map((cell) => cell.trim()),
        );
}

const operations = (markdown: string) => rows(markdown).map(([operation, name]) => `${operation} ${name}`);

describe("a preview as a comment", () => {
    describe("of the samples from Pulumi's engine", itRendersSamples);
    describe("in its order", itOrders);
    describe("of values", itComparesValues);
    describe("that would break out of it", itStaysInside);
    describe("with secrets", itMasks);
    describe("of any size", itIsBounded);
    describe("that has failed", itTellsFailures);

    it("is what the document shows", () => {
        const page = fs.readFileSync("docs/preview-comment.md", "utf8");
        const [, shown] = /<!-- sample -->\n([^]*?)<!-- end of the sample -->/.exec(page) ?? [];
        // The first line, the marker, is as invisible there as in a comment.
        assert.equal(shown?.trim(), render(sample("replacement")).trim());
    });
});

function itRendersSamples(): void {
    it("creation: everything in the table, nothing folded", () => {
        const markdown = render(sample("creation"));
        assert.match(
            markdown,
            /^<!-- decanter preview staging -->\n### Pulumi preview of `staging`\n\n14 to create\n/,
        );
        assert.equal(rows(markdown).length, 14);
        assert.deepEqual(rows(markdown)[0], ["create", "`shop`", "`aws:cloudwatch:LogGroup`", ""]);
        assert.ok(!/<details>|CAUTION/.test(markdown));
    });

    it("nothing: a sentence", () => {
        assert.equal(
            render(sample("nothing")),
            "<!-- decanter preview staging -->\n### Pulumi preview of `staging`\n\nNo changes, 14 unchanged\n",
        );
    });

    it("update: properties, and their differences folded away", () => {
        const markdown = render(sample("update"));
        assert.match(markdown, /^4 to update, 10 unchanged$/m);
        assert.deepEqual(rows(markdown), [
            ["update", "`shop`", "`aws:cloudwatch:LogGroup`", "`retentionInDays`"],
            ["update", "`shop`", "`aws:ecs:Service`", "`desiredCount`"],
            ["update", "`shop`", "`aws:iam:RolePolicy`", "`policy`"],
            ["update", "`database`", "`aws:ssm:Parameter`", "`tags`, `tagsAll`, `value`"],
        ]);
        assert.ok(
            markdown.includes(
                [
                    "<details><summary>update <code>shop</code> (<code>aws:cloudwatch:LogGroup</code>)</summary>",
                    "",
                    "```diff",
                    "! retentionInDays: 7 → 30",
                    "```",
                    "",
                    "</details>",
                ].join("\n"),
            ),
        );
        // A document in a string.
        assert.match(markdown, /^@@ policy @@$/m);
        assert.match(markdown, /^\+ {8}"ssm:GetParameters"$/m);
    });

    it("replacement: what forces it, and what is lost, first", () => {
        const markdown = render(sample("replacement"));
        assert.ok(
            markdown.startsWith(
                [
                    "<!-- decanter preview staging -->",
                    "### Pulumi preview of `staging`",
                    "",
                    "> [!CAUTION]",
                    "> This touches what holds data, a secret or an address:",
                    ">",
                    "> - `uploads` (`docker:Volume`) is **replaced** and loses its files",
                    "> - `cookie` (`random:RandomPassword`) is **replaced** and loses its secret",
                    "",
                    "2 to update, 4 to replace, 8 unchanged",
                    "",
                    "| | Resource | Type | Properties |",
                    "",
                ]
                    .join("\n")
                    .trimEnd(),
            ),
        );
        assert.deepEqual(rows(markdown), [
            ["⚠️ **replace**", "`uploads`", "`docker:Volume`", "**forced by** `labels`"],
            ["⚠️ **replace**", "`cookie`", "`random:RandomPassword`", "**forced by** `keepers`, `length`"],
            ["replace", "`host`", "`aws:ec2:Instance`", "**forced by** `userData`"],
            ["replace", "`shop`", "`aws:ecs:TaskDefinition`", "**forced by** `containerDefinitions`"],
            ["update", "`shop`", "`aws:ecs:Service`", "`taskDefinition`"],
            ["update", "`cookie`", "`aws:ssm:Parameter`", "`value`"],
        ]);
        // By a detailed difference, by one without, in a script, and of what only the update knows.
        assert.match(markdown, /^! labels\[1\]\.value: "1" → "2"$/m);
        assert.match(markdown, /^! keepers\.rotation: "1" → "2"$/m);
        assert.match(markdown, /^-export RELEASE=1\n\+export RELEASE=2$/m);
        assert.match(markdown, /^! taskDefinition: "arn:\S+:1" → \(known after the update\)$/m);
    });

    it("deletion: what goes", () => {
        const markdown = render(sample("deletion"));
        assert.match(markdown, /^> - `uploads` \(`aws:s3:Bucket`\) is \*\*deleted\*\* and loses its files$/m);
        assert.deepEqual(operations(markdown), ["⚠️ **delete** `shop`", "⚠️ **delete** `uploads`"]);
    });

    it("refusal: what Pulumi says of what is protected", () => {
        const { markdown, failed } = renderPreview("staging", sample("refusal"));
        assert.ok(failed);
        assert.match(markdown, /^- aws:ec2:Eip address: Preview failed: resource .* cannot be deleted$/m);
        assert.match(markdown, /is \*\*deleted\*\* and loses its address, although it is protected$/m);
    });

    it("failure: the program's own words, without its secrets", () => {
        const { markdown, failed } = renderPreview("staging", sample("failure"));
        assert.ok(failed);
        assert.equal(
            markdown,
            [
                "<!-- decanter preview staging -->",
                "### Pulumi preview of `staging` has failed",
                "",
                "```text",
                "- the release cannot be built with [secret]:",
                "  mix.lock is missing",
                "```",
                "",
            ].join("\n"),
        );
    });

    it("many: all rows, and as many differences as there is room for", () => {
        const markdown = render(sample("many"));
        assert.ok(markdown.length <= COMMENT.characters);
        assert.match(markdown, /^500 to update, 1 unchanged$/m);
        assert.equal(rows(markdown).length, 500);
        const shown = markdown.split("<details>").length - 1;
        assert.ok(shown > 10 && shown < 500, `${shown}`);
        assert.ok(
            markdown.includes(
                `_There is no room here for ${500 - shown} diffs: the job's log has everything._`,
            ),
        );
        const everything = renderPreview("staging", sample("many"), EVERYTHING).markdown;
        assert.equal(everything.split("<details>").length - 1, 500);
        assert.ok(!everything.includes("no room"));
    });
}

function itOrders(): void {
    it("by danger, then by operation, then by type and name, however Pulumi has it", () => {
        const steps = [
            step({ op: "create", name: "d", before: undefined }),
            step({ op: "update", name: "c" }),
            step({ op: "replace", name: "b" }),
            step({ op: "delete", name: "a", after: undefined }),
            step({ op: "update", name: "a" }),
            step({ op: "replace", name: "z", type: "aws:rds/instance:Instance" }),
            step({ op: "delete", name: "z", type: "aws:s3/bucket:Bucket", after: undefined }),
            // That changes nothing.
            step({ op: "read", name: "e", before: undefined }),
            step({ op: "import", name: "f", before: undefined }),
        ];
        const expected = [
            "⚠️ **delete** `z`",
            "⚠️ **replace** `z`",
            "delete `a`",
            "replace `b`",
            "update `a`",
            "update `c`",
            "create `d`",
            "import `f`",
        ];
        for (const given of [steps, [...steps].reverse()]) {
            const markdown = render(preview(given));
            assert.deepEqual(operations(markdown), expected);
            assert.match(
                markdown,
                /^1 to create, 2 to update, 2 to replace, 2 to delete, 1 to import, 1 unchanged$/m,
            );
        }
    });

    it("with one row for the steps of a replacement", () => {
        const markdown = render(
            preview([
                step({ op: "refresh", before: {}, after: {} }),
                step({ op: "delete-replaced", after: undefined }),
                step({ op: "create-replacement", before: undefined }),
                step({ op: "replace", replaceReasons: ["value"] }),
            ]),
        );
        assert.match(markdown, /^1 to replace, 1 unchanged$/m);
        assert.deepEqual(rows(markdown), [["replace", "`web`", "`aws:iam:Policy`", "**forced by** `value`"]]);
        assert.match(markdown, /^! value: 1 → 2$/m);
    });

    it("with what an interrupted update has left to delete, beside what becomes of its resource", () => {
        const left = step({ op: "delete-replaced", type: "docker:index/volume:Volume", after: undefined });
        const markdown = render(preview([step({ type: "docker:index/volume:Volume" }), left]));
        assert.deepEqual(operations(markdown), ["⚠️ **delete** `web`", "update `web`"]);
    });

    it("without what stays, or is only refreshed", () => {
        const steps = ["same", "refresh", "diff", "remove-pending-replace"].map((op) => step({ op }));
        assert.match(render(preview(steps)), /^No changes, 1 unchanged$/m);
    });

    for (const [type, loss] of [
        ["aws:rds/cluster:Cluster", "its data"],
        ["aws:dynamodb/table:Table", "its data"],
        ["aws:s3/bucket:Bucket", "its files"],
        ["aws:s3/bucketV2:BucketV2", "its files"],
        ["aws:s3/bucketObjectv2:BucketObjectv2", "its files"],
        ["aws:s3/bucketPolicy:BucketPolicy", undefined],
        ["aws:efs/fileSystem:FileSystem", "its files"],
        ["aws:elasticache/replicationGroup:ReplicationGroup", "its data"],
        ["aws:ec2/eip:Eip", "its address"],
        ["aws:ec2/eipAssociation:EipAssociation", undefined],
        ["aws:ec2/instance:Instance", undefined],
        ["aws:lb/loadBalancer:LoadBalancer", "its address"],
        ["aws:lb/listener:Listener", undefined],
        ["aws:route53/zone:Zone", "its names, and its name servers"],
        ["aws:route53/zoneAssociation:ZoneAssociation", undefined],
        ["aws:ecr/repository:Repository", "its images"],
        ["aws:ecr/repositoryPolicy:RepositoryPolicy", undefined],
        ["aws:ssm/parameter:Parameter", "its value"],
        ["aws:kms/key:Key", "what it has encrypted"],
        ["aws:kms/keyPolicy:KeyPolicy", undefined],
        ["aws:cloudwatch/logGroup:LogGroup", "its logs"],
        ["docker:index/volume:Volume", "its files"],
        ["docker:index/container:Container", undefined],
        ["random:index/randomPassword:RandomPassword", "its secret"],
        ["random:index/randomId:RandomId", "its value, and what is named after it"],
    ] as const) {
        it(`warns of ${type} where it goes: ${loss ?? "not"}`, () => {
            assert.equal(lossOf(type), loss);
            for (const op of ["delete", "replace"])
                assert.equal(
                    render(preview([step({ op, type })])).includes("[!CAUTION]"),
                    loss !== undefined,
                );
            for (const op of ["create", "update"])
                assert.ok(!render(preview([step({ op, type })])).includes("[!CAUTION]"));
        });
    }

    it("warns of whatever is protected", () => {
        const gone = { ...step({ op: "delete", after: undefined }), oldState: { protect: true, inputs: {} } };
        assert.match(
            render(preview([gone])),
            /^> - `web` \(`aws:iam:Policy`\) is \*\*deleted\*\* although it is protected$/m,
        );
    });
}

function itComparesValues(): void {
    const shown = { width: 40, lines: 6 };
    const long = (end: string) => `${"a".repeat(100)}${end}${"b".repeat(100)}`;
    const script = (count: number, end: string) =>
        [...Array(count).keys()].map((line) => `${line} ${end}`).join("\n");
    const secret = { a: "[secret]" };
    for (const [what, before, after, paths, expected] of [
        ["scalars", { a: 1 }, { a: "1" }, ["a"], ['! a: 1 → "1"']],
        ["what comes", {}, { a: false }, ["a"], ["+ a: false"]],
        ["what goes", { a: null }, {}, ["a"], ["- a: null"]],
        [
            "what only the update knows",
            { a: 1 },
            { a: UNKNOWN },
            ["a"],
            ["! a: 1 → (known after the update)"],
        ],
        [
            "only what was named",
            { a: 1, name: "x-1a2b3c4" },
            { a: 2, name: "x-5d6e7f8" },
            ["a"],
            ["! a: 1 → 2"],
        ],
        [
            "keys of objects",
            { a: { b: 1, c: 1, d: 1 } },
            { a: { b: 2, c: 1, "e.f": 1 } },
            ["a"],
            ["! a.b: 1 → 2", "- a.d: 1", '+ a["e.f"]: 1'],
        ],
        [
            "paths as Pulumi writes them",
            { a: [{ "b.c": 1 }, { "b.c": 1, 'd"': 1 }] },
            { a: [{ "b.c": 2 }, { "b.c": 2, 'd"': 2 }] },
            ['a[1]["b.c"]', 'a[1]["d\\""]'],
            ['! a[1]["b.c"]: 1 → 2', '! a[1]["d\\""]: 1 → 2'],
        ],
        ["lists", { a: [1, 2] }, { a: [1, 3] }, ["a"], ["@@ a @@", " [", "   1,", "-  2", "+  3", " ]"]],
        [
            "JSON",
            { a: '{"b":1}' },
            { a: '{"b":2}' },
            ["a"],
            ["@@ a @@", " {", '-  "b": 1', '+  "b": 2', " }"],
        ],
        [
            "the same JSON",
            { a: '{"b":1}' },
            { a: '{ "b": 1 }' },
            ["a"],
            ["! a: the same JSON, written in another way"],
        ],
        ["JSON and what is none", { a: '{"b":1}' }, { a: "{" }, ["a"], ['! a: "{\\"b\\":1}" → "{"']],
        ["scripts", { a: "1\n2\n" }, { a: "1\n3\n" }, ["a"], ["@@ a @@", " 1", "-2", "+3"]],
        [
            "scripts of many lines",
            { a: script(9, "x") },
            { a: script(9, "y") },
            ["a"],
            ["@@ a @@", "-0 x", "-1 x", "-2 x", "-3 x", "-4 x", "-5 x", "  … (12 more lines)"],
        ],
        [
            "long values, where they differ",
            { a: long("1") },
            { a: long("2") },
            ["a"],
            [
                `! a: …${"a".repeat(20)}1${"b".repeat(19)}… (122 characters) → …${"a".repeat(20)}2${"b".repeat(19)}… (122 characters)`,
            ],
        ],
        [
            "long values that come",
            {},
            { a: "x".repeat(50) },
            ["a"],
            [`+ a: "${"x".repeat(39)}… (52 characters)`],
        ],
        [
            "what is in no inputs",
            { a: 1 },
            { a: 2 },
            ["a", "arn", "tagsAll"],
            ["! a: 1 → 2", "! without values in the preview: arn, tagsAll"],
        ],
        ["secrets", secret, secret, ["a"], ["! a: [secret] changes"]],
        ["secrets that come", {}, secret, ["a"], ["+ a: [secret]"]],
        ["secrets that go", secret, {}, ["a"], ["- a: [secret]"]],
        [
            "what becomes a secret",
            { a: CANARY },
            secret,
            ["a"],
            ["! a: [secret] changes, and was not marked as a secret before"],
        ],
        [
            "what is no secret any more",
            secret,
            { a: { b: CANARY } },
            ["a"],
            ["! a: [secret] changes, and is not marked as a secret any more"],
        ],
        ["below a secret", secret, secret, ["a[0]", "a[1].b"], ["! a: [secret] changes"]],
        [
            "a list beside a secret",
            { a: ["[secret]", 1] },
            { a: [CANARY, 2] },
            ["a"],
            ["@@ a @@", " [", "   [secret],", "-  1", "+  2", " ]"],
        ],
        [
            "JSON with a secret",
            { a: '["[secret]"]' },
            { a: `["${CANARY}"]` },
            ["a"],
            ["! a: [secret] changes"],
        ],
        [
            "more properties than there is room for",
            {},
            Object.fromEntries([...Array(20).keys()].map((key) => [`p${key}`, key])),
            [...Array(20).keys()].map((key) => `p${key}`),
            [...[...Array(12).keys()].map((key) => `+ p${key}: ${key}`), "  … (8 more lines)"],
        ],
    ] as [string, object, object, string[], string[]][]) {
        it(`shows ${what}`, () => {
            assert.deepEqual(diffLines(before, after, paths, shown), expected);
        });
    }

    it("shows nothing of what providers note down for themselves", () => {
        const value = (a: number) => ({ value: [{ __defaults: ["b"], a }] });
        const markdown = render(preview([step({ before: value(1), after: value(2) })]));
        assert.match(markdown, /^-\s+"a": 1\n\+\s+"a": 2$/m);
        assert.ok(!markdown.includes("__defaults"));
    });

    it("does not look for the difference of what has little in common", () => {
        const [before, after] = ["x", "y"].map((end) => ({ a: script(5000, end) }));
        assert.deepEqual(diffLines(before, after, ["a"], shown), ["@@ a @@", "! changes nearly everywhere"]);
    });
}

/** What is left of a comment without its code: GitHub and GitLab read nothing in that. */
function outsideCode(markdown: string): string {
    return markdown
        .replace(/^(`{3,})\w*\n[^]*?\n\1$/gm, "")
        .replace(/<code>[^<>]*<\/code>/g, "")
        .replace(/(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, "");
}

function itStaysInside(): void {
    const HOSTILE = [
        "@acme/owners",
        "`@acme/owners`",
        "``` @acme/owners",
        "\n```\n@acme/owners\n```\n",
        "\r```\r@acme/owners\r",
        "\n````````\n</details>@acme/owners",
        "</code></summary></details>@acme/owners",
        "-->@acme/owners<!--",
        "a | @acme/owners | b",
        "\\| @acme/owners",
        "\\\\| @acme/owners \\",
        "[x](https://evil.example/@acme)",
        "![x](https://evil.example/@acme.png)",
        "\n\n# @acme/owners",
        "\n/approve\n/merge @acme/owners",
        "<img src=x onerror=alert(1)> @acme",
        "&lt;@acme&gt;",
        "\u001b[31m@acme\u001b[0m\u0000\u0007",
        "\u202e@acme\u2066",
        "\u2028@acme\u2029",
        "[secret]@acme",
        "`",
        "",
    ];

    /** The comment of a harmless preview: what others may have outside code, and no more. */
    const shape = (hostile: string) => {
        const data = {
            [hostile]: hostile,
            value: `line\n${hostile}`,
            json: JSON.stringify({ [hostile]: [hostile] }),
        };
        const more = { diffReasons: ["value", "json", hostile], replaceReasons: [hostile] };
        return render(
            preview(
                [
                    step({
                        op: "replace",
                        name: hostile,
                        type: `x:${hostile.replaceAll(/[:$]/g, "")}:Y`,
                        before: {},
                        after: data,
                        ...more,
                    }),
                    step({
                        op: "update",
                        name: hostile,
                        before: { value: "a\nb", json: "{}" },
                        after: data,
                        ...more,
                    }),
                    step({ op: "delete", name: hostile, type: "random:index/randomPassword:RandomPassword" }),
                ],
                {
                    diagnostics: [
                        {
                            severity: "error",
                            message: `error: ${hostile}`,
                            urn: `urn:pulumi:a::b::c:d:e::${hostile}`,
                        },
                        { severity: "warning", message: hostile },
                    ],
                },
            ),
        );
    };
    const harmless = outsideCode(shape("harmless"));

    for (const hostile of HOSTILE) {
        it(`keeps ${JSON.stringify(hostile)} in code`, () => {
            const markdown = shape(hostile);
            assert.equal(outsideCode(markdown), harmless);
            assert.deepEqual(
                rows(markdown).map((cells) => cells.length),
                [4, 4, 4],
            );
            // eslint-disable-next-line no-control-regex -- none of these is left
            assert.doesNotMatch(markdown, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/);
            assert.doesNotMatch(markdown, /^\//m);
        });
    }

    for (const [name, cell] of [
        ["a|b", "`a\\|b`"],
        // A backslash before a pipe would itself be the escaped one.
        ["a\\|b", "`a\\ \\|b`"],
        ["a`b", "``a`b``"],
        ["`a", "`` `a ``"],
        ["\u001b[31mred\u001b[0m", "`red`"],
        ["a\nb\tc", "`a b c`"],
        ["bell\u0007", "`bell\u2407`"],
    ]) {
        it(`writes ${JSON.stringify(name)} as ${cell}`, () => {
            assert.equal(rows(render(preview([step({ name })])))[0]?.[1], cell);
        });
    }

    it("has nothing outside code but its own words", () => {
        assert.match(harmless, /1 to update, 1 to replace, 1 to delete/);
        assert.doesNotMatch(harmless, /harmless/);
    });
}

function itMasks(): void {
    const sealed = (value: object) => ({ [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270", ...value });
    const cipher = sealed({ ciphertext: `v1:${CANARY}` });
    const plain = sealed({ plaintext: JSON.stringify(CANARY) });
    const bare = sealed({ value: CANARY });
    for (const [what, before, after] of [
        ["ciphertext", cipher, sealed({ ciphertext: `v1:${CANARY}2` })],
        ["plain text", plain, sealed({ plaintext: `"${CANARY}2"` })],
        ["a value", bare, "[secret]"],
        [
            "a signature that is not known",
            { [SIGNATURE]: "0", value: CANARY },
            { [SIGNATURE]: "1", value: CANARY },
        ],
        ["a secret and a plain value", cipher, CANARY],
        ["a plain value and a secret", CANARY, plain],
        ["a secret in an object", { a: { b: cipher } }, { a: { b: plain } }],
        ["a secret in a list", [1, cipher], [2, plain]],
        ["a secret in a list in an object", { a: [{ b: cipher }] }, { a: [{ b: plain }, 1] }],
        ["a secret in JSON", JSON.stringify({ a: cipher }), JSON.stringify({ a: plain, b: 1 })],
        ["a secret in JSON in JSON", JSON.stringify({ a: JSON.stringify([cipher]) }), "{}"],
        ["a secret in what is nearly JSON", `x ${JSON.stringify(cipher)}`, `${JSON.stringify(plain)} x`],
        ["a secret that comes", undefined, cipher],
        ["a secret that goes", plain, undefined],
    ]) {
        it(`shows [secret] for ${what as string}`, () => {
            for (const detailedDiff of [null, { value: { kind: "update" } }]) {
                const { markdown } = renderPreview(
                    "staging",
                    preview([step({ before: { value: before }, after: { value: after }, detailedDiff })], {
                        config: { "shop:secret": CANARY },
                    }),
                    EVERYTHING,
                );
                assert.match(markdown, /\[secret\]/);
                assert.ok(!markdown.includes(CANARY), markdown);
                assert.ok(!markdown.includes(SIGNATURE), markdown);
            }
        });
    }

    it("shows no output: there the engine's own samples have a secret", () => {
        assert.match(sample("update"), /canary-tag-1/);
        assert.doesNotMatch(renderPreview("staging", sample("update"), EVERYTHING).markdown, /canary/);
    });

    it("shows [secret] in messages", () => {
        const message = `error: cannot use ${JSON.stringify(plain)}`;
        const markdown = render(preview([], { diagnostics: [{ severity: "error", message }] }));
        assert.match(markdown, /^- \[secret\]$/m);
        assert.ok(!markdown.includes(CANARY));
    });

    it("names files, archives and resources by what they are", () => {
        const file = {
            [SIGNATURE]: "c44067f5952c0a294b673a41bacd8c17",
            hash: "0123456789abcdef",
            text: CANARY,
        };
        const archive = { [SIGNATURE]: "0def7320c3a5731c473e5ecbe6d01bc7", hash: "fedcba9876543210" };
        const markdown = render(preview([step({ before: { value: file }, after: { value: archive } })]));
        assert.match(markdown, /^! value: "\(file 0123456789ab\)" → "\(archive fedcba987654\)"$/m);
        assert.ok(!markdown.includes(CANARY));
    });
}

function itIsBounded(): void {
    const big = (fill: string) => fill.repeat(20_000);
    const many = <T>(count: number, make: (index: number) => T) => [...Array(count).keys()].map(make);
    for (const [what, steps, more] of [
        [
            "500 resources with big values",
            many(500, (index) =>
                step({ name: `r${index}`, before: { value: big("a") }, after: { value: big("b") } }),
            ),
            {},
        ],
        ["5000 resources", many(5000, (index) => step({ name: `r${index}` })), {}],
        [
            "5000 dangers",
            many(5000, (index) => step({ op: "delete", type: "aws:s3/bucket:Bucket", name: `r${index}` })),
            {},
        ],
        [
            "long names",
            many(50, (index) =>
                step({ op: "delete", type: `aws:rds/${big("x")}:Y`, name: `${index}${big("`")}` }),
            ),
            {},
        ],
        [
            "many properties",
            [
                step({
                    diffReasons: many(5000, (index) => `p${index}`),
                    after: Object.fromEntries(many(5000, (index) => [`p${index}`, big("x").slice(0, 200)])),
                }),
            ],
            {},
        ],
        [
            "properties of long names",
            [step({ diffReasons: many(100, (index) => `${index}${big("p")}`) })],
            {},
        ],
        [
            "fences",
            many(50, (index) => step({ name: `r${index}`, before: {}, after: { value: big("`") } })),
            {},
        ],
        [
            "lines",
            many(50, (index) =>
                step({ name: `r${index}`, before: { value: "\n" }, after: { value: big("x\n") } }),
            ),
            {},
        ],
        [
            "errors",
            [step({})],
            { diagnostics: many(500, (index) => ({ severity: "error", message: `${index}${big("x")}` })) },
        ],
        ["errors of many lines", [step({})], { diagnostics: [{ severity: "error", message: big("x\n") }] }],
        ["errors of fences", [step({})], { diagnostics: [{ severity: "error", message: big("`") }] }],
        [
            "warnings",
            [step({})],
            { diagnostics: many(500, (index) => ({ severity: "warning", message: `${index}${big("x")}` })) },
        ],
        [
            "all of it",
            many(500, (index) =>
                step({
                    op: "replace",
                    name: `r${index}${big("|")}`,
                    type: "aws:rds/x:Y",
                    after: { value: big("\n") },
                }),
            ),
            {
                diagnostics: many(50, (index) => ({
                    severity: index % 2 ? "error" : "warning",
                    message: `${index}${big("y\n")}`,
                })),
            },
        ],
    ] as [string, object[], object][]) {
        it(`holds ${what}`, () => {
            const markdown = render(preview(steps, more));
            assert.ok(markdown.length <= COMMENT.characters, `${markdown.length}`);
            assert.match(markdown, /^\d+ to (update|replace|delete)/m);
            // Something is missing, and it says so.
            assert.match(
                markdown,
                /no room here for|nearly everywhere|more lines|more: |\d more \||\d characters\)/,
            );
            // No block is cut.
            assert.equal(markdown.split("<details>").length, markdown.split("</details>").length);
            assert.doesNotMatch(outsideCode(markdown), /```|x{100}/);
        });
    }

    it("shows no difference where a row is missing, even where there is room for it", () => {
        const long = many(20, (index) => `${index}${"p".repeat(50)}`);
        const steps = [
            step({ name: "a" }),
            ...many(100, (index) => step({ name: `r${index}`, diffReasons: long })),
        ];
        const markdown = render(preview(steps));
        assert.match(markdown, /no room here for 101 diffs and \d+ rows of the table/);
        assert.ok(markdown.length < COMMENT.characters - 500, "there is room for a difference");
        assert.ok(!markdown.includes("<details>"));
    });

    it("takes differences away before rows, and both from the end", () => {
        const steps = many(2000, (index) => step({ name: `r${String(index).padStart(4, "0")}` }));
        const markdown = render(preview(steps));
        const count = rows(markdown).length;
        assert.ok(count > 500 && count < 2000, `${count}`);
        assert.deepEqual(
            operations(markdown),
            many(count, (index) => `update \`r${String(index).padStart(4, "0")}\``),
        );
        assert.ok(
            markdown.includes(`_There is no room here for 2000 diffs and ${2000 - count} rows of the table:`),
        );
        assert.ok(markdown.length > 0.9 * COMMENT.characters, `${markdown.length}`);
    });
}

function itTellsFailures(): void {
    for (const [what, json, words] of [
        ["nothing", "", "has printed nothing"],
        ["white space", " \n", "has printed nothing"],
        ["what is no JSON", "error: no stack named 'x' found", "is not what pulumi preview --json prints"],
        ["half of it", sample("update").slice(0, 500), "is not what pulumi preview --json prints"],
        ["other JSON", '{"version":3}', "is not what pulumi preview --json prints"],
        ["a list", "[]", "is not what pulumi preview --json prints"],
        ["null", "null", "is not what pulumi preview --json prints"],
        ["steps that are none", '{"steps":[null]}', "is not what pulumi preview --json prints"],
        [
            "Pulumi's stream of events",
            '{"sequence":0}\n{"sequence":1}\n',
            "PULUMI_ENABLE_STREAMING_JSON_PREVIEW",
        ],
    ] as const) {
        it(`says so where it is ${what}, and repeats nothing of it`, () => {
            const { markdown, failed } = renderPreview("staging", json);
            assert.ok(failed);
            assert.match(markdown, /^### Pulumi preview of `staging` has failed$/m);
            assert.ok(markdown.includes(words), markdown);
            assert.ok(!/no stack named|version|sequence|No changes/.test(markdown));
        });
    }

    it("says what Pulumi's JSON does not, where it says no more than that it failed", () => {
        const diagnostics = [{ severity: "error", message: "error: preview failed\n" }];
        const { markdown, failed } = renderPreview("staging", preview([step({})], { diagnostics }));
        assert.ok(failed);
        assert.match(markdown, /^- preview failed\. A policy may be broken: /m);
        assert.match(markdown, /^What it had found until then:$/m);
        assert.match(markdown, /^1 to update, 1 unchanged$/m);
    });

    it("tells an error once, and warnings in the same order each time", () => {
        const told = ["error: preview failed\n", "error: a\n", "error: a\n"];
        const diagnostics = [
            ...told.map((message) => ({ severity: "error", message })),
            ...["warning: z", "warning: b"].map((message) => ({ severity: "warning", message })),
        ];
        const markdown = render(preview([], { diagnostics }));
        assert.match(markdown, /```text\n- a\n```/);
        assert.match(markdown, /<summary>2 warnings<\/summary>\n\n```text\n- b\n- z\n```/);
        assert.ok(!markdown.includes("preview failed"));
    });
}
