import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
    {
        ignores: [
            "test/apps/",
            "node_modules/",
            ".decanter/",
            "eslint.config.mjs",
            "test/support/pipelines/fakePulumi.cjs",
        ],
    },
    eslint.configs.recommended,
    tseslint.configs.recommendedTypeChecked,
    {
        languageOptions: { parserOptions: { projectService: true } },
        rules: {
            "no-console": "error",
            "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
            // mocha's describe and it, and node:test's style, return promises that nobody awaits.
            "@typescript-eslint/no-floating-promises": [
                "error",
                { allowForKnownSafeCalls: ["describe", "it"] },
            ],
        },
    },
    {
        files: ["index.ts", "ci/**", "components/**", "policy/**", "stacks/**"],
        rules: {
            "max-lines": ["error", { max: 200, skipComments: true, skipBlankLines: true }],
            "no-restricted-syntax": [
                "error",
                {
                    selector:
                        "CallExpression[callee.property.name='apply'] NewExpression[callee.type='MemberExpression']",
                    message: "a resource made inside apply() is missing from the preview: make it outside",
                },
            ],
        },
    },
    { files: ["bench/**"], rules: { "no-console": "off" } },
    {
        // Properties of resources are of every shape; a test says which it expects.
        files: ["test/**"],
        rules: Object.fromEntries(
            ["argument", "assignment", "call", "member-access", "return"]
                .map((use) => [`@typescript-eslint/no-unsafe-${use}`, "off"])
                .concat([["@typescript-eslint/no-explicit-any", "off"]]),
        ),
    },
);
