/** The run of a CI that a process belongs to. */
export interface CiRun {
    /** What runs it, as a URI: the workflow, the runner or the service. */
    builder: string;
    /** Address of the run, with its log; undefined outside of a CI. */
    invocation?: string;
}

/** What the environment tells of the run: that of GitHub Actions, GitLab CI or CircleCI; otherwise it is a machine of one's own. */
export function ciRun(env: NodeJS.ProcessEnv = process.env): CiRun {
    if (env.GITHUB_RUN_ID !== undefined) {
        // As GitHub's own attestations have it: https://docs.github.com/en/actions/reference/workflows-and-actions/variables
        const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
        return {
            builder: `${server}/${env.GITHUB_WORKFLOW_REF}`,
            invocation: `${server}/${repository}/actions/runs/${run}/attempts/${env.GITHUB_RUN_ATTEMPT ?? 1}`,
        };
    }
    if (env.CI_JOB_URL !== undefined) {
        // As GitLab's own provenance has it: https://docs.gitlab.com/ci/variables/predefined_variables/
        return {
            builder: `${env.CI_PROJECT_URL}/-/runners/${env.CI_RUNNER_ID}`,
            invocation: env.CI_JOB_URL,
        };
    }
    if (env.CIRCLE_BUILD_URL !== undefined) {
        return { builder: "https://circleci.com", invocation: env.CIRCLE_BUILD_URL };
    }
    return { builder: "urn:decanter:own-machine" };
}
