import { strict as assert } from "node:assert";
import { ciRun } from "../../../components/archive/ciRun";
import { type ReleaseOrigin, releaseProvenance } from "../../../components/archive/releaseProvenance";

const commit = "0123456789abcdef0123456789abcdef01234567";
const digest = "0a".repeat(32);
const subject = { name: "hello-1.2.3-linux-amd64.tar.gz", sha256: "1b".repeat(32) };
const origin: ReleaseOrigin = {
    app: "../shop",
    release: "hello",
    version: "1.2.3",
    platform: "linux/amd64",
    image: `127.0.0.1:5000/acme/hello@sha256:${digest}`,
    builderImage: "docker.io/hexpm/elixir:1.20.2",
    runnerImage: `docker.io/debian:trixie-slim@sha256:${digest}`,
    labels: {
        "org.opencontainers.image.revision": commit,
        "org.opencontainers.image.source": "https://git.example/acme/shop.git",
    },
    run: { builder: "https://ci.example", invocation: "https://ci.example/1" },
};

/** What there is to say of the source with these labels. */
function sourceOf(labels: Record<string, string>): unknown {
    const statement = releaseProvenance(subject, { ...origin, labels }) as Record<string, any>;
    return statement.predicate.buildDefinition.resolvedDependencies.find(
        ({ name }: { name: string }) => name === "source",
    );
}

describe("the provenance of a release", () => {
    it("is a statement of in-toto with SLSA's provenance", () => {
        assert.deepEqual(releaseProvenance(subject, origin), {
            _type: "https://in-toto.io/Statement/v1",
            subject: [{ name: subject.name, digest: { sha256: subject.sha256 } }],
            predicateType: "https://slsa.dev/provenance/v1",
            predicate: {
                buildDefinition: {
                    buildType: "urn:decanter:release:1",
                    externalParameters: {
                        app: "../shop",
                        release: "hello",
                        version: "1.2.3",
                        platform: "linux/amd64",
                    },
                    resolvedDependencies: [
                        {
                            name: "source",
                            uri: "git+https://git.example/acme/shop.git",
                            digest: { gitCommit: commit },
                        },
                        {
                            name: "image",
                            uri: `pkg:docker/127.0.0.1:5000/acme/hello@sha256:${digest}`,
                            digest: { sha256: digest },
                        },
                        { name: "builder image", uri: "pkg:docker/docker.io/hexpm/elixir@1.20.2" },
                        {
                            name: "runner image",
                            uri: `pkg:docker/docker.io/debian@sha256:${digest}`,
                            digest: { sha256: digest },
                        },
                    ],
                },
                runDetails: {
                    builder: { id: "https://ci.example" },
                    metadata: { invocationId: "https://ci.example/1" },
                },
            },
        });
    });

    it("names no run outside of a CI", () => {
        const run = { builder: "urn:decanter:own-machine" };
        const { predicate } = releaseProvenance(subject, { ...origin, run }) as Record<string, any>;
        assert.deepEqual(predicate.runDetails, { builder: { id: "urn:decanter:own-machine" } });
    });

    for (const [source, uri] of [
        ["https://git.example/acme/shop.git", "git+https://git.example/acme/shop.git"],
        ["ssh://git@git.example:2222/acme/shop", "git+ssh://git@git.example:2222/acme/shop"],
        ["git@git.example:acme/shop.git", "git+ssh://git@git.example/acme/shop.git"],
        ["/srv/git/shop", undefined],
        ["", undefined],
    ] as const) {
        it(`tells the commit of a repository that comes from "${source}"`, () => {
            const labels = {
                "org.opencontainers.image.revision": commit,
                "org.opencontainers.image.source": source,
            };
            const digest = { gitCommit: commit };
            assert.deepEqual(
                sourceOf(labels),
                uri === undefined ? { name: "source", digest } : { name: "source", uri, digest },
            );
        });
    }

    it("says that files had changed since the commit", () => {
        assert.deepEqual(sourceOf({ "org.opencontainers.image.revision": `${commit}-dirty` }), {
            name: "source",
            digest: { gitCommit: commit },
            annotations: { dirty: true },
        });
    });

    it("says nothing of a source without a repository", () => {
        assert.equal(sourceOf({}), undefined);
    });
});

describe("the run of a CI", () => {
    it("is that of GitHub Actions", () => {
        const env = {
            GITHUB_SERVER_URL: "https://github.com",
            GITHUB_REPOSITORY: "acme/shop",
            GITHUB_WORKFLOW_REF: "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
            GITHUB_RUN_ID: "7",
            GITHUB_RUN_ATTEMPT: "2",
            GITHUB_TOKEN: "hunter2",
        };
        assert.deepEqual(ciRun(env), {
            builder: "https://github.com/acme/shop/.github/workflows/deploy.yml@refs/heads/main",
            invocation: "https://github.com/acme/shop/actions/runs/7/attempts/2",
        });
    });

    it("is that of GitLab CI", () => {
        const env = {
            CI_PROJECT_URL: "https://gitlab.example/acme/shop",
            CI_RUNNER_ID: "12",
            CI_JOB_URL: "https://gitlab.example/acme/shop/-/jobs/7",
            CI_JOB_TOKEN: "hunter2",
        };
        assert.deepEqual(ciRun(env), {
            builder: "https://gitlab.example/acme/shop/-/runners/12",
            invocation: "https://gitlab.example/acme/shop/-/jobs/7",
        });
    });

    it("is that of CircleCI", () => {
        const CIRCLE_BUILD_URL = "https://circleci.com/gh/acme/shop/7";
        assert.deepEqual(ciRun({ CIRCLE_BUILD_URL }), {
            builder: "https://circleci.com",
            invocation: CIRCLE_BUILD_URL,
        });
    });

    it("is none on a machine of one's own", () => {
        assert.deepEqual(ciRun({ PATH: "/bin" }), { builder: "urn:decanter:own-machine" });
    });
});
