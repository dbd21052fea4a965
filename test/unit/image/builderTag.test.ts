import { strict as assert } from "node:assert";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { DockerHost } from "../../../components/docker/dockerHost";
import { type BuilderImages, mustHaveBuilder } from "../../../components/image/builderTag";
import { withDocker } from "../../support/mockPulumi";

describe("a builder image that follows from versions", () => {
    /** The tags that Docker Hub has, newest first, and what it is asked. */
    let tags: string[];
    let asked: string[];
    let status: number;
    /** Tags of a page, whatever is asked for. */
    let size: number;
    let server: http.Server;
    const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/tags`;

    before((done) => {
        server = http.createServer((request, response) => {
            const { searchParams } = new URL(request.url ?? "", "http://hub");
            const name = searchParams.get("name") ?? "";
            const page = Number(searchParams.get("page"));
            asked.push(`${name} ${page}`);
            assert.equal(searchParams.get("page_size"), "100");
            const found = tags.filter((tag) => tag.includes(name));
            const results = found.slice((page - 1) * size, page * size).map((tag) => ({ name: tag }));
            const next = page * size < found.length ? `http://elsewhere.invalid/?page=${page + 1}` : null;
            response.writeHead(status).end(JSON.stringify({ count: found.length, next, results }));
        });
        server.listen(0, "127.0.0.1", done);
    });
    after((done) => {
        server.close(done);
        server.closeAllConnections();
    });
    beforeEach(() => {
        asked = [];
        tags = [];
        status = 200;
        size = 100;
    });

    const wanted = "1.18.2-erlang-27.1-debian-trixie-20260623-slim";
    const image = `docker.io/hexpm/elixir:${wanted}`;
    const builder: BuilderImages = {
        builderImage: image,
        runnerImage: "docker.io/debian:trixie-20260623-slim",
        builderVersions: "elixir 1.18.2 (../shop/mise.toml) and erlang 27.1 (../shop/.tool-versions)",
    };
    const missing =
        `the builder image docker.io/hexpm/elixir:${wanted} does not exist, which ` +
        "elixir 1.18.2 (../shop/mise.toml) and erlang 27.1 (../shop/.tool-versions) ask for on runnerImage's Debian";
    /** A `docker` that does not have the image, and whose registry says this. */
    const registry = (says: string) =>
        `case "$*" in *"manifest inspect"*) echo '${says}' >&2 ;; *) echo 'Error: No such image' >&2 ;; esac; exit 1`;
    const notFound = registry(`no such manifest: ${image}`);
    /** What the error says. */
    async function refusal(given: Partial<BuilderImages> = {}, hub = url()): Promise<string> {
        let said = "nothing";
        await withDocker(notFound, () =>
            mustHaveBuilder(new DockerHost(), { ...builder, ...given }, hub).catch(
                ({ message }: Error) => (said = message),
            ),
        );
        return said;
    }
    async function nearest(tag: string): Promise<string | undefined> {
        const said = await refusal({ builderImage: `docker.io/hexpm/elixir:${tag}` });
        return /set builderImage docker\.io\/hexpm\/elixir:(\S+)/.exec(said)?.[1];
    }

    it("is not looked for where the user has set it", async () => {
        await withDocker("exit 1", async (calls) => {
            await mustHaveBuilder(new DockerHost(), { ...builder, builderVersions: undefined }, url());
            assert.throws(calls, /ENOENT/);
        });
        assert.deepEqual(asked, []);
    });

    it("is taken where the Docker host has it", async () => {
        await withDocker("exit 0", async (calls) => {
            await mustHaveBuilder(new DockerHost("ssh://me@server"), builder, url());
            assert.deepEqual(calls(), [`--host ssh://me@server image inspect ${image}`]);
        });
        assert.deepEqual(asked, []);
    });

    it("is taken where its registry has it", async () => {
        await withDocker('[ "$1" = manifest ]', async (calls) => {
            await mustHaveBuilder(new DockerHost(), builder, url());
            assert.deepEqual(calls(), [`image inspect ${image}`, `manifest inspect ${image}`]);
        });
        assert.deepEqual(asked, []);
    });

    for (const says of [
        "error pinging v2 registry: dial tcp: lookup registry-1.docker.io: no such host",
        "toomanyrequests: You have reached your pull rate limit",
        "unauthorized: authentication required",
        "docker: 'manifest' is not a docker command.",
    ]) {
        it(`is left to the build where its registry says "${says}"`, async () => {
            await withDocker(registry(says.replaceAll("'", "")), () =>
                mustHaveBuilder(new DockerHost(), builder, url()),
            );
            assert.deepEqual(asked, []);
        });
    }

    it("is refused with the nearest that exists, and the settings that take it", async () => {
        tags = [
            "1.18.4-erlang-27.3.4-debian-trixie-20260801-slim",
            "1.18.2-erlang-27.2-debian-trixie-20260801-slim",
            "1.18.2-erlang-27.2-debian-trixie-20260701-slim",
            "1.18.2-erlang-27.2-alpine-3.22.1",
        ];
        const tag = "1.18.2-erlang-27.2-debian-trixie-20260801-slim";
        assert.equal(
            await refusal(),
            `${missing}. The nearest that does is ${tag}: take it, with a runnerImage of the same Debian, or ask for ` +
                `different versions there:\n  pulumi config set builderImage docker.io/hexpm/elixir:${tag}\n` +
                "  pulumi config set runnerImage docker.io/debian:trixie-20260801-slim",
        );
        assert.deepEqual(asked, ["1.18.2-erlang-27.1-debian-trixie- 1", "1.18.2-erlang-27. 1"]);
    });

    it("leaves runnerImage as it is where its Debian stays", async () => {
        tags = ["1.18.2-erlang-27.1.2-debian-trixie-20260623-slim"];
        assert.equal(
            await refusal(),
            `${missing}. The nearest that does is ${tags[0]}: take it, or ask for different versions there:\n` +
                `  pulumi config set builderImage docker.io/hexpm/elixir:${tags[0]}`,
        );
    });

    const slim = (versions: string, debian = "trixie-20260801") => `${versions}-debian-${debian}-slim`;
    for (const [what, has, chosen] of [
        ["the newest date", [slim("1.18.2-erlang-27.1", "trixie-20260501"), slim("1.18.2-erlang-27.1")], 1],
        ["the same Elixir on a near Erlang", [slim("1.18.3-erlang-27.1"), slim("1.18.2-erlang-27.3.4")], 1],
        ["a near patch of Elixir", [slim("1.18.9-erlang-27.1"), slim("1.18.3-erlang-27.3")], 1],
        ["the newer of two as near", [slim("1.18.1-erlang-27.1"), slim("1.18.3-erlang-27.1")], 1],
        ["the nearest patch of Erlang", [slim("1.18.2-erlang-27.3"), slim("1.18.2-erlang-27.2.4")], 1],
        ["the patch after 9", [slim("1.18.2-erlang-27.10"), slim("1.18.2-erlang-27.3")], 1],
        [
            "the same Debian, with a patch that is farther",
            [slim("1.18.2-erlang-27.1", "bookworm-20260801"), slim("1.18.4-erlang-27.3")],
            1,
        ],
        [
            "a different Debian before a different major of Erlang",
            [slim("1.18.2-erlang-28.0"), slim("1.18.2-erlang-27.1", "bookworm-20260801")],
            1,
        ],
        ["a slim one", ["1.18.2-erlang-27.1-debian-trixie-20260801", slim("1.18.2-erlang-27.2")], 1],
        ["no release candidate", [slim("1.18.2-rc.1-erlang-27.1"), slim("1.18.4-erlang-27.3")], 1],
        [
            "a near minor of Elixir, if there is no other",
            [slim("1.15.8-erlang-26.2"), slim("1.17.3-erlang-27.3")],
            1,
        ],
    ] as const) {
        it(`prefers ${what}`, async () => {
            tags = [...has];
            assert.equal(await nearest(wanted), has[chosen]);
            tags = [...has].reverse();
            assert.equal(await nearest(wanted), has[chosen]);
        });
    }

    it("may be a release candidate, where one is asked for", async () => {
        tags = [slim("1.20.0-rc.3-erlang-28.1")];
        assert.equal(await nearest(slim("1.20.0-rc.2-erlang-28.1")), tags[0]);
    });

    it("reads all pages of a list, up to ten", async () => {
        size = 1;
        const dates = Array.from({ length: 12 }, (_, index) => `trixie-202605${String(index + 10)}`);
        tags = dates.map((date) => slim("1.18.2-erlang-27.1", date));
        assert.equal(await nearest(wanted), tags[9]);
        assert.deepEqual(
            asked,
            Array.from({ length: 10 }, (_, index) => `1.18.2-erlang-27.1-debian-trixie- ${index + 1}`),
        );
    });

    it("is refused where none is near", async () => {
        assert.equal(
            await refusal(),
            `${missing}, and none that is near it: set builderImage and a runnerImage of the same Debian, or ask for ` +
                "different versions there",
        );
    });

    it("is refused with where to look, where Docker Hub does not list its tags", async () => {
        status = 503;
        const look = (reason: string) =>
            `${missing}. Docker Hub does not say which does (${reason}): look at ` +
            "https://hub.docker.com/r/hexpm/elixir/tags, and take one (pulumi config set builderImage " +
            "docker.io/hexpm/elixir:TAG, and runnerImage of the same Debian), or ask for different versions there";
        assert.equal(await refusal(), look("it answers 503"));
        assert.equal(await refusal({}, "http://127.0.0.1:1/tags"), look("bad port"));
    });
});
