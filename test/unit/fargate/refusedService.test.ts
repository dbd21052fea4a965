import { strict as assert } from "node:assert";
import { endRefused, type RefusedService } from "../../../components/fargate/refusedService";
import { withFakeAws } from "../../support/fakeAws";

const arn = "arn:aws:ecs:eu-central-1:123456789012";
const definition = (revision: number) => `${arn}:task-definition/decanter-prod:${revision}`;
const deployment = (id: number) => `${arn}:service-deployment/hello-1/hello-2/${id}`;
const revision = (id: number) => `${arn}:service-revision/hello-1/hello-2/${id}`;
const refused: RefusedService = {
    region: "eu-central-1",
    cluster: "hello-1",
    service: "hello-2",
    taskDefinition: definition(7),
    hadNone: false,
};
const denied = (action: string) => ({
    __type: "AccessDeniedException",
    message: `not authorized to perform: ecs:${action}`,
});

/** An active service, with the replicas that run of each revision of its task definition. */
function running(replicas: Record<number, number>) {
    const deployments = Object.entries(replicas).map(([of, runningCount]) => ({
        taskDefinition: definition(Number(of)),
        runningCount,
    }));
    return { services: [{ status: "ACTIVE", deployments }] };
}

/** AWS with deployments under way: their numbers, and the revisions of the task definition that they bring. */
function underWay(targets: Record<number, number>) {
    const ids = Object.keys(targets).map(Number);
    return {
        ListServiceDeployments: () => ({
            serviceDeployments: ids.map((id) => ({
                serviceDeploymentArn: deployment(id),
                targetServiceRevisionArn: revision(id),
                status: "IN_PROGRESS",
            })),
        }),
        DescribeServiceRevisions: () => ({
            serviceRevisions: ids.map((id) => ({
                serviceRevisionArn: revision(id),
                taskDefinition: definition(targets[id] ?? 0),
            })),
        }),
    };
}

/** What is said, and what AWS was asked to change. */
async function end(
    answers: Parameters<typeof withFakeAws>[0],
    args: Partial<RefusedService> = {},
): Promise<{ said: string[]; stopped: object[]; updated: object[] }> {
    const changes = {
        StopServiceDeployment: () => ({}),
        UpdateService: () => ({}),
    };
    return withFakeAws({ ...changes, ...answers }, async (requests) => ({
        said: (await endRefused({ ...refused, ...args })).split("\n"),
        stopped: requests("StopServiceDeployment"),
        updated: requests("UpdateService"),
    }));
}

describe("the end of a release that ECS was to run", () => {
    it("is that ECS takes back what is under way of it, and of nothing else", async () => {
        await withFakeAws(
            {
                DescribeServices: () => running({ 6: 2, 7: 1 }),
                ...underWay({ 1: 7, 2: 8 }),
                StopServiceDeployment: () => ({}),
            },
            async (requests) => {
                assert.deepEqual((await endRefused(refused)).split("\n"), [
                    `ECS takes back ${deployment(1)}, which was under way`,
                    "What serves now: decanter-prod:6 (2 replicas)",
                ]);
                assert.deepEqual(requests("ListServiceDeployments"), [
                    { cluster: "hello-1", service: "hello-2", status: ["PENDING", "IN_PROGRESS"] },
                ]);
                assert.deepEqual(requests("StopServiceDeployment"), [
                    { serviceDeploymentArn: deployment(1), stopType: "ROLLBACK" },
                ]);
                assert.deepEqual(requests("UpdateService"), []);
            },
        );
    });

    it("is nothing to do where ECS has gone back by itself", async () => {
        const { said, stopped, updated } = await end({
            DescribeServices: () => running({ 6: 1 }),
            ...underWay({}),
        });
        assert.deepEqual(said, ["What serves now: decanter-prod:6 (1 replica)"]);
        assert.deepEqual([stopped, updated], [[], []]);
    });

    it("stops no replica where the release that serves has the same task definition", async () => {
        const { said, stopped, updated } = await end({
            DescribeServices: () => running({ 7: 3 }),
            ...underWay({ 1: 7 }),
        });
        assert.equal(said.at(-1), "What runs now: decanter-prod:7 (3 replicas)");
        assert.equal(stopped.length, 1);
        assert.deepEqual(updated, []);
    });

    it("is that no replica runs where there is nothing to go back to", async () => {
        const { said, stopped, updated } = await end(
            { DescribeServices: () => running({ 7: 1 }), ...underWay({ 1: 7 }) },
            { hadNone: true },
        );
        assert.deepEqual(said, [
            "As there is no release to go back to, ECS stops all replicas; the next pulumi up starts them again",
            "Nothing serves now",
        ]);
        assert.deepEqual(
            [stopped, updated],
            [[], [{ cluster: "hello-1", service: "hello-2", desiredCount: 0 }]],
        );
    });

    it("never stops replicas of another release, whatever is known of earlier deploys", async () => {
        const { said, stopped, updated } = await end(
            { DescribeServices: () => running({ 6: 2, 7: 2 }), ...underWay({ 1: 7 }) },
            { hadNone: true },
        );
        assert.equal(said.at(-1), "What serves now: decanter-prod:6 (2 replicas)");
        assert.equal(stopped.length, 1);
        assert.deepEqual(updated, []);
    });

    it("is there already where no service was made", async () => {
        for (const services of [[], [{ status: "INACTIVE" }]]) {
            const { said, updated } = await end(
                { DescribeServices: () => ({ services }) },
                { hadNone: true },
            );
            assert.deepEqual(said, ["Nothing serves now: ECS has no service that runs"]);
            assert.deepEqual(updated, []);
        }
    });

    it("names what goes on where ECS cannot be told, and how to tell it", async () => {
        const goesOn = await end({
            DescribeServices: () => running({ 6: 2 }),
            ...underWay({ 1: 7 }),
            StopServiceDeployment: () => denied("StopServiceDeployment"),
        });
        assert.deepEqual(goesOn.said, [
            `ECS goes on with ${deployment(1)}, which could not be stopped (not authorized to perform: ecs:StopServiceDeployment): ` +
                `aws ecs stop-service-deployment --service-deployment-arn ${deployment(1)} --stop-type ROLLBACK`,
            "What serves now: decanter-prod:6 (2 replicas)",
        ]);
        const first = await end(
            { DescribeServices: () => running({ 7: 1 }), UpdateService: () => denied("UpdateService") },
            { hadNone: true },
        );
        assert.deepEqual(first.said, [
            "ECS runs replicas of it on, as they could not be stopped (not authorized to perform: ecs:UpdateService): " +
                "aws ecs update-service --cluster hello-1 --service hello-2 --desired-count 0",
            "What runs now: decanter-prod:7 (1 replica)",
        ]);
        const unknown = await end({ DescribeServices: () => denied("DescribeServices") });
        assert.deepEqual(unknown.said, [
            "What ECS runs is not known, and nothing was stopped (not authorized to perform: ecs:DescribeServices): " +
                "aws ecs describe-services --cluster hello-1 --services hello-2",
        ]);
    });
});
