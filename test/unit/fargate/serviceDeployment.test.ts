import { strict as assert } from "node:assert";
import { deployAgain, type ServiceDeploymentArgs } from "../../../components/fargate/serviceDeployment";
import { withFakeAws } from "../../support/fakeAws";

const definition = (revision: number) =>
    `arn:aws:ecs:eu-central-1:123456789012:task-definition/decanter-prod:${revision}`;
const args: Omit<ServiceDeploymentArgs, "refused"> = {
    region: "eu-central-1",
    cluster: "hello-1",
    service: "hello-2",
    taskDefinition: definition(7),
    before: definition(7),
    replicas: 3,
    minutes: 1,
};
/** What ECS is asked for, where it runs the release again. */
const update = {
    cluster: "hello-1",
    service: "hello-2",
    taskDefinition: definition(7),
    forceNewDeployment: true,
};

/**
 * Deploys to a service that has so many replicas of a revision, with the statuses of the deployment one after another.
 *
 * @returns what ECS was asked to run, why the deploy failed, and what was then said of the service before
 */
async function deploy(
    desiredCount: number,
    revision: number,
    statuses: string[] = [],
    given: Partial<ServiceDeploymentArgs> = {},
) {
    const refused: boolean[] = [];
    const createdAt = 1_790_000_000;
    return withFakeAws(
        {
            DescribeServices: () => ({
                services: [{ status: "ACTIVE", desiredCount, taskDefinition: definition(revision) }],
            }),
            UpdateService: () => ({
                service: { deployments: [{ status: "PRIMARY", id: "ecs-svc/42", createdAt }] },
            }),
            ListServiceDeployments: (request, call) => {
                assert.deepEqual(request, {
                    cluster: "hello-1",
                    service: "hello-2",
                    createdAt: { after: createdAt - 1 },
                });
                const target = "arn:aws:ecs:eu-central-1:123456789012:service-revision/hello-1/hello-2/";
                const of = (id: number, status: string) => ({
                    targetServiceRevisionArn: `${target}${id}`,
                    status,
                    statusReason: `it is ${status}`,
                });
                const status = statuses[call - 1];
                return {
                    serviceDeployments: [
                        of(41, "ROLLBACK_SUCCESSFUL"),
                        ...(status === undefined ? [] : [of(42, status)]),
                    ],
                };
            },
        },
        async (requests) => {
            const failure = await deployAgain({
                ...args,
                ...given,
                refused: (hadNone) => {
                    refused.push(hadNone);
                    return Promise.resolve();
                },
            }).then(
                () => undefined,
                (error: Error) => error.message,
            );
            return {
                failure,
                refused,
                updates: requests("UpdateService"),
                waits: requests("ListServiceDeployments").length,
            };
        },
    );
}

describe("a deploy to a service after one that has failed", function () {
    this.timeout(30_000);

    it("does nothing to a service that runs the release, and leaves another one to the provider", async () => {
        for (const given of [{}, { before: definition(6) }]) {
            const { failure, updates, waits } = await deploy(2, 7, [], given);
            assert.deepEqual([failure, updates, waits], [undefined, [], 0]);
        }
        const { updates } = await deploy(2, 6, [], { before: definition(6) });
        assert.deepEqual(updates, []);
    });

    it("runs the same release again that ECS has taken back, with as many replicas as there are, and waits", async () => {
        const { failure, refused, updates, waits } = await deploy(5, 6, [
            "PENDING",
            "IN_PROGRESS",
            "SUCCESSFUL",
        ]);
        assert.deepEqual([failure, refused, updates, waits], [undefined, [], [update], 3]);
    });

    it("starts the replicas again of a first release that was stopped", async () => {
        const { failure, updates } = await deploy(0, 7, ["SUCCESSFUL"]);
        assert.deepEqual([failure, updates], [undefined, [{ ...update, desiredCount: 3 }]]);
    });

    it("starts the replicas with another release, for which the provider waits", async () => {
        const { failure, updates, waits } = await deploy(0, 6, [], { before: definition(6) });
        assert.deepEqual([failure, updates, waits], [undefined, [{ ...update, desiredCount: 3 }], 0]);
    });

    for (const status of ["STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"]) {
        it(`fails with ECS's reason where the deployment ends as ${status}`, async () => {
            const taken = await deploy(2, 6, ["IN_PROGRESS", status]);
            assert.deepEqual([taken.failure, taken.refused], [`it is ${status}`, [false]]);
            const first = await deploy(0, 7, [status]);
            assert.deepEqual([first.failure, first.refused], [`it is ${status}`, [true]]);
        });
    }

    it("fails where the deployment takes too long", async () => {
        const { failure, refused } = await deploy(2, 6, [], { minutes: 0 });
        assert.deepEqual([failure, refused], ["the deployment took longer than 0 minutes", [false]]);
    });

    it("leaves a service that is gone to the provider", async () => {
        await withFakeAws({ DescribeServices: () => ({ services: [] }) }, async (requests) => {
            await deployAgain({ ...args, refused: () => Promise.resolve() });
            assert.deepEqual(requests("UpdateService"), []);
        });
    });
});
