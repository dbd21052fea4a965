import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

// Which folders of components/ each one may import: docs/architecture.md draws it.
const mayImport = {
    release: [],
    docker: [],
    aws: [],
    image: ["docker", "release"],
    archive: ["aws", "docker", "image", "release"],
    dockerHost: ["docker", "image", "release"],
    fargate: ["aws", "release"],
    floatingIp: ["aws", "docker", "image", "release"],
};
// The packages that a folder does not load, so that a target loads no other target's.
const mayNotLoad = {
    release: ["@pulumi/aws", "@pulumi/docker"],
    docker: ["@pulumi/aws"],
    aws: ["@pulumi/docker"],
    image: ["@pulumi/aws"],
    dockerHost: ["@pulumi/aws"],
    fargate: ["@pulumi/docker"],
};

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
        files: ["index.ts", "ci/**", "commands/**", "components/**", "policy/**", "stacks/**"],
        rules: {
            "max-lines": ["error", { max: 200, skipComments: true, skipBlankLines: true }],
            "no-restricted-syntax": [
                "error",
                {
                    selector:
                        "CallExpression[callee.property.name='apply'] NewExpression[callee.type='MemberExpression']",
                    message: "a resource made inside apply() is missing from the preview: make it outside",
                },
                {
                    // A spread of settings or arguments compiles without the one that was renamed.
                    selector:
                        "ObjectExpression > SpreadElement > Identifier[name=/^(args|config|settings)$/]",
                    message: "name each argument: one that is renamed is lost in a spread without a word",
                },
            ],
        },
    },
    ...Object.entries(mayImport).map(([folder, others]) => ({
        files: [`components/${folder}/**`],
        rules: {
            "no-restricted-imports": [
                "error",
                {
                    paths: mayNotLoad[folder] ?? [],
                    patterns: [
                        {
                            regex: `^\\.\\./(?!(${others.join("|") || "none"})/)`,
                            message: `components/${folder} imports ${others.join(", ") || "no other folder of ours"}: see docs/architecture.md`,
                        },
                    ],
                },
            ],
        },
    })),
    {
        files: ["components/**", "stacks/**"],
        ignores: ["components/docker/**"],
        rules: {
            "@typescript-eslint/no-restricted-imports": [
                "error",
                {
                    patterns: [
                        {
                            regex: "/docker/dockerCli$",
                            allowTypeImports: true,
                            message: "ask a DockerHost: it is the one that the resources are on",
                        },
                    ],
                },
            ],
        },
    },
    {
        files: ["components/*.ts"],
        rules: {
            "no-restricted-syntax": [
                "error",
                { selector: "Program", message: "a component lies in a folder: see docs/architecture.md" },
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
