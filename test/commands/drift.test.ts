import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as path from "node:path";
import { markerOf, renderDrift, renderGone } from "../../ci/driftIssue";
import { closeIssue, ISSUES, putIssue } from "../../ci/issues";
import { type Place, PostError } from "../../ci/apiClients";
import { FakeApi, type FakeIssue, run, TOKEN } from "../support/fakeApi";
import { FakeCheckout } from "../support/fakeCheckout";

const MARKER = "<!-- decanter drift staging -->";

/** A pulumi that prints $LOG, and ends with $CODE. */
const PULUMI = 'cat "$LOG"; exit "$CODE"';
const DIFF = "    ~ docker:index/volume:Volume: (update)\n      ~ labels: [...]\n";
const ERROR = "error: no changes were expected for refresh but changes were proposed\n";
const SAID =
    "drift: the stack staging has drifted: ./bin/up staging --refresh puts back what it declares, ./bin/pulumi refresh --stack staging takes over what is there, once it is declared so\n";

let checkout: FakeCheckout;

const APIS = {
    github: {
        service: ISSUES.github,
        args: ["--github", "acme/shop"],
        project: "acme/shop",
        api: (url: string) => `${url}/api/v3`,
        env: (url: string) => ({ GITHUB_TOKEN: TOKEN, GITHUB_API_URL: `${url}/api/v3` }),
        created: "POST /api/v3/repos/acme/shop/issues",
        updated: (number: number) => `PATCH /api/v3/repos/acme/shop/issues/${number}`,
        advice: {
            401: "GITHUB_TOKEN is not valid",
            403: "GITHUB_TOKEN needs the permission issues: write",
            404: "there is no repository acme/shop, or GITHUB_TOKEN may not read it",
            410: "acme/shop has no issues: switch them on in its settings",
        },
    },
    gitlab: {
        service: ISSUES.gitlab,
        args: ["--gitlab", "acme/wines/shop"],
        project: "acme/wines/shop",
        api: (url: string) => `${url}/gitlab/api/v4`,
        env: (url: string) => ({ GITLAB_TOKEN: TOKEN, CI_API_V4_URL: `${url}/gitlab/api/v4` }),
        created: "POST /gitlab/api/v4/projects/acme%2Fwines%2Fshop/issues",
        updated: (number: number) => `PUT /gitlab/api/v4/projects/acme%2Fwines%2Fshop/issues/${number}`,
        advice: {
            401: "GITLAB_TOKEN needs the scope api",
            403: "GITLAB_TOKEN needs the scope api and the role Reporter in acme/wines/shop, which must have its issues switched on",
            404: "there is no project acme/wines/shop, or GITLAB_TOKEN may not read it",
            410: "what it says is all there is to know",
        },
    },
};

type Api = (typeof APIS)["github" | "gitlab"];

for (const [name, api] of Object.entries(APIS)) {
    describe(`the issue of a stack that has drifted, on ${api.service.name}`, () => {
        let fake: FakeApi;
        beforeEach(async () => {
            fake = new FakeApi();
            await fake.start();
        });
        afterEach(() => fake.stop());
        describe("written", () => itWrites(() => fake, api));
        describe("closed", () => itCloses(() => fake, api));
        describe("refused", () => itExplains(() => fake, api));
        describe(`by ./bin/drift --${name}`, function () {
            this.timeout(60_000);
            itRuns(() => fake, api);
        });
    });
}

const placeOf = ({ project, api }: Api, url: string): Place => ({ api: api(url), token: TOKEN, project });

const issueOf = (number: number, text: string | null, changed: Partial<FakeIssue> = {}): FakeIssue => ({
    number,
    title: "staging has drifted",
    text,
    labels: ["bug", "drift"],
    open: true,
    ...changed,
});

/** Issues that are not the one of the stack, though each looks like it. */
const others = (first = 1): FakeIssue[] =>
    [
        issueOf(0, `${MARKER}\nof before`, { open: false }),
        issueOf(0, `${MARKER}\nof somebody`, { labels: ["bug"] }),
        issueOf(0, `${MARKER.replace("staging", "staging-2")}\nanother stack`),
        issueOf(0, `hello\n${MARKER}\nquoted`),
        issueOf(0, null),
    ].map((issue, index) => ({ ...issue, number: first + index }));

function itWrites(fake: () => FakeApi, api: Api): void {
    const put = (text: string) =>
        putIssue(api.service, placeOf(api, fake().url), "staging has drifted", `${MARKER}\n${text}\n`);

    it("is created where there is none, beside those of others and one that was closed", async () => {
        fake().issues = others();
        assert.equal(await put("one"), "created");
        assert.deepEqual(fake().changes(), [api.created]);
        assert.deepEqual(fake().issues, [...others(), issueOf(6, `${MARKER}\none\n`, { labels: ["drift"] })]);
    });

    it("is updated in place, and no other", async () => {
        fake().issues = [...others(), issueOf(6, `${MARKER}\none`), ...others(7)];
        assert.equal(await put("two"), "updated");
        assert.deepEqual(fake().changes(), [api.updated(6)]);
        assert.deepEqual(fake().issues, [...others(), issueOf(6, `${MARKER}\ntwo\n`), ...others(7)]);
    });

    it("is found on a later page", async () => {
        fake().issues = [...Array(350).keys()].map((index) =>
            issueOf(index + 1, index === 250 ? `${MARKER}\none` : "hello"),
        );
        assert.equal(await put("two"), "updated");
        assert.deepEqual(fake().changes(), [api.updated(251)]);
        assert.equal(fake().calls.filter(({ method }) => method === "GET").length, 4);
    });

    for (const [what, text] of [
        ["is the same", `${MARKER}\none\n`],
        ["has lost the line feed at its end", `${MARKER}\none`],
        ["has come back with other line ends", `${MARKER}\r\none\r\n`],
    ] as const) {
        it(`stays where it ${what}`, async () => {
            fake().issues = [...others(), issueOf(6, text)];
            assert.equal(await put("one"), "unchanged");
            assert.deepEqual(fake().changes(), []);
        });
    }

    it("is one: the first where two jobs have created it at once", async () => {
        fake().issues = [issueOf(1, `${MARKER}\none`), issueOf(2, `${MARKER}\none`)];
        await put("two");
        assert.deepEqual(fake().changes(), [api.updated(1)]);
    });

    if (api.service.name === "GitHub")
        it("is no pull request with the label", async () => {
            fake().issues = [issueOf(1, `${MARKER}\none`, { isPullRequest: true })];
            assert.equal(await put("one"), "created");
            assert.deepEqual(fake().changes(), [api.created]);
        });
}

function itCloses(fake: () => FakeApi, api: Api): void {
    const close = () =>
        closeIssue(api.service, placeOf(api, fake().url), MARKER, (text) => `${text.trimEnd()}\ngone\n`);

    it("is closed, and no other", async () => {
        fake().issues = [...others(), issueOf(6, `${MARKER}\r\none\r\n`), ...others(7)];
        assert.equal(await close(), true);
        assert.deepEqual(fake().changes(), [api.updated(6)]);
        assert.deepEqual(fake().issues, [
            ...others(),
            issueOf(6, `${MARKER}\none\ngone\n`, { open: false }),
            ...others(7),
        ]);
    });

    it("leaves everything alone where there is none", async () => {
        fake().issues = others();
        assert.equal(await close(), false);
        assert.deepEqual(fake().changes(), []);
    });
}

function itExplains(fake: () => FakeApi, api: Api): void {
    const put = () => putIssue(api.service, placeOf(api, fake().url), "title", `${MARKER}\none\n`);
    const close = () => closeIssue(api.service, placeOf(api, fake().url), MARKER, (text) => text);
    const failure = async (write: () => Promise<unknown> = put) => {
        const error = await write().then(
            () => assert.fail("it was written"),
            (caught: Error) => caught,
        );
        assert.ok(error instanceof PostError, error.stack);
        assert.ok(!/\n/.test(error.message), error.message);
        assert.ok(!error.message.includes(TOKEN), error.message);
        return error.message;
    };
    for (const [status, todo] of [
        [401, api.advice[401]],
        [403, api.advice[403]],
        [404, api.advice[404]],
        [410, api.advice[410]],
        [422, "what it says is all there is to know"],
        [500, "try again later"],
    ] as const) {
        for (const [what, methods, write] of [
            ["to list", ["GET"], put],
            ["to create", ["POST"], put],
            ["to close", ["PATCH", "PUT"], close],
        ] as const) {
            it(`says what to do with ${status} ${what}`, async () => {
                if (write === close) fake().issues = [issueOf(1, MARKER)];
                const body = { message: `no\nway for ${TOKEN}` };
                fake().refuse = ({ method }) =>
                    (methods as readonly string[]).includes(method) ? { status, body } : undefined;
                assert.equal(
                    await failure(write),
                    `${api.service.name} has refused the issue with ${status} no way for [token]: ${todo}`,
                );
            });
        }
    }

    it("shows no part of the token where it cuts what the API says", async () => {
        fake().refuse = () => ({ status: 422, body: { message: `${"x".repeat(290)}${TOKEN}` } });
        assert.ok(!(await failure()).includes(TOKEN.slice(0, 5)));
    });

    for (const write of [put, close])
        it("says so where the server hangs up", async () => {
            fake().refuse = () => "hang up";
            assert.match(
                await failure(write),
                new RegExp(
                    `^${api.service.name} does not answer at ${api.api(fake().url)} \\(.+\\): see that the address is right, and try again$`,
                ),
            );
        });
}

/** Runs ./bin/drift beside a Pulumi that prints a log and ends so. */
function drift(log: string, code: number, args: string[], env: Record<string, string> = {}) {
    const [file, calls] = ["log", "calls"].map((name) => path.join(checkout.folder, name));
    fs.writeFileSync(file ?? "", log);
    fs.writeFileSync(calls ?? "", "");
    const given = { ...checkout.env, LOG: file ?? "", CODE: String(code), ...env };
    return run(checkout.command("drift"), args, "", given);
}

function itRuns(fake: () => FakeApi, api: Api): void {
    beforeEach(() => {
        checkout = new FakeCheckout(PULUMI);
    });
    afterEach(() => checkout.remove());
    const look = (log: string, code: number, env = api.env(fake().url)) =>
        drift(log, code, ["staging", ...api.args], env);
    const { text, title } = renderDrift("staging", DIFF + ERROR);

    it("comes, stays, changes, goes, and comes again as another", async () => {
        const issue = `drift: the issue of staging in ${api.project} is`;
        for (const [log, code, done] of [
            ["nothing\n", 0, `drift: staging has no open issue in ${api.project}\n`],
            [DIFF + ERROR, 7, `${issue} created\n${SAID}`],
            [DIFF + ERROR, 7, `${issue} unchanged\n${SAID}`],
            [ERROR, 7, `${issue} updated\n${SAID}`],
            [DIFF + ERROR, 7, `${issue} updated\n${SAID}`],
            ["nothing\n", 0, `${issue} closed\n`],
            ["nothing\n", 0, `drift: staging has no open issue in ${api.project}\n`],
            [DIFF + ERROR, 7, `${issue} created\n${SAID}`],
        ] as const) {
            assert.deepEqual(await look(log, code), {
                code: code === 0 ? 0 : 1,
                stdout: log,
                stderr: done,
            });
        }
        const one = { title, labels: ["drift"] };
        assert.deepEqual(fake().issues, [
            issueOf(1, renderGone(text), { ...one, open: false }),
            issueOf(2, text, one),
        ]);
        const [first, second] = [api.updated(1), api.created];
        assert.deepEqual(fake().changes(), [second, first, first, first, second]);
    });

    it("is as long as it may be where the log has 1 MB, which the job's log has", async () => {
        const log = `${`${"x".repeat(99)}\n`.repeat(10_486)}${ERROR}`;
        const { code, stdout } = await look(log, 7);
        assert.deepEqual([code, stdout], [1, log]);
        assert.equal(fake().issues[0]?.text, renderDrift("staging", log).text);
    });

    it("stays as it is where Pulumi could not look", async () => {
        fake().issues = [issueOf(1, `${MARKER}\none`)];
        assert.deepEqual(await look("error: no stack named 'staging' found\n", 255), {
            code: 1,
            stdout: "error: no stack named 'staging' found\n",
            stderr: "drift: the stack staging could not be compared: see what Pulumi says above\n",
        });
        assert.deepEqual(fake().calls, []);
    });

    for (const [log, code] of [
        [DIFF + ERROR, 7],
        ["nothing\n", 0],
    ] as const) {
        it(`ends with 1 where it is refused, with ${code} from Pulumi`, async () => {
            fake().refuse = () => ({ status: 403, body: { message: `no, ${TOKEN}` } });
            assert.deepEqual(await look(log, code), {
                code: 1,
                stdout: log,
                stderr: `drift: ${api.service.name} has refused the issue with 403 no, [token]: ${api.advice[403]}\n`,
            });
        });

        it(`ends with 1 where there is no token, with ${code} from Pulumi`, async () => {
            const [name = ""] = Object.keys(api.env(""));
            const { code: ended, stderr } = await look(log, code, { ...api.env(fake().url), [name]: "" });
            assert.deepEqual(
                [ended, stderr],
                [1, `drift: ${name} is missing: the token that writes the issue\n`],
            );
            assert.deepEqual(fake().calls, []);
        });
    }
}

describe("./bin/drift", function () {
    this.timeout(60_000);
    beforeEach(() => (checkout = new FakeCheckout(PULUMI)));
    afterEach(() => checkout.remove());
    /** What it has called, but for the question which daemon Docker's context stands for. */
    const calls = () =>
        fs.readFileSync(path.join(checkout.folder, "calls"), "utf8").replace(/^docker context .*\n/, "");

    it("ends with 0 where nothing has drifted", async () => {
        assert.deepEqual(await drift("nothing\n", 0, ["staging"]), {
            code: 0,
            stdout: "nothing\n",
            stderr: "",
        });
        assert.equal(
            calls(),
            "pulumi refresh --stack staging --preview-only --expect-no-changes --exclude **pulumi:pulumi:StackReference::** --diff --color never --non-interactive\n",
        );
    });

    it("ends with 1 where something has, and says what to do", async () => {
        const stdout = DIFF + ERROR;
        assert.deepEqual(await drift(stdout, 7, ["staging"]), { code: 1, stdout, stderr: SAID });
    });

    it("ends with 1 where Pulumi could not look, and says so", async () => {
        assert.deepEqual(await drift("error: no such host\n", 255, ["staging"]), {
            code: 1,
            stdout: "error: no such host\n",
            stderr: "drift: the stack staging could not be compared: see what Pulumi says above\n",
        });
    });

    it("knows a stack by its full name", async () => {
        const { code, stdout } = await drift("nothing\n", 0, ["acme/shop/staging"]);
        assert.deepEqual([code, stdout], [0, "nothing\n"]);
    });

    for (const args of [[], ["--github", "acme/shop"]])
        it(`refuses ${args.join(" ") || "nothing"}, and asks for nothing`, async () => {
            assert.deepEqual(await drift("nothing\n", 0, args), {
                code: 1,
                stdout: "",
                stderr: "drift: which stack? ./bin/drift STACK [--github OWNER/REPO | --gitlab PROJECT]\n",
            });
            assert.equal(calls(), "");
        });

    for (const [args, problem] of [
        [["a b", "--github", "a/b"], '"a b" is no name of a stack'],
        [["staging", "--bitbucket", "a/b"], "--bitbucket is not understood"],
        [["staging", "--github", "a/b", "7"], "--github 7 is not understood"],
        [["staging", "--github", "shop"], '"shop" is no project for --github'],
        [["staging", "--gitlab"], '"" is no project for --gitlab'],
    ] as const) {
        it(`refuses ${args.join(" ")}`, async () => {
            const { code, stderr } = await drift("nothing\n", 0, [...args], { GITHUB_TOKEN: TOKEN });
            assert.deepEqual(
                [code, stderr],
                [1, `drift: ${problem}: ./bin/drift STACK [--github OWNER/REPO | --gitlab PROJECT]\n`],
            );
        });
    }
});

describe("the text of a drift", () => {
    const blockOf = (log: string) => renderDrift("staging", log).text.split("\n").slice(5).join("\n");

    it("has the marker, what to do, and the log", () => {
        assert.deepEqual(renderDrift("staging", DIFF + ERROR), {
            title: "staging has drifted",
            text: [
                MARKER,
                "### `staging` has drifted",
                "",
                "What is there is not what was deployed: something else has changed it since. `./bin/up staging --refresh` puts back what is declared (look at its preview first); `./bin/pulumi refresh --stack staging` takes over what is there, once it is declared so.",
                "",
                "```text",
                ...(DIFF + ERROR).trimEnd().split("\n"),
                "```",
                "",
            ].join("\n"),
        });
        assert.equal(markerOf("staging"), MARKER);
    });

    it("keeps what has drifted when it is gone, below the marker, and says so once", () => {
        const { text } = renderDrift("staging", DIFF);
        const gone = text.replace(MARKER, `${MARKER}\n**The drift is gone.** What it was:\n`);
        assert.equal(renderGone(text), gone);
        assert.equal(renderGone(gone), gone);
    });

    for (const [what, log, block] of [
        ["fences", "```\n@admin\n````\n# no", "`````text\n```\n@admin\n````\n# no\n`````\n"],
        ["HTML", "--> <img src=x>\n<!--", "```text\n--> <img src=x>\n<!--\n```\n"],
        ["commands to GitLab", "/close\n/assign @me", "```text\n/close\n/assign @me\n```\n"],
        ["ANSI", "\u001b[1m\u001b[31mred\u001b[0m\u0007", "```text\nred␇\n```\n"],
        ["line ends of Windows", "a\r\nb\r\n", "```text\na\nb\n```\n"],
        ["marks of direction", "a\u202eb\u200bc", "```text\na\ufffdb\ufffdc\n```\n"],
        ["nothing", "", "```text\n\n```\n"],
    ] as const) {
        it(`has a log as it is: ${what}`, () => assert.equal(blockOf(log), block));
    }

    for (const [what, log, end] of [
        [
            "lines",
            `${"x".repeat(99)}\n`.repeat(10_486),
            /\n… \(10086 more lines: the job's log has them\)\n```\n$/,
        ],
        ["a line", "x".repeat(1_048_576), /x… \(1048576 characters\)\n```\n$/],
        ["marks of code", `${"`".repeat(9_999)}\n`.repeat(100), /\n… \(9\d more lines: .*\)\n`{8001}\n$/],
        ["characters of two halves", `x${"😀".repeat(500_000)}`, /\ufffd… \(1000001 characters\)\n```\n$/],
        ["empty lines", `a${"\n".repeat(1_000_000)}b`, /\n… \(\d+ more lines: .*\)\n```\n$/],
    ] as const) {
        it(`stays below 60,000 characters with 1 MB of ${what}`, () => {
            const { text } = renderDrift("staging", log);
            assert.ok(text.length < 60_000, String(text.length));
            assert.ok(renderGone(text).length < 60_000);
            assert.match(text, end);
            // Half a character would come out as another one.
            assert.equal(Buffer.from(text).toString(), text);
        });
    }
});
