import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { configJson, FakeCheckout, pulumiOf } from "../support/fakeCheckout";

describe("bin/up", () => {
    it("refuses a stack that is not there in one line, and makes and installs nothing", () => {
        const home = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-home-"));
        const before = fs.readdirSync(".");
        // Neither node nor docker nor pulumi: none of them is needed to see that.
        const env = { PATH: "/usr/bin:/bin", HOME: home };
        const { status, stdout, stderr } = spawnSync("./bin/up", ["nonsense", "--yes"], {
            env,
            encoding: "utf8",
        });
        assert.equal(
            stderr,
            "up: there is no stack nonsense: Pulumi.nonsense.yaml is missing (pulumi stack init nonsense makes one)\n",
        );
        assert.deepEqual([status, stdout], [1, ""]);
        assert.deepEqual([fs.readdirSync("."), fs.readdirSync(home)], [before, []]);
        fs.rmSync(home, { recursive: true });
    });

    it("says what to install where it may not", () => {
        // A checkout without tools of its own.
        const checkout = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-checkout-"));
        fs.cpSync("bin", path.join(checkout, "bin"), { recursive: true });
        const tools = path.join(checkout, "tools");
        fs.mkdirSync(tools);
        // Not root, and nothing but what the scripts themselves need.
        fs.writeFileSync(path.join(tools, "id"), "#!/bin/sh\necho 1000\n", { mode: 0o755 });
        for (const tool of ["bash", "basename", "dirname"]) {
            fs.symlinkSync(`/usr/bin/${tool}`, path.join(tools, tool));
        }
        const env = { PATH: tools, HOME: tools };
        const { status, stderr } = spawnSync("/bin/bash", [path.join(checkout, "bin/up")], {
            env,
            encoding: "utf8",
        });
        assert.equal(
            stderr,
            "up: Node.js 22.12 or newer, with npm, is missing: install it, and run this again\n",
        );
        assert.equal(status, 1);
        fs.rmSync(checkout, { recursive: true });
    });
});

describe("a failed bin/up", () => {
    const urn =
        "urn:pulumi:local::decanter::decanter:index:Router$docker:index/container:Container::web-router";
    const state = (...resources: object[]) => JSON.stringify({ deployment: { resources } });
    const router = { urn, id: "r1" };
    /** A checkout whose deploys end with code 3. */
    function failing(exported: string, docker: string, target = "docker", outputs: object = {}) {
        const pulumi = `case "$1 $2" in
            "up "*) echo 'error: update failed' >&2; exit 3 ;;
            "stack export") ${exported} ;;
        esac
        ${pulumiOf(target, outputs)}`;
        return new FakeCheckout(pulumi, docker);
    }
    /** A docker whose daemon has the base images, and knows no container. */
    const BARE = "case $1 in info | image) ;; *) exit 1 ;; esac";
    const served = { url: "http://127.0.0.1:8080", version: "1.0.0" };
    const live = `case "$*" in
        "exec r1 bash -c "*) echo web-1-old; echo web-2-old ;;
        *version*) echo 1.0.0; echo 1.0.0 ;;
        *Health*) echo healthy; echo healthy ;;
        "port r1 8080") echo 127.0.0.1:$PORT ;;
    esac`;
    const endings: [name: string, given: Parameters<typeof failing>, last: string][] = [
        [
            "the live release and its URL",
            [`echo '${state(router)}'`, live.replace("$PORT", "8080"), "docker", served],
            "release 1.0.0 serves on at http://127.0.0.1:8080 (healthy)",
        ],
        [
            "the port that the router has, whatever the outputs say",
            [
                `echo '${state({ ...router, id: "r0", delete: true }, router)}'`,
                live.replace("$PORT", "9090"),
                "docker",
                served,
            ],
            "release 1.0.0 serves on at http://127.0.0.1:9090 (healthy)",
        ],
        [
            "that nothing serves yet where there is no router",
            [`echo '${state()}'`, BARE],
            "nothing serves yet: no release of the stack local has the traffic",
        ],
        [
            "that nothing serves yet where the router has no release",
            [`echo '${state(router)}'`, "exit 0"],
            "nothing serves yet: no release of the stack local has the traffic",
        ],
        [
            "that nothing serves now where a release once did",
            [`echo '${state(router)}'`, "exit 0", "docker", served],
            "nothing serves now: no release of the stack local has the traffic",
        ],
        [
            "that it does not know where the router does not answer",
            [`echo '${state(router)}'`, 'case "$*" in "exec r1 bash -c "*) exit 1 ;; esac', "docker", served],
            "what serves now is not known, as the router does not answer: docker logs r1",
        ],
        [
            "that it does not know where the state cannot be read",
            ["exit 255", "exit 0"],
            "what serves now is not known, as the state of the stack local cannot be read: pulumi stack export --stack local says why",
        ],
        [
            "on AWS what the last good deploy has left",
            [`echo '${state()}'`, BARE, "fargate", served],
            "release 1.0.0 serves on at http://127.0.0.1:8080, as far as the last deploy that succeeded knows",
        ],
        [
            "on AWS that no deploy has succeeded",
            [`echo '${state()}'`, BARE, "floating-ip"],
            "nothing serves yet: no deploy of the stack local has succeeded",
        ],
    ];
    for (const [name, given, last] of endings) {
        it(`ends with Pulumi's code, and says last ${name}`, () => {
            const checkout = failing(...given);
            const { status, stderr } = checkout.run("up");
            checkout.remove();
            assert.equal(stderr.trimEnd().split("\n").at(-1), last);
            assert.equal(status, 3);
        });
    }

    const left = `case "$*" in
        "inspect --format {{.HostConfig.NetworkMode}} r1") echo net ;;
        "inspect --format {{.HostConfig.NetworkMode}} 3") echo container:r1 ;;
        "inspect --format {{.HostConfig.NetworkMode}} "*) echo net ;;
        "ps --filter label=decanter.router=net "*) printf '1 web-1-old\\n2 web-1-new\\n3 web-swap-new\\n4 web-migration-new\\n' ;;
        "exec r1 bash -c "*) LIVE ;;
    esac`;

    it("stops what runs without traffic, after the swap that is at work", () => {
        const checkout = failing(`echo '${state(router)}'`, left.replace("LIVE", "echo web-1-old"));
        const { stderr, calls } = checkout.run("up");
        checkout.remove();
        assert.match(
            stderr,
            /stopping what a deploy has left running without traffic: web-1-new web-migration-new\n/,
        );
        const docker = calls.filter((call) => /^docker (exec|update|stop)/.test(call)).slice(0, 4);
        assert.deepEqual(docker, [
            "docker exec 3 sh -c until test -e /tmp/swapped; do sleep 0.2; done",
            // The first line of a program of many.
            "docker exec r1 bash -c #!/bin/bash",
            "docker update --restart no web-1-new web-migration-new",
            "docker stop web-1-new web-migration-new",
        ]);
    });

    it("stops nothing where the router does not say what is live", () => {
        const checkout = failing(`echo '${state(router)}'`, left.replace("LIVE", "echo web-1-old; exit 1"));
        const { stderr, calls } = checkout.run("up");
        checkout.remove();
        assert.match(stderr, /all of these run on: web-1-old web-1-new web-migration-new\n/);
        assert.ok(!calls.some((call) => /^docker (update|stop)/.test(call)), calls.join("\n"));
    });

    it("stops nothing where somebody else may deploy the stack", () => {
        const checkout = failing(`echo '${state(router)}'`, left.replace("LIVE", "echo web-1-old"));
        const env: Record<string, string> = { ...checkout.env, PULUMI_BACKEND_URL: "s3://states" };
        spawnSync(checkout.command("up"), [], { env });
        const calls = fs.readFileSync(env.CALLS ?? "", "utf8");
        checkout.remove();
        assert.match(calls, /pulumi up/);
        assert.doesNotMatch(calls, /docker (update|stop)/);
    });

    it("leaves no build secret, but for those of other stacks", () => {
        const checkout = failing("exit 1", "exit 0");
        const secret = (folder: string) => path.join(checkout.folder, ".decanter/build", folder, "secret");
        for (const folder of ["local-web", "local-eu-web"]) {
            fs.mkdirSync(path.dirname(secret(folder)), { recursive: true });
            fs.writeFileSync(secret(folder), "export KEY='hunter2'\n");
        }
        checkout.run("up");
        const there = ["local-web", "local-eu-web"].map((folder) => fs.existsSync(secret(folder)));
        checkout.remove();
        assert.deepEqual(there, [false, true]);
    });
});

describe("the lock of a stack", () => {
    let checkout: FakeCheckout;
    beforeEach(() => (checkout = new FakeCheckout("exit 0")));
    afterEach(() => checkout.remove());

    it("is lifted where its process is gone, and what was under way is tidied up", () => {
        const { pid } = spawnSync("true");
        checkout.lock({ pid, hostname: os.hostname() });
        const { stderr, calls } = checkout.run("up");
        assert.match(
            stderr,
            new RegExp(
                `lifting the lock of process ${pid} of ada, since 2026-11-21T10:00:00.5Z: that process is gone\n`,
            ),
        );
        const under = calls.filter((call) => /pulumi (cancel|refresh|up)/.test(call));
        assert.deepEqual(under, [
            "pulumi cancel --stack local --yes",
            "pulumi refresh --stack local --yes --skip-preview --clear-pending-creates",
            "pulumi up --stack local --yes --skip-preview",
        ]);
    });

    it("stays where its process lives, and its owner is named", () => {
        checkout.lock({ pid: process.pid, hostname: os.hostname() });
        const { status, stderr, calls } = checkout.run("up");
        assert.equal(status, 1);
        assert.equal(
            stderr,
            `up: the stack local is being deployed by process ${process.pid} of ada, since 2026-11-21T10:00:00.5Z: wait for it\n`,
        );
        assert.ok(!calls.some((call) => /cancel|pulumi up/.test(call)), calls.join("\n"));
    });

    it("stays where it is another machine's, whatever runs here", () => {
        const { pid } = spawnSync("true");
        checkout.lock({ pid, hostname: "cellar" });
        const { status, stderr, calls } = checkout.run("up");
        assert.equal(status, 1);
        assert.match(
            stderr,
            /the stack local is locked from another machine, by process \d+ of ada, since 2026-/,
        );
        assert.ok(!calls.some((call) => /cancel|pulumi up/.test(call)), calls.join("\n"));
    });
});

describe("bin/check-app", () => {
    const checkout = new FakeCheckout("", "exit 0", { mix: 'pwd >> "$CALLS"' });
    after(() => checkout.remove());

    it("checks the app of a folder, named from where it is called", () => {
        const app = path.join(checkout.folder, "examples/hello");
        fs.mkdirSync(app, { recursive: true });
        fs.writeFileSync(path.join(app, "mix.exs"), "");
        for (const [from, name] of [
            [app, "."],
            [checkout.folder, "examples/hello"],
            [os.tmpdir(), app],
        ] as const) {
            fs.writeFileSync(path.join(checkout.folder, "calls"), "");
            const options = { cwd: from, encoding: "utf8", env: checkout.env } as const;
            const { status, stderr } = spawnSync(checkout.command("check-app"), [name], options);
            assert.equal(status, 0, stderr);
            const calls = fs.readFileSync(path.join(checkout.folder, "calls"), "utf8").trimEnd().split("\n");
            const steps = ["format --check-formatted", "compile --warnings-as-errors", "test"];
            assert.deepEqual(
                calls,
                steps.flatMap((step) => [`mix ${step}`, fs.realpathSync(app)]),
            );
        }
    });

    it("says what it was given where that is no app", () => {
        const { status, stderr } = checkout.run("check-app", "nowhere");
        assert.equal(status, 1);
        assert.equal(stderr, "check-app: APP must be a folder with a mix.exs, and is nowhere\n");
    });
});

describe("bin/rollback", () => {
    const image = (digit: number) => `registry/hello@sha256:${`${digit}`.repeat(64)}`;
    const releases = ["1.0.2", "1.0.1", "1.0.0", "1.0.1"].map((version, index) => ({
        version,
        image: image(index),
    }));
    const pulumi = (given: object) =>
        `case "$*" in "stack output --stack local --json") echo '${JSON.stringify(given)}' ;; esac`;
    /** The image of 1.0.0 is nowhere. */
    const docker = `case "$*" in *"${image(2)}") exit 1 ;; esac`;
    let checkout: FakeCheckout;
    beforeEach(() => (checkout = new FakeCheckout(pulumi({ releases }), docker)));
    afterEach(() => checkout.remove());

    const list = [
        "  1.0.2        000000000000  runs now",
        "  1.0.1        111111111111  ",
        "  1.0.0        222222222222  its image is gone",
        "  1.0.1        333333333333  ",
    ].join("\n");

    for (const [args, index] of [
        [[], 1],
        [["local"], 1],
        [["1.0.1"], 1],
        [["v1.0.1"], 1],
        [["local", "3333333"], 3],
        [["sha256:33333333"], 3],
    ] as const) {
        it(`runs ${args.join(" ") || "what ran before"} by its digest, with settings of its own`, () => {
            // Pulumi has a flag --logtostderr, too.
            const { status, stderr, calls } = checkout.run("rollback", ...args, "--logtostderr", "--diff");
            assert.equal(status, 0, stderr);
            assert.match(stderr, new RegExp(`going back to release 1\\.0\\.1 \\(${image(index)}\\)`));
            const settings = `${checkout.folder}/.decanter/rollback.local.yaml`;
            assert.ok(
                calls.includes(
                    `pulumi config set --stack local --config-file ${settings} image ${image(index)}`,
                ),
            );
            assert.ok(
                calls.includes(`pulumi config set --stack local --config-file ${settings} version 1.0.1`),
            );
            const flags = `--yes --skip-preview --config-file ${settings} --logtostderr --diff`;
            assert.ok(calls.includes(`pulumi up --stack local ${flags}`), calls.join("\n"));
        });
    }

    it("lists what there is to go back to", () => {
        const { status, stdout, calls } = checkout.run("rollback", "--list");
        assert.equal(status, 0);
        assert.equal(stdout, `releases of the stack local, the newest first (version, digest):\n${list}\n`);
        assert.ok(!calls.some((call) => call.includes("pulumi up")));
    });

    for (const [wanted, problem] of [
        [
            "1.0.0",
            `the release 1.0.0 cannot be gone back to, its image ${image(2)} is neither on the Docker host nor in its registry`,
        ],
        ["2.0.0", "there is no release 2.0.0 to go back to in the stack local"],
        // What runs is nothing to go back to.
        ["1.0.2", "there is no release 1.0.2 to go back to in the stack local"],
        // Too short to be meant as a digest.
        ["1", "there is no release 1 to go back to in the stack local"],
    ]) {
        it(`refuses ${wanted}, and lists the others`, () => {
            const { status, stderr, calls } = checkout.run("rollback", wanted ?? "");
            assert.equal(stderr, `rollback: ${problem}. There are:\n${list}\n`);
            assert.equal(status, 1);
            assert.ok(!calls.some((call) => call.includes("pulumi up")));
        });
    }

    it("goes back to a different app by its image and its name, and migrates nothing", () => {
        const shop = { version: "3.0.0", image: `registry/shop@sha256:${"5".repeat(64)}`, release: "shop" };
        // Those without a name are of the release that the console names.
        const all = { releases: [releases[0], shop, releases[1]], console: "bin/hello remote" };
        for (const wanted of [[], ["shop"], ["3.0.0"], ["5555555"]]) {
            const other = new FakeCheckout(pulumi(all), docker);
            const { status, stderr, calls } = other.run("rollback", ...wanted);
            assert.equal(status, 0, stderr);
            assert.match(
                stderr,
                /going back to release 3\.0\.0 of shop \(\S+\): settings and secrets stay those of now, and nothing migrates\n/,
            );
            const set = `pulumi config set --stack local --config-file ${other.folder}/.decanter/rollback.local.yaml`;
            assert.deepEqual(
                calls.filter((call) => call.startsWith("pulumi config set")),
                [`image ${shop.image}`, "version 3.0.0", "release shop", "migrate none"].map(
                    (rest) => `${set} ${rest}`,
                ),
            );
            const listed = other.run("rollback", "--list").stdout.split("\n").slice(1);
            assert.deepEqual(listed, [
                "  1.0.2        000000000000  runs now",
                "  3.0.0        555555555555  of shop",
                "  1.0.1        111111111111  ",
                "",
            ]);
            other.remove();
        }
    });

    it("says so where nothing has been deployed, or nothing before", () => {
        for (const [given, problem] of [
            [{}, "nothing has been deployed in the stack local yet"],
            [
                { releases: releases.slice(0, 1) },
                "there is no release before this one to go back to in the stack local",
            ],
        ] as const) {
            const other = new FakeCheckout(pulumi(given), docker);
            const { status, stderr } = other.run("rollback");
            assert.equal(status, 1);
            assert.ok(stderr.startsWith(`rollback: ${problem}`), stderr);
            other.remove();
        }
    });
});

describe("bin/console", () => {
    const checkouts: FakeCheckout[] = [];
    afterEach(() => checkouts.splice(0).forEach((checkout) => checkout.remove()));
    const run = (pulumi: string, tools?: Record<string, string>, docker?: string) => {
        const checkout = new FakeCheckout(pulumi, docker, tools);
        checkouts.push(checkout);
        return checkout.run("console");
    };
    const plugin = { "session-manager-plugin": "exit 0" };

    it("opens one in a container of a Docker host", () => {
        const outputs = { containers: ["hello-1-1a2b3c4", "hello-2-1a2b3c4"], console: "bin/hello remote" };
        const { status, stderr, calls } = run(pulumiOf("docker", outputs));
        assert.equal(status, 0, stderr);
        assert.equal(calls.at(-1), "docker exec --interactive --tty hello-1-1a2b3c4 bin/hello remote");
    });

    it("opens one in a task on Fargate", () => {
        const outputs = {
            containers: ["hello-1/hello-2/hello"],
            console: "/bin/sh -c 'exec bin/hello remote'",
        };
        const aws = 'case "$*" in "ecs list-tasks"*) echo arn:task ;; esac';
        const { status, stderr, calls } = run(pulumiOf("fargate", outputs), { aws, ...plugin });
        assert.equal(status, 0, stderr);
        assert.deepEqual(
            calls.filter((call) => call.startsWith("aws")),
            [
                "aws ecs list-tasks --cluster hello-1 --service-name hello-2 --desired-status RUNNING --query taskArns[0] --output text",
                "aws ecs execute-command --cluster hello-1 --task arn:task --container hello --interactive --command /bin/sh -c 'exec bin/hello remote'",
            ],
        );
        assert.ok(!calls.some((call) => call.startsWith("docker")), "no Docker is needed");
    });

    it("opens one on a host with a floating IP", () => {
        const outputs = { containers: ["i-0123"], console: "sudo docker exec -it release bin/hello remote" };
        const { status, stderr, calls } = run(pulumiOf("floating-ip", outputs), { aws: "exit 0", ...plugin });
        assert.equal(status, 0, stderr);
        assert.equal(
            calls.at(-1),
            'aws ssm start-session --target i-0123 --document-name AWS-StartInteractiveCommand --parameters {"command":["sudo docker exec -it release bin/hello remote"]}',
        );
    });

    for (const [what, pulumi, tools, problem] of [
        [
            "nothing is deployed",
            pulumiOf("docker", {}),
            {},
            "nothing has been deployed in the stack local yet",
        ],
        [
            "AWS's command line is missing",
            pulumiOf("fargate", { containers: ["a/b/c"], console: "x" }),
            {},
            "AWS's command line is missing: install it, and run this again",
        ],
        [
            "its plugin is missing",
            pulumiOf("fargate", { containers: ["a/b/c"], console: "x" }),
            { aws: "exit 0" },
            "AWS's session-manager-plugin is missing: install it, and run this again",
        ],
        [
            "no task runs",
            pulumiOf("fargate", { containers: ["a/b/c"], console: "x" }),
            { aws: "echo None", ...plugin },
            "no task of b runs: aws ecs describe-services --cluster a --services b says why",
        ],
    ] as const) {
        it(`says so where ${what}`, () => {
            const { status, stderr } = run(pulumi, tools);
            assert.deepEqual([status, stderr], [1, `console: ${problem}\n`]);
        });
    }
});

describe("a stack on AWS", () => {
    const account = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    const image = (digit: number) => `${account}/hello-1@sha256:${`${digit}`.repeat(64)}`;
    const releases = ["1.0.1", "1.0.0"].map((version, index) => ({ version, image: image(index) }));
    const [url, logs] = ["https://www.example.com", "/decanter/local/hello"];
    const checkouts: FakeCheckout[] = [];
    afterEach(() => checkouts.splice(0).forEach((checkout) => checkout.remove()));
    const newCheckout = (given: string, aws = "exit 0") => {
        const checkout = new FakeCheckout(pulumiOf("fargate", { releases, url, logs }, given), "exit 0", {
            aws,
        });
        checkouts.push(checkout);
        return checkout;
    };

    it("is deployed without Docker where the image is given, and with it where one is built", () => {
        const given = newCheckout(image(1)).run("up");
        assert.equal(given.status, 0, given.stderr);
        assert.ok(!given.calls.some((call) => call.startsWith("docker")), given.calls.join("\n"));
        assert.match(given.stdout, /answers at https:\/\/www\.example\.com/);
        assert.match(given.stdout, /aws logs tail --follow --region eu-central-1 \/decanter\/local\/hello/);
        assert.match(given.stdout, /\.\/bin\/console\n/);
        const built = newCheckout("").run("up");
        assert.ok(built.calls.includes("docker info"));
    });

    it("goes back to an image that is in ECR", () => {
        const { status, stderr, calls } = newCheckout("").run("rollback");
        assert.equal(status, 0, stderr);
        assert.match(stderr, /going back to release 1\.0\.0/);
        assert.ok(
            calls.includes(
                `aws ecr describe-images --region eu-central-1 --registry-id 123456789012 --repository-name hello-1 --image-ids imageDigest=sha256:${"1".repeat(64)}`,
            ),
            calls.join("\n"),
        );
        const denied = newCheckout("", "echo AccessDeniedException >&2; exit 254").run("rollback");
        assert.equal(denied.status, 0, "the deploy itself will say so");
        const without = new FakeCheckout(pulumiOf("fargate", { releases, url, logs }));
        checkouts.push(without);
        assert.equal(without.run("rollback").status, 0, "without AWS's command line too");
        const gone = newCheckout("", "echo ImageNotFoundException >&2; exit 254").run("rollback");
        assert.equal(gone.status, 1);
        assert.match(gone.stderr, /cannot be gone back to, its image .* is not in ECR/);
    });
});

describe("bin/review", () => {
    const deployed = (more: Record<string, string>) => {
        const settings = "config --stack pr-20042 --json";
        const json = configJson({ target: "docker", domain: "shop.example", ...more });
        const checkout = new FakeCheckout(`case "$*" in "${settings}") echo '${json}' ;; esac`);
        fs.writeFileSync(path.join(checkout.folder, "Pulumi.review.yaml"), "config: {}\n");
        fs.writeFileSync(checkout.command("version"), "#!/bin/sh\necho 1.2.3\n");
        const { calls, stderr } = checkout.run("review", "up", "20042");
        checkout.remove();
        return calls.find((call) => call.startsWith("pulumi up")) ?? calls.join("\n") + stderr;
    };
    const flags = (...settings: string[]) => settings.map((setting) => `--config ${setting}`).join(" ");

    it("gives each pull request on a Docker host ports of its own, for http and https", () => {
        const own = ["domain=pr-20042.shop.example", "version=1.2.3", "publicPort=20042", "httpsPort=40042"];
        assert.equal(deployed({}), `pulumi up --stack pr-20042 --yes ${flags(...own)}`);
    });

    it("gives it a name alone, where that has an edge", () => {
        const own = ["domain=pr-20042.shop.example", "version=1.2.3"];
        assert.equal(deployed({ edge: "edge" }), `pulumi up --stack pr-20042 --yes ${flags(...own)}`);
    });
});

describe("the commands of a stack with the target edge", () => {
    const outputs = { target: "edge", edge: "edge", containers: ["edge-edge-1234567"] };
    const run = (command: string) => {
        const checkout = new FakeCheckout(pulumiOf("edge", outputs), "exit 0");
        const { status, stdout, stderr } = checkout.run(command);
        checkout.remove();
        return { status, said: stdout + stderr };
    };

    it("say how an app gets behind it, and that it has none itself", () => {
        const up = run("up");
        assert.equal(up.status, 0);
        assert.match(up.said, /The edge edge takes the visitors [^]*config set --stack OTHER edge edge/);
        assert.match(up.said, /docker logs --follow edge-edge-1234567/);
        const opened = run("console");
        assert.equal(opened.status, 1);
        assert.match(opened.said, /the stack local is an edge, and has no release/);
    });
});

describe("what bin/up says of https", () => {
    const outputs = {
        url: "https://shop.example",
        containers: ["release-1"],
        certificate: "router-certificate",
    };
    const said = (docker: string) => {
        const checkout = new FakeCheckout(pulumiOf("docker", outputs), docker);
        const { status, stderr } = checkout.run("up");
        checkout.remove();
        assert.equal(status, 0);
        return stderr;
    };
    const check = "exec router-certificate /usr/local/bin/certificates check";

    it("is nothing where the certificate is good", () => {
        assert.doesNotMatch(said("exit 0"), /https:/);
    });

    it("is what its keeper says, at every deploy, where it is not", () => {
        const reason = "no new certificate for shop.example; the next try is in 60 min";
        assert.match(
            said(`case "$*" in "${check}") echo "${reason}"; exit 1 ;; esac`),
            new RegExp(`^https: ${reason}$`, "m"),
        );
    });
});
