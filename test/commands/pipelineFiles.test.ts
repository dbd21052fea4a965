import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { defaultImages } from "../../stacks/config/builderImage";
import * as circleci from "../support/pipelines/circleci";
import { type Job, readYaml, type Step } from "../support/pipelines/github";
import * as gitlab from "../support/pipelines/gitlab";

interface Workflow {
    on: Record<string, unknown>;
    permissions: Record<string, string>;
    concurrency?: { "cancel-in-progress": boolean };
    jobs: Record<string, Job>;
}

const read = (file: string) => fs.readFileSync(file, "utf8");
const folder = ".github/workflows";
const workflows = Object.fromEntries(
    fs.readdirSync(folder).map((file) => [file, readYaml(path.join(folder, file)) as Workflow]),
);
const jobs = Object.entries(workflows).flatMap(([file, workflow]) =>
    Object.entries(workflow.jobs).map(([name, job]) => ({ where: `${file} ${name}`, file, name, job })),
);
const action = readYaml(".github/actions/set-up/action.yml") as { runs: { steps: Step[] } };

/** What each system's files say, as text. */
const SYSTEMS: Record<string, string> = {
    GitHub: [
        ...Object.keys(workflows).map((file) => read(path.join(folder, file))),
        read(".github/actions/set-up/action.yml"),
    ].join("\n"),
    GitLab: read(".gitlab-ci.yml"),
    CircleCI: read(".circleci/config.yml"),
};

describe("the workflows of GitHub Actions", () => {
    it("pin every action by its commit, and say which version that is", () => {
        const used = SYSTEMS.GitHub?.match(/uses: .*/g) ?? [];
        assert.ok(used.length > 20);
        const remote = used.filter((line) => !/^uses: \.\/\.github\//.test(line));
        for (const line of remote) assert.match(line, /^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
        const pins = new Map<string, Set<string>>();
        for (const line of remote) {
            const [, name = "", pin = ""] = /uses: (\S+?)@(.*)/.exec(line) ?? [];
            pins.set(name, (pins.get(name) ?? new Set()).add(pin));
        }
        for (const [name, versions] of pins) assert.equal(versions.size, 1, name);
    });

    it("may read the code and nothing else, but for what these jobs have to write", () => {
        for (const [file, { permissions }] of Object.entries(workflows))
            assert.deepEqual(permissions, { contents: "read" }, file);
        const more = jobs.filter(({ job }) => job.permissions !== undefined);
        assert.deepEqual(Object.fromEntries(more.map(({ where, job }) => [where, job.permissions])), {
            "deploy.yml version": { contents: "write" },
            "deploy.yml staging": { contents: "read", "id-token": "write" },
            "deploy.yml prod": { contents: "read", "id-token": "write" },
            "deploy.yml release": { contents: "write" },
            "drift.yml drift": { contents: "read", "id-token": "write", issues: "write" },
            "pull-request.yml preview": { contents: "read", "id-token": "write", "pull-requests": "write" },
            "review.yml down": { contents: "read", "id-token": "write" },
            "review.yml up": { contents: "read", "id-token": "write" },
        });
    });

    it("give credentials to no code of a fork", () => {
        for (const [file, { on }] of Object.entries(workflows)) {
            // It would run with the secrets of the repository that the fork comes from.
            for (const event of ["pull_request_target", "workflow_run", "issue_comment"])
                assert.ok(!(event in on), `${file} runs on ${event}`);
        }
        const own = "github.event.pull_request.head.repo.full_name == github.repository";
        const trusted = jobs.filter(
            ({ file, job }) =>
                "pull_request" in (workflows[file]?.on ?? {}) && job.permissions?.["id-token"] === "write",
        );
        assert.equal(trusted.length, 3);
        for (const { where, job } of trusted) assert.ok(job.if?.includes(own), where);
    });

    it("keep the checkout's own credentials only where a tag is pushed", () => {
        const kept = jobs.filter(({ job }) =>
            job.steps?.some(
                ({ uses, with: inputs }) =>
                    uses?.startsWith("actions/checkout@") && inputs?.["persist-credentials"] !== false,
            ),
        );
        assert.deepEqual(
            kept.map(({ where }) => where),
            ["deploy.yml version"],
        );
    });

    it("let no value of an event into a script", () => {
        const scripts = [...jobs.flatMap(({ job }) => job.steps ?? []), ...action.runs.steps].flatMap(
            ({ run }) => run ?? [],
        );
        assert.ok(scripts.length > 15);
        for (const script of scripts) assert.ok(!script.includes("${{"), script);
    });

    it("end every job in time, and cancel none that deploys", () => {
        for (const { where, job } of jobs.filter(({ job: { uses } }) => uses === undefined)) {
            assert.ok((job["timeout-minutes"] ?? 0) > 0, `${where} has no limit`);
            if (job.concurrency) assert.equal(job.concurrency["cancel-in-progress"], false, where);
        }
        const groups = jobs.map(({ where, job }) => [where, job.concurrency?.group] as const);
        assert.deepEqual(Object.fromEntries(groups.filter(([, group]) => group !== undefined)), {
            "deploy.yml version": "version",
            "deploy.yml staging": "stack-staging",
            "deploy.yml prod": "stack-prod",
        });
        assert.equal(workflows["review.yml"]?.concurrency?.["cancel-in-progress"], false);
        // It deploys nothing.
        assert.equal(workflows["pull-request.yml"]?.concurrency?.["cancel-in-progress"], true);
    });

    it("deploy to prod in an environment, which somebody approves", () => {
        const deploys = workflows["deploy.yml"]?.jobs ?? {};
        assert.deepEqual([deploys.staging?.environment, deploys.prod?.environment], ["staging", "prod"]);
    });
});

describe("the pipelines", () => {
    it("name the secrets that docs/ci.md lists, and no others", () => {
        const table = /<!-- secrets -->([^]*)<!-- \/secrets -->/.exec(read("docs/ci.md"))?.[1] ?? "";
        const rows = [...table.matchAll(/^\| `(\w+)` +\| ([\w, ]+?) +\|/gm)].map(
            ([, name = "", where = ""]) => ({
                name,
                systems: where === "all" ? Object.keys(SYSTEMS) : where.split(", "),
            }),
        );
        assert.ok(rows.length > 0);
        const listed = (system: string) =>
            rows.filter(({ systems }) => systems.includes(system)).map(({ name }) => name);
        const github = new Set(
            [...(SYSTEMS.GitHub ?? "").matchAll(/\$\{\{ secrets\.(\w+)/g)].map(([, name]) => name),
        );
        // The other token is GitHub's own.
        assert.deepEqual([...github, "GITHUB_TOKEN"].sort(), listed("GitHub").sort());
        assert.ok(SYSTEMS.GitHub?.includes("github.token"));
        // The others have them as variables: what looks like one is one.
        for (const system of ["GitLab", "CircleCI"]) {
            const found = new Set(
                SYSTEMS[system]?.match(/\b[A-Z][A-Z0-9_]*(TOKEN|KEY|PASSPHRASE|PASSWORD|SECRET)(_V2)?\b/g),
            );
            const own = ["CI_JOB_TOKEN", "AWS_ID_TOKEN", "CIRCLE_OIDC_TOKEN_V2", "POSTGRES_PASSWORD"];
            // Pulumi and the commands take these from the environment by themselves.
            const silent = [
                "PULUMI_CONFIG_PASSPHRASE",
                "PULUMI_ACCESS_TOKEN",
                "GITLAB_TOKEN",
                "GITHUB_TOKEN",
            ];
            const named = [...found].filter((name) => !own.includes(name));
            assert.deepEqual(
                named.filter((name) => !listed(system).includes(name)),
                [],
                system,
            );
            assert.deepEqual(
                listed(system).filter((name) => !named.includes(name) && !silent.includes(name)),
                [],
                system,
            );
        }
    });

    it("pass each secret on in one place: to the environment of a job that opens a stack, or to a file", () => {
        for (const { where, job } of jobs) {
            const opens = job.permissions?.["id-token"] === "write";
            const text = JSON.stringify(job);
            if (!opens) assert.ok(!text.includes("${{ secrets."), where);
        }
        const scripts = Object.values(SYSTEMS).join("\n");
        const printed = scripts
            .split("\n")
            .filter((line) => /\b(echo|printf|cat)\b.*\$\{?(SSH_KEY|\w*TOKEN\w*|\w*PASSPHRASE)/.test(line));
        for (const line of printed) assert.match(line, /'%s(\\n)?' "\$\w+" > ~?\/\S+/, line);
        assert.ok(printed.length >= 5);
    });

    it("take the same Elixir as Decanter", () => {
        const builder = defaultImages.builderImage;
        const [, elixir, otp] = /elixir:([\d.]+)-erlang-([\d.]+)-/.exec(builder) ?? [];
        assert.ok(SYSTEMS.GitLab?.includes(`image: ${builder}\n`));
        assert.ok(SYSTEMS.CircleCI?.includes(`image: ${builder}\n`));
        assert.ok(SYSTEMS.GitHub?.includes(`otp-version: "${otp}"\n          elixir-version: "${elixir}"\n`));
    });

    it("do not run two deploys of a stack at once, and are not interrupted in one", () => {
        const all = gitlab.readJobs() as Record<string, { resource_group?: string; interruptible?: boolean }>;
        for (const name of ["version", "staging", "prod", "review", "review-stop"]) {
            assert.equal(all[name]?.interruptible, false, name);
            assert.ok(all[name]?.resource_group, name);
        }
        assert.equal(all.review?.resource_group, all["review-stop"]?.resource_group);
        const serial = Object.values(circleci.readConfig().workflows)
            .flatMap(({ jobs: entries }) => entries)
            .flatMap((entry) => (typeof entry === "string" ? [] : Object.entries(entry)))
            .filter(([name]) => ["version", "staging", "prod", "review"].includes(name));
        assert.equal(serial.length, 5);
        for (const [name, given] of serial)
            assert.match(String(given["serial-group"]), /^<< pipeline\.project\.slug >>\//, name);
    });

    it("have no fault that shellcheck finds in any script", function () {
        if (spawnSync("shellcheck", ["--version"]).error !== undefined) {
            process.stderr.write("  skipped: shellcheck is not installed\n");
            this.skip();
        }
        this.timeout(120_000);
        const config = circleci.readConfig();
        const scripts: Record<string, string> = {
            ...Object.fromEntries(
                [
                    ...jobs.flatMap(({ where, job }) =>
                        (job.steps ?? []).map((step) => [where, step] as const),
                    ),
                    ...action.runs.steps.map((step) => ["set-up", step] as const),
                ]
                    .filter(([, { run }]) => run !== undefined)
                    .map(([where, { run }], index) => [`${where} ${index}`, run ?? ""]),
            ),
            ...Object.fromEntries(
                Object.entries(gitlab.readJobs()).map(([name, job]) => [
                    `.gitlab-ci.yml ${name}`,
                    [...gitlab.linesOf(job.before_script), ...gitlab.linesOf(job.script)].join("\n"),
                ]),
            ),
            ...Object.fromEntries(
                Object.keys(config.jobs)
                    .flatMap((name) => circleci.stepsOf(config, name).map((step) => [name, step] as const))
                    .filter(([, step]) => typeof step === "object" && "run" in step)
                    .map(([name, step], index) => [
                        `config.yml ${name} ${index}`,
                        ((step as { run: { command: string } }).run.command ?? "").replace(
                            /<< [\w.-]+ >>/g,
                            "value",
                        ),
                    ]),
            ),
        };
        assert.ok(Object.keys(scripts).length > 40);
        const files = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-scripts-"));
        for (const [where, script] of Object.entries(scripts))
            fs.writeFileSync(path.join(files, where.replaceAll(/[ /]/g, "-")), `#!/bin/bash -e\n${script}\n`);
        // A value may be a word or several; files that a job before has left are not followed.
        const { stdout } = spawnSync("shellcheck", ["--exclude=SC1090,SC1091", ...fs.readdirSync(files)], {
            cwd: files,
            encoding: "utf8",
        });
        fs.rmSync(files, { recursive: true });
        assert.equal(stdout, "");
    });
});

describe("the roles of the pipelines on AWS", () => {
    const document = (name: string) =>
        JSON.parse(read(`docs/deploy-role/${name}.json`)) as {
            Statement: {
                Action: string | string[];
                Resource?: string | string[];
                Condition: Record<string, Record<string, string | string[]>>;
            }[];
        };
    const subjects = (name: string) => {
        const conditions = document(name).Statement[0]?.Condition ?? {};
        return Object.entries(conditions).flatMap(([operator, values]) =>
            Object.entries(values)
                .filter(([key]) => key.endsWith(":sub"))
                .flatMap(([, value]) => [value].flat().map((one) => `${operator} ${one}`)),
        );
    };

    it("trust the deploying jobs of one repository, in both forms of the subject", () => {
        const environments = jobs
            .filter(({ job }) => job.permissions?.["id-token"] === "write" && job.environment !== undefined)
            .map(({ job }) =>
                typeof job.environment === "string" ? job.environment : job.environment?.name,
            );
        const forms = ["repo:acme/shop", "repo:acme@1234567/shop@89012345"];
        assert.deepEqual(
            subjects("trust-github-deploy").sort(),
            forms
                .flatMap((repo) =>
                    [...new Set(environments)].map((name) => `StringEquals ${repo}:environment:${name}`),
                )
                .sort(),
        );
        assert.deepEqual(
            subjects("trust-github-preview").sort(),
            forms
                .flatMap((repo) => [`${repo}:pull_request`, `${repo}:ref:refs/heads/main`])
                .map((one) => `StringEquals ${one}`)
                .sort(),
        );
        assert.deepEqual(subjects("trust-gitlab-deploy"), [
            "StringEquals project_path:acme/shop:ref_type:branch:ref:main",
        ]);
        for (const name of fs.readdirSync("docs/deploy-role").filter((file) => file.startsWith("trust-"))) {
            const [statement] = document(name.replace(".json", "")).Statement;
            assert.equal(statement?.Action, "sts:AssumeRoleWithWebIdentity");
            const audiences = Object.keys(statement?.Condition.StringEquals ?? {}).filter((key) =>
                key.endsWith(":aud"),
            );
            assert.equal(audiences.length, 1, name);
        }
    });

    it("let a preview read what the deploys of both targets read, and write nothing", () => {
        const reads = (one: string) => /^[\w-]+:(Get|List|Describe|BatchGet|BatchCheck)/.test(one);
        const preview = document("preview").Statement;
        const allowed = preview.flatMap(({ Action }) => Action);
        const [files, secrets, others] = [["s3:GetObject", "s3:ListBucket"], ["kms:Decrypt"], allowed];
        assert.deepEqual(
            others.filter((one) => !reads(one) && ![...files, ...secrets].includes(one)),
            [],
        );
        for (const target of ["fargate", "floating-ip"]) {
            const needed = document(target)
                .Statement.flatMap(({ Action }) => Action)
                .filter(reads);
            assert.deepEqual(
                needed.filter(
                    (one) =>
                        !allowed.some((pattern) => new RegExp(`^${pattern.replace("*", ".*")}$`).test(one)),
                ),
                [],
                target,
            );
        }
        for (const { Action, Resource } of preview.filter(({ Resource: on }) => on === "*"))
            assert.ok([Action].flat().every(reads), String(Resource));
    });
});
