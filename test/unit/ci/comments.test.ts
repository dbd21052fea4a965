import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { COMMENTS, type PullRequest, putComment } from "../../../ci/comments";
import { renderPreview } from "../../../ci/previewComment";
import { PostError } from "../../../ci/apiClients";
import { FakeApi, run as runCommand, TOKEN } from "../../support/fakeApi";

const MARKER = "<!-- decanter preview staging -->";

const APIS = {
    github: {
        service: COMMENTS.github,
        args: ["--github", "acme/shop", "7"],
        project: "acme/shop",
        api: (url: string) => `${url}/api/v3`,
        env: (url: string) => ({ GITHUB_TOKEN: TOKEN, GITHUB_API_URL: `${url}/api/v3` }),
        created: "POST /api/v3/repos/acme/shop/issues/7/comments",
        updated: (id: number) => `PATCH /api/v3/repos/acme/shop/issues/comments/${id}`,
        advice: {
            401: "GITHUB_TOKEN is not valid",
            403: "GITHUB_TOKEN needs the permission pull-requests: write, and a pull request from a fork has none",
            404: "there is no pull request 7 in acme/shop, or GITHUB_TOKEN may not read it",
        },
    },
    gitlab: {
        service: COMMENTS.gitlab,
        args: ["--gitlab", "acme/wines/shop", "7"],
        project: "acme/wines/shop",
        api: (url: string) => `${url}/gitlab/api/v4`,
        env: (url: string) => ({ GITLAB_TOKEN: TOKEN, CI_API_V4_URL: `${url}/gitlab/api/v4` }),
        created: "POST /gitlab/api/v4/projects/acme%2Fwines%2Fshop/merge_requests/7/notes",
        updated: (id: number) =>
            `PUT /gitlab/api/v4/projects/acme%2Fwines%2Fshop/merge_requests/7/notes/${id}`,
        advice: {
            401: "GITLAB_TOKEN needs the scope api",
            403: "GITLAB_TOKEN needs the scope api, and the role Reporter in the project",
            404: "there is no project acme/wines/shop or no merge request 7 in it, or GITLAB_TOKEN may not read it",
        },
    },
};

for (const [name, api] of Object.entries(APIS)) {
    describe(`a preview's comment on ${api.service.name}`, () => {
        let fake: FakeApi;
        beforeEach(async () => {
            fake = new FakeApi();
            await fake.start();
        });
        afterEach(() => fake.stop());
        describe("posted", () => itPosts(() => fake, api));
        describe("refused", () => itExplains(() => fake, api));
        describe(`by ./bin/preview-comment --${name}`, function () {
            this.timeout(60_000);
            itRuns(() => fake, api);
        });
    });
}

type Api = (typeof APIS)["github" | "gitlab"];

const placeOf = ({ project, api }: Api, url: string): PullRequest => ({
    api: api(url),
    token: TOKEN,
    project,
    number: 7,
});

/** Comments of people, and of other stacks. */
function others(count: number): { id: number; body: string }[] {
    return [...Array(count).keys()].map((index) => ({
        id: index + 1,
        body: index % 2 ? `${MARKER.replace("staging", "staging-2")}\nhello` : `hello\n${MARKER}\nquoted`,
    }));
}

function itPosts(fake: () => FakeApi, api: Api): void {
    const put = (text: string) => putComment(api.service, placeOf(api, fake().url), `${MARKER}\n${text}\n`);

    it("is created where there is none, with those of others beside it", async () => {
        fake().comments = others(3);
        assert.equal(await put("one"), "created");
        assert.deepEqual(fake().changes(), [api.created]);
        assert.equal(fake().comments.length, 4);
        assert.equal(fake().comments.at(-1)?.body, `${MARKER}\none\n`);
    });

    it("is updated in place, and no other", async () => {
        fake().comments = [...others(3), { id: 4, body: `${MARKER}\none` }, ...others(2)];
        assert.equal(await put("two"), "updated");
        assert.deepEqual(fake().changes(), [api.updated(4)]);
        assert.equal(fake().comments[3]?.body, `${MARKER}\ntwo\n`);
    });

    it("is found on a later page", async () => {
        fake().comments = [...others(250), { id: 251, body: `${MARKER}\none` }, ...others(60)];
        assert.equal(await put("two"), "updated");
        assert.deepEqual(fake().changes(), [api.updated(251)]);
        assert.equal(fake().calls.filter(({ method }) => method === "GET").length, 4);
    });

    for (const [what, body] of [
        ["is the same", `${MARKER}\none\n`],
        ["has lost the line feed at its end", `${MARKER}\none`],
        ["has come back with other line ends", `${MARKER}\r\none\r\n`],
    ]) {
        it(`stays where it ${what}`, async () => {
            fake().comments = [...others(1), { id: 2, body: body ?? "" }];
            assert.equal(await put("one"), "unchanged");
            assert.deepEqual(fake().changes(), []);
        });
    }

    it("is one: the first where two jobs have created it at once", async () => {
        fake().comments = [
            { id: 1, body: `${MARKER}\none` },
            { id: 2, body: `${MARKER}\none` },
        ];
        await put("two");
        assert.deepEqual(fake().changes(), [api.updated(1)]);
    });
}

function itExplains(fake: () => FakeApi, api: Api): void {
    const failure = async () => {
        const error = await putComment(api.service, placeOf(api, fake().url), `${MARKER}\none\n`).then(
            () => assert.fail("it was posted"),
            (caught: Error) => caught,
        );
        assert.ok(error instanceof PostError, error.stack);
        assert.ok(!/\n/.test(error.message), error.message);
        assert.ok(!error.message.includes(TOKEN), error.message);
        return error.message;
    };
    const { advice } = api;
    for (const [status, todo] of [
        [401, advice[401]],
        [403, advice[403]],
        [404, advice[404]],
        [422, "what it says is all there is to know"],
        [500, "try again later"],
    ] as const) {
        for (const method of ["GET", "POST"]) {
            it(`says what to do with ${status} to ${method}`, async () => {
                const body = { message: `no\nway for ${TOKEN}` };
                fake().refuse = (call) => (call.method === method ? { status, body } : undefined);
                assert.equal(
                    await failure(),
                    `${api.service.name} has refused the comment with ${status} no way for [token]: ${todo}`,
                );
            });
        }
    }

    it("says so where what it found may not be updated", async () => {
        fake().comments = [{ id: 1, body: `${MARKER}\nof somebody else` }];
        fake().refuse = ({ method }) =>
            ["PATCH", "PUT"].includes(method) ? { status: 403, body: { message: "not yours" } } : undefined;
        assert.match(await failure(), /has refused the comment with 403 not yours: /);
    });

    it("shows the beginning of a page of errors", async () => {
        fake().refuse = () => ({ status: 503, body: `<html>${"x".repeat(1000)}</html>` });
        assert.match(
            await failure(),
            /refused the comment with 503 <html>x{294}… \(1013 characters\): try again later$/,
        );
    });

    it("says so where the server hangs up", async () => {
        fake().refuse = () => "hang up";
        assert.match(
            await failure(),
            new RegExp(
                `^${api.service.name} does not answer at ${api.api(fake().url)} \\(.+\\): see that the address is right, and try again$`,
            ),
        );
    });

    it("says so where there is no server", async () => {
        fake().stop();
        const place = { ...placeOf(api, "http://127.0.0.1:1"), token: TOKEN };
        await assert.rejects(
            putComment(api.service, place, MARKER),
            /does not answer at http:\/\/127\.0\.0\.1:1/,
        );
    });

    it("says so where something else answers", async () => {
        fake().refuse = () => ({ status: 200, body: "<html>Sign in</html>" });
        assert.match(await failure(), /^Git(Hub|Lab) does not answer /);
    });
}

const run = (args: string[], input: string, env: Record<string, string> = {}) =>
    runCommand("./bin/preview-comment", args, input, env);

const sample = (name: string) => fs.readFileSync(`test/samples/previews/${name}.json`, "utf8");

function itRuns(fake: () => FakeApi, api: Api): void {
    const posted = (input: string, env = api.env(fake().url)) => run(["staging", ...api.args], input, env);

    it("creates it, updates it, and leaves it alone", async () => {
        for (const [name, done] of [
            ["creation", "created"],
            ["update", "updated"],
            ["update", "unchanged"],
        ] as const) {
            assert.deepEqual(await posted(sample(name)), {
                code: 0,
                stdout: "",
                stderr: `preview-comment: the comment on ${api.project} 7 is ${done}\n`,
            });
            assert.deepEqual(
                fake().comments.map(({ body }) => body),
                [renderPreview("staging", sample(name)).markdown],
            );
        }
        assert.deepEqual(fake().changes(), [api.created, api.updated(1)]);
    });

    it("posts a preview that has failed, and ends with 2", async () => {
        for (const input of [sample("failure"), "", "error: no stack"]) {
            const { code } = await posted(input);
            assert.equal(code, 2);
            assert.equal(fake().comments.length, 1);
            assert.equal(fake().comments[0]?.body, renderPreview("staging", input).markdown);
        }
    });

    it("has the job's log show what there was no room for", async () => {
        const { code, stderr } = await posted(sample("many"));
        assert.equal(code, 0);
        assert.ok((fake().comments[0]?.body.length ?? 0) <= 60_000);
        assert.equal(stderr.split("<details>").length - 1, 500);
    });

    it("ends with 1 where it is refused", async () => {
        fake().refuse = () => ({ status: 403, body: { message: "no" } });
        assert.deepEqual(await posted(sample("failure")), {
            code: 1,
            stdout: "",
            stderr: `preview-comment: ${api.service.name} has refused the comment with 403 no: ${api.advice[403]}\n`,
        });
    });

    it("ends with 1 where there is no token", async () => {
        const [name = ""] = Object.keys(api.env(""));
        const { code, stderr } = await posted(sample("update"), { ...api.env(fake().url), [name]: "" });
        assert.deepEqual(
            [code, stderr],
            [1, `preview-comment: ${name} is missing: the token that posts the comment\n`],
        );
        assert.deepEqual(fake().calls, []);
    });
}

describe("./bin/preview-comment", function () {
    this.timeout(60_000);

    it("prints the Markdown", async () => {
        assert.deepEqual(await run(["staging"], sample("replacement")), {
            code: 0,
            stdout: renderPreview("staging", sample("replacement")).markdown,
            stderr: "",
        });
    });

    it("ends with 2 where the preview has failed", async () => {
        const { code, stdout } = await run(["acme/shop/staging"], "");
        assert.equal(code, 2);
        assert.ok(stdout.startsWith("<!-- decanter preview acme/shop/staging -->\n"));
    });

    for (const [args, problem] of [
        [[], '"" is no name of a stack'],
        [["a b"], '"a b" is no name of a stack'],
        [["-->"], '"-->" is no name of a stack'],
        [["a/b/c/d"], '"a/b/c/d" is no name of a stack'],
        [["staging", "--bitbucket", "a/b", "1"], "--bitbucket is not understood"],
        [["staging", "--github", "a/b", "1", "more"], "--github more is not understood"],
        [["staging", "--github", "shop", "1"], '"shop" is no project for --github'],
        [["staging", "--gitlab", "", "1"], '"" is no project for --gitlab'],
        [["staging", "--github", "a/b"], '"" is no number of a request'],
        [["staging", "--gitlab", "1", "!7"], '"!7" is no number of a request'],
    ] as const) {
        it(`refuses ${args.join(" ") || "nothing"}`, async () => {
            const { code, stdout, stderr } = await run([...args], sample("update"), { GITHUB_TOKEN: TOKEN });
            assert.deepEqual([code, stdout], [1, ""]);
            assert.equal(
                stderr,
                `preview-comment: ${problem}: ./bin/preview-comment STACK [--github OWNER/REPO NUMBER | --gitlab PROJECT NUMBER] < preview.json\n`,
            );
        });
    }
});
