import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";

describe("a stack's program", () => {
    /** The packages of providers and of AWS's clients that a file loads. */
    function loadedBy(file: string): string[] {
        const script = `
            require("./${file}");
            const files = Object.keys(require.cache).join("\\n");
            const packages = files.matchAll(/node_modules\\/(@(?:pulumi|aws-sdk)\\/(?:aws|docker|client-[\\w-]+))\\//g);
            console.log([...new Set([...packages].map(([, name]) => name))].sort().join(" "));`;
        const args = ["--import=tsx", "--input-type=commonjs", "--eval", script];
        return execFileSync("node", args, { encoding: "utf8" }).trim().split(" ").filter(Boolean);
    }

    for (const [file, packages] of [
        ["index.ts", []],
        ["stacks/dockerHost.ts", ["@pulumi/docker"]],
        ["stacks/edge.ts", ["@pulumi/docker"]],
        [
            "stacks/fargate.ts",
            ["@aws-sdk/client-cloudwatch-logs", "@aws-sdk/client-ecs", "@pulumi/aws", "@pulumi/docker"],
        ],
        ["stacks/floatingIp.ts", ["@aws-sdk/client-cloudwatch-logs", "@pulumi/aws", "@pulumi/docker"]],
    ] as const) {
        it(`loads no package of another target: ${file}`, () => {
            assert.deepEqual(loadedBy(file), packages);
        });
    }
});
