import { strict as assert } from "node:assert";
import * as circleci from "../support/pipelines/circleci";
import { type Event, runWorkflow } from "../support/pipelines/github";
import * as gitlab from "../support/pipelines/gitlab";
import { JobFailed, Machine, SECRETS, World } from "../support/pipelines/machine";

const image = `registry/staging:1.3.0@sha256:${"1".repeat(64)}`;
/** What a merge does to the stacks. */
const deploys = [
    "up --stack staging --yes --config version=1.3.0",
    `up --stack prod --yes --config version=1.3.0 --config image=${image}`,
];
const drifts = ["staging", "prod"].map(
    (stack) =>
        `refresh --stack ${stack} --preview-only --expect-no-changes --exclude **pulumi:pulumi:StackReference::** --diff --color never --non-interactive`,
);
const review = {
    "Pulumi.review.yaml": "config:\n  decanter:target: fargate\n  decanter:domain: shop.example\n",
};
/** What a review stack goes through. */
const reviewed = [
    "up --stack pr-42 --yes --config domain=pr-42.shop.example --config version=1.3.0",
    "destroy --stack pr-42 --yes --skip-preview",
    "stack rm pr-42 --yes",
];

/** What is previewed of a merge, where prod runs another release. */
const previewed = [
    "preview --stack staging --json --policy-pack policy --config version=1.3.0 --config image=",
    "preview --stack prod --json --policy-pack policy --config version=1.2.2 --config image=registry/shop:1.2.2@sha256:2",
];

/** The previews, each as one line. */
function previews(world: World): string[] {
    return world.calls.map(({ args }) => args.join(" ")).filter((line) => line.startsWith("preview"));
}

/** The names of the variables with secrets that each tool has seen. */
function holders(world: World): Record<string, string[]> {
    const found: Record<string, Set<string>> = {};
    for (const call of world.toolCalls) {
        const [, tool = "", held = ""] = /^(\S+) .*\[(.*)\]$/.exec(call) ?? [];
        found[tool] = new Set([...(found[tool] ?? []), ...held.split(" ").filter((name) => name !== "")]);
    }
    return Object.fromEntries(Object.entries(found).map(([tool, names]) => [tool, [...names].sort()]));
}

describe("the pipeline on GitHub Actions", function () {
    this.timeout(300_000);

    let world: World;
    beforeEach(async () => (world = await World.start()));
    afterEach(() => world.stop());

    const vars = {
        PULUMI_BACKEND_URL: "file:///nowhere",
        AWS_REGION: "eu-central-1",
        PREVIEW_ROLE_ARN: "arn:aws:iam::123456789012:role/preview",
        DEPLOY_ROLE_ARN: "arn:aws:iam::123456789012:role/deploy",
    };
    const request = (event: object = {}, full_name = "acme/shop"): Event => ({
        event_name: "pull_request",
        event: {
            action: "synchronize",
            ...event,
            pull_request: {
                number: 42,
                head: { repo: { full_name } },
                labels: [],
                ...(event as { pull_request?: object }).pull_request,
            },
        },
        vars,
    });
    const push: Event = { event_name: "push", vars };
    // The tests of this project would run themselves.
    const skip = ["decanter"];

    it("checks the app and starts its release, and previews both stacks, each as a comment of its own", async () => {
        world.stacks = { staging: {}, prod: { version: "1.2.2", image: "registry/shop:1.2.2@sha256:2" } };
        await runWorkflow(world, "pull-request.yml", request(), skip);
        const mix = world.toolCalls
            .filter((call) => call.startsWith("mix"))
            .map((call) => call.replace(/ \[.*/, ""));
        assert.deepEqual(mix, [
            "mix format --check-formatted",
            "mix compile --warnings-as-errors",
            "mix test",
        ]);
        assert.deepEqual(world.changes, ["up --stack local --yes --skip-preview --config version=1.3.0"]);
        assert.deepEqual(previews(world), previewed);
        const posted = world.asked.filter(({ line }) => line.startsWith("POST"));
        assert.deepEqual(
            posted.map(({ line }) => line),
            Array(2).fill("POST /repos/acme/shop/issues/42/comments"),
        );
    });

    it("gives a fork its tests, and no credentials", async () => {
        await runWorkflow(world, "pull-request.yml", request({}, "mallory/shop"), skip);
        assert.ok(world.toolCalls.some((call) => call.startsWith("mix test")));
        assert.deepEqual(world.changes, ["up --stack local --yes --skip-preview --config version=1.3.0"]);
        assert.deepEqual(
            world.calls.flatMap(({ secrets }) => secrets),
            [],
        );
    });

    it("tests alone until a backend is named", async () => {
        await runWorkflow(world, "pull-request.yml", { ...request(), vars: {} }, skip);
        await runWorkflow(world, "deploy.yml", { ...push, vars: {} });
        await runWorkflow(world, "drift.yml", { event_name: "schedule", vars: {} });
        assert.ok(world.changes.every((change) => change.startsWith("up --stack local")));
        assert.equal(world.git("tag"), "v1.2.3");
    });

    it("deploys a merge to staging, asks it for its version, and then has prod run the same image", async () => {
        await runWorkflow(world, "deploy.yml", push);
        assert.deepEqual(world.changes.slice(1), deploys);
        assert.equal(world.stacks.prod?.image, image);
        assert.equal(world.git("tag"), "v1.2.3\nv1.3.0");
        assert.match(
            world.git("tag", "--list", "--format=%(contents)", "v1.3.0"),
            /### Features\n\n- Count bottles/,
        );
        assert.match(
            world.log,
            /http:\/\/\S+\/staging serves release 1\.3\.0\n[^]*\/prod serves release 1\.3\.0\n/,
        );
        assert.match(
            world.toolCalls.at(-1) ?? "",
            /^gh release create v1\.3\.0 --verify-tag --notes-file notes\.md /,
        );
    });

    it("does not deploy to prod what staging does not serve", async () => {
        world.answers = "1.2.3";
        await assert.rejects(runWorkflow(world, "deploy.yml", push), (error: Error) => {
            assert.ok(error instanceof JobFailed);
            assert.match(error.message, /smoke: the stack \w+ does not serve release 1\.3\.0 at /);
            return true;
        });
        assert.ok(!world.changes.some((change) => change.includes("--stack prod")), world.changes.join("\n"));
    });

    it("gives every merge a version of its own", async () => {
        await runWorkflow(world, "deploy.yml", push);
        world.commit("fix: count empty ones too");
        await runWorkflow(world, "deploy.yml", push);
        assert.equal(world.stacks.prod?.version, "1.3.1");
        assert.equal(world.git("tag"), "v1.2.3\nv1.3.0\nv1.3.1");
    });

    it("looks for drift in both stacks", async () => {
        await runWorkflow(world, "drift.yml", { event_name: "schedule", vars });
        assert.deepEqual(world.changes, drifts);
    });

    it("gives a pull request with the label a stack of its own, and takes it away again", async () => {
        await world.stop();
        world = await World.start(review);
        const labels = [{ name: "review" }];
        await runWorkflow(world, "review.yml", request({ pull_request: { labels } }));
        assert.deepEqual(world.changes, [
            "up --stack pr-42 --yes --config domain=pr-42.shop.example --config version=1.3.0",
        ]);
        // Another label changes nothing.
        await runWorkflow(
            world,
            "review.yml",
            request({ action: "labeled", label: { name: "bug" }, pull_request: { labels } }),
        );
        await runWorkflow(
            world,
            "review.yml",
            request({ action: "unlabeled", label: { name: "bug" }, pull_request: { labels } }),
        );
        await runWorkflow(
            world,
            "review.yml",
            request(
                { action: "labeled", label: { name: "review" }, pull_request: { labels } },
                "mallory/shop",
            ),
        );
        assert.equal(world.changes.length, 1);
        await runWorkflow(world, "review.yml", request({ action: "closed", pull_request: { labels } }));
        assert.deepEqual(world.changes.slice(1), [
            "destroy --stack pr-42 --yes --skip-preview",
            "stack rm pr-42 --yes",
        ]);
        assert.ok(!("pr-42" in world.stacks));
    });

    it("prints no secret, and passes each to nothing but what needs it", async () => {
        await runWorkflow(world, "pull-request.yml", request(), skip);
        await runWorkflow(world, "deploy.yml", push);
        for (const value of Object.values(SECRETS)) assert.ok(!world.log.includes(value), value);
        // The variables of a job are those of all its tools; what runs the app's own code has none.
        assert.deepEqual(holders(world), {
            docker: ["PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE"],
            gh: ["GH_TOKEN"],
            mix: [],
        });
        const held = new Set(
            world.calls.flatMap(({ args, secrets }) => (args.includes("local") ? secrets : [])),
        );
        assert.deepEqual([...held], []);
    });
});

describe("the pipeline on GitLab CI", function () {
    this.timeout(300_000);

    let world: World;
    beforeEach(async () => (world = await World.start(review)));
    afterEach(() => world.stop());

    const variables = {
        PULUMI_BACKEND_URL: "file:///nowhere",
        PREVIEW_ROLE_ARN: "arn:aws:iam::123456789012:role/preview",
        DEPLOY_ROLE_ARN: "arn:aws:iam::123456789012:role/deploy",
        CI_PROJECT_ID: "7",
        CI_MERGE_REQUEST_IID: "42",
        CI_SERVER_HOST: "gitlab.example",
        CI_PROJECT_PATH: "acme/shop",
        CI_JOB_TOKEN: SECRETS.CI_JOB_TOKEN,
        AWS_ID_TOKEN: SECRETS.AWS_ID_TOKEN,
        GITLAB_TOKEN: SECRETS.GITLAB_TOKEN,
        SSH_KEY: SECRETS.SSH_KEY,
    };
    const run = (...jobs: string[]) => gitlab.runJobs(world, jobs, variables);

    it("checks the app and starts its release", async () => {
        await run("app", "start");
        assert.ok(world.toolCalls.some((call) => call.startsWith("mix test")));
        assert.deepEqual(world.changes, ["up --stack local --yes --skip-preview --config version=1.3.0"]);
    });

    it("previews both stacks, each as a comment of its own", async () => {
        world.stacks = { staging: {}, prod: { version: "1.2.2", image: "registry/shop:1.2.2@sha256:2" } };
        await run("preview-staging", "preview-prod");
        assert.deepEqual(world.changes, []);
        assert.deepEqual(previews(world), previewed);
        const posted = world.asked.filter(({ line }) => line.startsWith("POST"));
        assert.deepEqual(
            posted.map(({ line }) => line),
            Array(2).fill("POST /api/v4/projects/7/merge_requests/42/notes"),
        );
        assert.match(String(posted[0]?.body.body), /^<!-- decanter preview staging -->\n/);
        assert.match(String(posted[1]?.body.body), /^<!-- decanter preview prod -->\n/);
    });

    it("deploys a merge to staging, and the same image to prod", async () => {
        await run("version", "staging", "prod", "release");
        assert.deepEqual(world.changes, deploys);
        assert.equal(world.git("tag"), "v1.2.3\nv1.3.0");
        assert.match(world.log, /### Features\n\n- Count bottles/);
    });

    it("does not go on where staging does not serve it", async () => {
        world.answers = "1.2.3";
        await assert.rejects(run("version", "staging", "prod"), /does not serve release 1\.3\.0/);
        assert.deepEqual(world.changes, deploys.slice(0, 1));
    });

    it("looks for drift, and gives a merge request a stack of its own", async () => {
        await run("drift-staging", "drift-prod");
        assert.deepEqual(world.changes, drifts);
        await run("review", "review-stop");
        assert.deepEqual(world.changes.slice(2), reviewed);
    });

    it("prints no secret", async () => {
        await run("app", "start", "preview-staging", "version", "staging", "prod");
        for (const value of Object.values(SECRETS)) assert.ok(!world.log.includes(value), value);
    });
});

describe("the pipeline on CircleCI", function () {
    this.timeout(300_000);

    let world: World;
    beforeEach(async () => (world = await World.start(review)));
    afterEach(() => world.stop());

    const project = {
        CIRCLE_PROJECT_USERNAME: "acme",
        CIRCLE_PROJECT_REPONAME: "shop",
        CIRCLE_PULL_REQUEST: "https://github.com/acme/shop/pull/42",
        CIRCLE_OIDC_TOKEN_V2: SECRETS.CIRCLE_OIDC_TOKEN_V2,
    };
    const backend = {
        PULUMI_BACKEND_URL: "file:///nowhere",
        ROLE_ARN: "arn:aws:iam::123456789012:role/deploy",
    };
    const contexts = {
        "": project,
        preview: { ...backend, GITHUB_TOKEN: SECRETS.GITHUB_TOKEN },
        staging: { ...backend, SSH_KEY: SECRETS.SSH_KEY },
        prod: backend,
        review: backend,
    };
    const run = (workflow: string, parameters = {}, env = contexts, skip = ["decanter"]) =>
        circleci.runWorkflow(world, workflow, parameters, env, skip);

    it("checks the app and starts its release, and previews both stacks, each as a comment of its own", async () => {
        world.stacks = { staging: {}, prod: { version: "1.2.2", image: "registry/shop:1.2.2@sha256:2" } };
        await run("pull-request");
        assert.ok(world.toolCalls.some((call) => call.startsWith("mix test")));
        assert.deepEqual(world.changes, ["up --stack local --yes --skip-preview --config version=1.3.0"]);
        assert.deepEqual(previews(world), previewed);
        const posted = world.asked.filter(({ line }) => line.startsWith("POST"));
        assert.deepEqual(
            posted.map(({ line }) => line),
            Array(2).fill("POST /repos/acme/shop/issues/42/comments"),
        );
    });

    it("previews nothing for a fork, which has no context", async () => {
        const none = { ...contexts, preview: {} as typeof contexts.preview };
        await run("pull-request", {}, none, ["decanter", "app", "start"]);
        assert.deepEqual([world.calls, world.asked], [[], []]);
        assert.ok(world.toolCalls.some((call) => call.startsWith("circleci-agent step halt")));
    });

    it("deploys a merge to staging, and the same image to prod", async () => {
        await run("deploy");
        assert.deepEqual(world.changes, deploys);
        assert.equal(world.git("tag"), "v1.2.3\nv1.3.0");
    });

    it("does not go on where staging does not serve it", async () => {
        world.answers = "1.2.3";
        await assert.rejects(run("deploy", {}, contexts, ["app"]), /does not serve release 1\.3\.0/);
        assert.deepEqual(world.changes, deploys.slice(0, 1));
    });

    it("looks for drift, and gives a pull request a stack of its own", async () => {
        await run("drift", { action: "drift" });
        assert.deepEqual(world.changes, drifts);
        await run("review-up", { action: "review-up", number: 42 });
        await run("review-down", { action: "review-down", number: 42 });
        assert.deepEqual(world.changes.slice(2), reviewed);
    });

    it("prints no secret", async () => {
        await run("pull-request");
        await run("deploy");
        for (const value of Object.values(SECRETS)) assert.ok(!world.log.includes(value), value);
    });
});

describe("the pipelines of a repository that has Decanter in a folder", function () {
    this.timeout(300_000);

    let world: World;
    beforeEach(async () => (world = await World.start(review, "decanter")));
    afterEach(() => world.stop());

    /** The checks and the start of the app at the root, and a deploy from the folder. */
    function assertDeployed(): void {
        assert.ok(world.toolCalls.some((call) => call.startsWith("mix test")));
        const app = world.calls.find(({ args }) => args.includes("app"))?.args;
        assert.deepEqual(app, ["config", "set", "--stack", "local", "app", ".."]);
        assert.deepEqual(world.changes.slice(1), deploys);
        assert.equal(world.git("tag"), "v1.2.3\nv1.3.0");
    }

    it("run on GitHub Actions", async () => {
        const vars = { PULUMI_BACKEND_URL: "file:///nowhere", DECANTER: "decanter", APP: "." };
        await runWorkflow(world, "deploy.yml", { event_name: "push", vars });
        assertDeployed();
    });

    it("run on GitLab CI", async () => {
        const variables = {
            PULUMI_BACKEND_URL: "file:///nowhere",
            DECANTER: "decanter",
            APP: ".",
            CI_JOB_TOKEN: SECRETS.CI_JOB_TOKEN,
            CI_SERVER_HOST: "gitlab.example",
            CI_PROJECT_PATH: "acme/shop",
            AWS_ID_TOKEN: SECRETS.AWS_ID_TOKEN,
        };
        await gitlab.runJobs(world, ["app", "start", "version", "staging", "prod", "release"], variables);
        assertDeployed();
    });

    it("run on CircleCI", async () => {
        const parameters = { decanter: "decanter", app: "." };
        const contexts = { "": { CIRCLE_OIDC_TOKEN_V2: SECRETS.CIRCLE_OIDC_TOKEN_V2 } };
        await circleci.runWorkflow(world, "pull-request", parameters, contexts, ["decanter", "preview"]);
        await circleci.runWorkflow(world, "deploy", parameters, contexts, ["app"]);
        assertDeployed();
    });
});

describe("the stand-ins for the pipelines", () => {
    it("refuse a command and a flag that Pulumi does not have, so that a renamed one is noticed", async () => {
        const world = await World.start();
        const machine = new Machine(world);
        for (const [command, problem] of [
            ["pulumi up --stack staging --confirm", /unknown flag: --confirm/],
            ["pulumi deploy", /unknown command "deploy" for "pulumi"/],
            ["./bin/deploy staging", /No such file or directory/],
        ] as const)
            await assert.rejects(machine.run(command, {}), problem);
        await world.stop();
    });
});
