import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import { Network, type NetworkArgs } from "../../../components/aws/network";
import { DockerService, type DockerServiceArgs } from "../../../components/dockerHost/dockerService";
import { Router, type RouterArgs } from "../../../components/dockerHost/router";
import { FargateService, type FargateServiceArgs } from "../../../components/fargate/fargateService";
import { LoadBalancer, type LoadBalancerArgs } from "../../../components/fargate/loadBalancer";
import { ReleaseTask, type ReleaseTaskArgs } from "../../../components/fargate/releaseTask";
import { mockPulumi, settled } from "../../support/mockPulumi";

const health = { port: 4000, path: "/health" };
const none = pulumi.output<Record<string, string>>({});

// What is not part of an argument's check is never looked at where the check throws.
const service = (given: Partial<DockerServiceArgs>) =>
    new DockerService("web", {
        ...{ image: "web@sha256:1", version: "1.0.0", env: {}, secrets: none, health },
        ...given,
    } as DockerServiceArgs);
const router = (given: Partial<RouterArgs>) =>
    new Router("web", { image: "haproxy:3", publicPort: 80, health, ...given });
const network = (given: NetworkArgs) => new Network("web", given);
const balancer = (given: Partial<LoadBalancerArgs>) =>
    new LoadBalancer("web", {
        ...{ vpcId: "vpc-1", subnetIds: ["subnet-1", "subnet-2"], certificateArn: "arn", health },
        drainSeconds: 30,
        ...given,
    });
const task = (given: Partial<ReleaseTaskArgs>) =>
    new ReleaseTask("web", {
        ...{ health, limits: { cpus: "1", memoryMb: 2048 }, drainSeconds: 30, platform: "linux/arm64" },
        ...given,
    } as ReleaseTaskArgs);
const fargate = (given: Partial<FargateServiceArgs>) =>
    new FargateService("web", { health, replicas: 2, ...given } as FargateServiceArgs);

const wrong: [make: () => unknown, message: string][] = [
    [() => service({ replicas: 9 }), "DockerService web: replicas must be a whole number from 1 to 8, got 9"],
    [
        () => service({ replicas: 1.5 }),
        "DockerService web: replicas must be a whole number from 1 to 8, got 1.5",
    ],
    [
        () => service({ health: { ...health, path: "no slash" } }),
        'DockerService web: health.path must be a path that begins with /, without quotes and spaces, got "no slash"',
    ],
    [
        () => service({ health: { ...health, bakeSeconds: -1 } }),
        "DockerService web: health.bakeSeconds must be a whole number from 0 to 3600, got -1",
    ],
    [
        () => service({ health: { ...health, bootSeconds: 0 } }),
        "DockerService web: health.bootSeconds must be a whole number from 1 to 3600, got 0",
    ],
    [
        () => service({ drainSeconds: 0 }),
        "DockerService web: drainSeconds must be a whole number from 1 to 3600, got 0",
    ],
    [
        () => service({ migration: { command: "bin/migrate", seconds: 0 } }),
        "DockerService web: migration.seconds must be a whole number from 1 to 86400, got 0",
    ],
    [
        () => service({ limits: { memoryMb: 5 } }),
        "DockerService web: limits.memoryMb must be a whole number from 6 to 16777216, got 5",
    ],
    [
        () => service({ limits: { cpus: "0" } }),
        'DockerService web: limits.cpus must be a number above 0, such as "1.5", got "0"',
    ],
    [
        () => router({ publicPort: 65_536 }),
        "Router web: publicPort must be a whole number from 1 to 65535, got 65536",
    ],
    [
        () => router({ health: { port: 0, path: "/" } }),
        "Router web: health.port must be a whole number from 1 to 65535, got 0",
    ],
    [() => network({ zones: 1 }), "Network web: zones must be two or more, each in another zone, got 1"],
    [
        () => network({ zones: 3, natGateways: 2 }),
        "Network web: natGateways must be 0, 1, or one for each zone, got 2",
    ],
    [
        () => network({ existing: { vpcId: "vpc-1", publicSubnetIds: ["a"], privateSubnetIds: [] } }),
        "Network web: publicSubnetIds must be two or more, each in another zone, got 1",
    ],
    [
        () => balancer({ subnetIds: ["subnet-1"] }),
        "LoadBalancer web: subnetIds must be two or more, each in another zone, got 1",
    ],
    [
        () => balancer({ drainSeconds: 3601 }),
        "LoadBalancer web: drainSeconds must be a whole number from 0 to 3600, got 3601",
    ],
    [
        () => balancer({ health: { ...health, path: "up" } }),
        'LoadBalancer web: health.path must be a path that begins with /, without quotes and spaces, got "up"',
    ],
    [
        () => task({ platform: "linux/arm/v7" }),
        'ReleaseTask web: platform must be linux/amd64 or linux/arm64, got "linux/arm/v7"',
    ],
    [
        () => task({ drainSeconds: 121 }),
        "ReleaseTask web: drainSeconds must be a whole number from 1 to 120, got 121",
    ],
    [
        () => fargate({ replicas: 0 }),
        "FargateService web: replicas must be a whole number from 1 to 1000, got 0",
    ],
    [
        () => fargate({ scaling: { max: 1, cpuPercent: 60, requestsPerMinute: 0 } }),
        "FargateService web: scaling.max must be a whole number from 2 to 1000, got 1",
    ],
];

describe("the arguments of a component that is used alone", () => {
    for (const [make, message] of wrong) {
        it(`are refused before anything is declared: ${message}`, async () => {
            const recorded = await mockPulumi();
            assert.throws(
                make,
                (error: Error) => pulumi.RunError.isInstance(error) && error.message === message,
            );
            await settled();
            assert.deepEqual(recorded, []);
        });
    }
});
