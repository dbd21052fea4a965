import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { configJson, FakeCheckout } from "../support/fakeCheckout";

describe("bin/smoke", function () {
    this.timeout(60_000);

    /** What the release answers, by path: a status and a body. */
    let answers: Record<string, [status: number, body: string]>;
    let asked: string[];
    let server: http.Server;
    let checkout: FakeCheckout | undefined;

    before((done) => {
        server = http.createServer((request, response) => {
            asked.push(request.url ?? "");
            const [status, body] = answers[request.url ?? ""] ?? [404, "not found"];
            response.writeHead(status).end(body);
        });
        server.listen(0, "127.0.0.1", done);
    });
    after((done) => void server.close(done));
    beforeEach(() => (asked = []));
    afterEach(() => checkout?.remove());

    /** Runs it for a stack with these outputs. */
    function smoke(
        outputs: object,
        ...args: string[]
    ): Promise<[code: number, stdout: string, stderr: string]> {
        checkout = new FakeCheckout(`case "$*" in
            "stack output --stack staging --json") echo '${JSON.stringify(outputs)}' ;;
            "config --stack "*) echo '${configJson({ healthPath: "/up" })}' ;;
        esac`);
        const env = { ...checkout.env, SMOKE_SECONDS: "2", PULUMI_CONFIG_PASSPHRASE: "" };
        return new Promise((resolve) => {
            execFile(checkout?.command("smoke") ?? "", args, { env }, (error, stdout, stderr) =>
                resolve([error ? Number(error.code) : 0, stdout, stderr]),
            );
        });
    }
    const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const deployed = () => ({ url: url(), version: "1.2.3" });
    const remedy =
        "(the app has to answer /version with its version (RELEASE_VSN); another path is one more argument)\n";

    for (const body of ["1.2.3", "v1.2.3\n", '{"app":"hello","version":"1.2.3"}', "hello 1.2.3 (a1b2c3d)"]) {
        it(`takes ${JSON.stringify(body)} for the version`, async () => {
            answers = { "/up": [200, ""], "/version": [200, body] };
            const [code, stdout, stderr] = await smoke(deployed(), "staging");
            assert.deepEqual([code, stdout, stderr], [0, `${url()} serves release 1.2.3\n`, ""]);
            assert.deepEqual(asked, Array(5).fill(["/up", "/version"]).flat());
        });
    }

    it("asks for an answer alone where mix.exs computes the version", async () => {
        answers = { "/up": [200, ""], "/version": [200, "1.2.3+abc"] };
        const [code, stdout] = await smoke({ url: url(), version: "unknown" }, "staging");
        assert.deepEqual([code, asked.length], [0, 10]);
        assert.match(stdout, /answers; which version that is was not checked/);
        answers["/version"] = [503, ""];
        assert.equal((await smoke({ url: url(), version: "unknown" }, "staging"))[0], 1);
    });

    it("asks another path for it", async () => {
        answers = { "/up": [200, ""], "/about?full": [200, "1.2.3"] };
        const [code, , stderr] = await smoke(deployed(), "staging", "/about?full");
        assert.equal(code, 0, stderr);
    });

    it("waits for it, and wants it five times in a row", async () => {
        answers = { "/up": [200, ""], "/version": [200, "1.2.2"] };
        const ended = smoke(deployed(), "staging");
        while (asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
        answers["/version"] = [200, "1.2.3"];
        const [code, , stderr] = await ended;
        assert.equal(code, 0, stderr);
        assert.equal(asked.length, 12);
    });

    for (const [what, given, said] of [
        ["another version", { "/version": [200, "1.2.30"] }, "GET /version answers 200: 1.2.30"],
        [
            "a version of which it is a part",
            { "/version": [200, "11.2.3"] },
            "GET /version answers 200: 11.2.3",
        ],
        [
            "a version that only looks like it",
            { "/version": [200, "1x2y3"] },
            "GET /version answers 200: 1x2y3",
        ],
        ["a pre-release of it", { "/version": [200, "1.2.3-rc.1"] }, "GET /version answers 200: 1.2.3-rc.1"],
        ["an app without that path", {}, "GET /version answers 404: not found"],
        [
            "an error with the version in it",
            { "/version": [500, "1.2.3"] },
            "GET /version answers 500: 1.2.3",
        ],
        ["a release that is ill", { "/up": [503, "ill"] }, "GET /up answers 503: ill"],
    ] as const) {
        it(`refuses ${what}`, async () => {
            answers = { "/up": [200, ""], ...(given as typeof answers) };
            const [code, stdout, stderr] = await smoke(deployed(), "staging");
            const problem = `smoke: the stack staging does not serve release 1.2.3 at ${url()}. ${said}\n${remedy}`;
            assert.deepEqual([code, stdout, stderr], [1, "", problem]);
        });
    }

    it("says so where nobody answers", async () => {
        const [code, , stderr] = await smoke({ url: "http://127.0.0.1:1", version: "1.2.3" }, "staging");
        assert.equal(code, 1);
        assert.match(stderr, /at http:\/\/127\.0\.0\.1:1\. GET \/up answers 000: curl: \(7\) /);
    });

    it("says so where nothing has been deployed, and what it wants to know", async () => {
        const [code, , stderr] = await smoke({}, "staging");
        assert.deepEqual([code, asked], [1, []]);
        assert.match(stderr, /^smoke: nothing has been deployed in the stack staging yet, or /);
        assert.equal((await smoke({}))[2], "smoke: which stack? ./bin/smoke STACK [PATH]\n");
        assert.equal(
            (await smoke({}, "staging", "version"))[2],
            "smoke: PATH must begin with /, and is version\n",
        );
    });
});
