import { strict as assert } from "node:assert";
import { configJson, FakeCheckout, pulumiOf } from "../support/fakeCheckout";

const checkouts: FakeCheckout[] = [];
afterEach(() => checkouts.splice(0).forEach((checkout) => checkout.remove()));

function newCheckout(
    pulumi: string,
    docker = "exit 0",
    variables: Record<string, string> = {},
): FakeCheckout {
    const checkout = new FakeCheckout(pulumi, docker);
    checkout.variables = variables;
    checkouts.push(checkout);
    return checkout;
}

describe("bin/pulumi", () => {
    const noStack = 'case "$*" in "stack --show-name"*) exit 255 ;; esac';
    const created = "pulumi stack select local --create";
    const lastOf = (calls: string[]) => calls.filter((call) => call.startsWith("pulumi")).at(-1);

    for (const command of [
        "config set app ../my_app",
        "config",
        "preview",
        "pre --diff",
        "up --yes",
        "update",
        "config set --path env.A -- -1",
    ]) {
        it(`makes the stack that bin/up makes, where none is selected: ${command}`, () => {
            const { status, stderr, calls } = newCheckout(noStack).run("pulumi", ...command.split(" "));
            assert.equal(status, 0, stderr);
            assert.ok(calls.includes(created), calls.join("\n"));
            assert.equal(lastOf(calls), `pulumi ${command}`);
            assert.ok(!calls.some((call) => call.includes("docker info")), "it needs no Docker");
        });
    }

    for (const command of [
        "stack ls",
        "stack init prod",
        "stack select prod",
        "login",
        "whoami",
        "--help",
        "",
        "config --help",
        "up -h",
        "config set --stack prod app ../my_app",
        "config set --stack=prod app ../my_app",
        "config set app ../my_app -s prod",
        "config -sprod",
        "up --cwd elsewhere",
        "up -C elsewhere",
        "destroy",
        "stack output",
    ]) {
        it(`selects nothing for what is about a different stack, or about none: ${command}`, () => {
            const { status, stderr, calls } = newCheckout(noStack).run(
                "pulumi",
                ...command.split(" ").filter(Boolean),
            );
            assert.equal(status, 0, stderr);
            assert.ok(!calls.some((call) => call.startsWith("pulumi stack select local")), calls.join("\n"));
            assert.equal(lastOf(calls)?.trimEnd(), `pulumi ${command}`.trimEnd());
        });
    }

    it("leaves the stack that is selected, or named by the environment", () => {
        const selected = newCheckout("exit 0").run("pulumi", "config");
        assert.ok(!selected.calls.includes(created), selected.calls.join("\n"));
        const named = newCheckout(noStack, "exit 0", { PULUMI_STACK: "prod" }).run("pulumi", "config");
        assert.ok(!named.calls.includes(created), named.calls.join("\n"));
    });

    it("ends with what Pulumi says where the stack cannot be made", () => {
        const denied = 'case "$*" in "stack "*) echo "error: no such backend" >&2; exit 255 ;; esac';
        const { status, stderr, calls } = newCheckout(denied).run("pulumi", "config");
        assert.deepEqual([status, stderr], [1, "pulumi: error: no such backend\n"]);
        assert.ok(!calls.includes("pulumi config"));
    });
});

describe("a Docker context", () => {
    const tell =
        'echo "sees ${DOCKER_HOST:-none} ${DOCKER_CONTEXT:-none} ${DOCKER_TLS_VERIFY:-0} ${DOCKER_CERT_PATH:-none}" >> "$CALLS"';
    const pulumi = (host = "") => `case "$*" in
        up*|refresh*|config) ${tell} ;;
        *"config get "*host) echo "${host}" ;;
        "config --stack "*) echo '${configJson({ host })}'; exit ;;
    esac
    ${pulumiOf("docker", {})}`;
    const docker = (context: string) =>
        `case "$*" in "context inspect"*) echo "${context}" ;; info) ${tell} ;; esac`;
    const colima = "colima unix:///c.sock false ";
    const cellar = "cellar tcp://cellar:2376 false /certs/docker";
    const sees = (calls: string[]) => [...new Set(calls.filter((call) => call.startsWith("sees ")))];

    for (const [what, context, variables, host, seen] of [
        [
            "without one nothing is set",
            "default unix:///var/run/docker.sock false ",
            {},
            "",
            "none none 0 none",
        ],
        ["Pulumi gets what it stands for", colima, {}, "", "unix:///c.sock none 0 none"],
        [
            "no tool gets the variable itself",
            colima,
            { DOCKER_CONTEXT: "colima" },
            "",
            "unix:///c.sock none 0 none",
        ],
        ["its certificates come along", cellar, {}, "", "tcp://cellar:2376 none 1 /certs/docker"],
        [
            "nobody verifies what it does not",
            cellar.replace("false", "true"),
            {},
            "",
            "tcp://cellar:2376 none 0 /certs/docker",
        ],
        [
            "DOCKER_HOST wins",
            colima,
            { DOCKER_HOST: "unix:///d.sock", DOCKER_CONTEXT: "x" },
            "",
            "unix:///d.sock none 0 none",
        ],
    ] as const) {
        it(`${what}, in bin/up and bin/pulumi`, () => {
            for (const [command, ...args] of [["up"], ["pulumi", "config"]] as const) {
                const { stderr, calls } = newCheckout(pulumi(host), docker(context), variables).run(
                    command,
                    ...args,
                );
                assert.deepEqual(sees(calls), [`sees ${seen}`], `${command}: ${stderr}\n${calls.join("\n")}`);
            }
        });
    }

    it("counts nothing where the stack names a host, which every command gets", () => {
        const variables = { DOCKER_CONTEXT: "cellar" };
        const up = newCheckout(pulumi("unix:///s.sock"), docker(cellar), variables).run("up");
        assert.deepEqual(sees(up.calls), ["sees unix:///s.sock none 0 none"], up.stderr);
        assert.match(up.stdout, /docker --host unix:\/\/\/s\.sock logs --follow /);
        const other = newCheckout(pulumi("unix:///s.sock"), docker(cellar), variables).run(
            "pulumi",
            "config",
        );
        assert.deepEqual(sees(other.calls), ["sees none none 0 none"], other.stderr);
    });

    it("that is not there ends bin/up with Docker's own words", () => {
        const gone =
            'case "$*" in "context inspect"*) echo "context \\"gone\\" does not exist" >&2; exit 1 ;; esac';
        const { status, stderr, calls } = newCheckout(pulumi(), gone).run("up");
        assert.equal(status, 1);
        assert.equal(
            stderr,
            'up: context "gone" does not exist (docker context ls shows those that are there)\n',
        );
        assert.ok(!calls.some((call) => call.startsWith("pulumi up")));
    });

    it("whose daemon does not answer is named, and no other daemon is started", () => {
        const dead = `case "$*" in "context inspect"*) echo "${colima}" ;; info) exit 1 ;; esac`;
        const { status, stderr } = newCheckout(pulumi(), dead).run("up");
        assert.equal(status, 1);
        assert.equal(
            stderr,
            "up: Docker does not answer at unix:///c.sock: start it there, or choose a different one " +
                "(docker context use, DOCKER_HOST, the setting host)\n",
        );
    });
});
