import * as pulumi from "@pulumi/pulumi";
import { valueOf } from "../release/valueOf";
import type { FargateServiceArgs } from "./fargateService";
import { endRefused } from "./refusedService";
import { deployAgain } from "./serviceDeployment";
import { LOG_STREAM_PREFIX } from "./taskContainer";
import { taskMigration } from "./taskMigration";
import { explainTasks, type TaskLog } from "./taskReport";

/** Inputs of a service that its hooks look at; they are outputs too. */
interface Inputs {
    name?: string;
    taskDefinition?: string;
}

/** Where a service runs. */
interface ServicePlace {
    /** Cluster, by name. */
    cluster: pulumi.Output<string>;
    /** Security group of the replicas. */
    securityGroup: pulumi.Output<string>;
    /** How long ECS may take for a deploy, in minutes. */
    minutes: number;
}

/**
 * Hooks of a service on ECS: it migrates before the service is made or changed, deploys what an earlier deploy has failed
 * with, and where ECS or the provider refuses a release nothing of it runs on, and the log says why.
 */
export function serviceHooks(
    name: string,
    args: FargateServiceArgs,
    place: ServicePlace,
    resource: pulumi.Resource,
): pulumi.ResourceHookBinding & { onError: pulumi.ErrorHook[] } {
    const { task, region, replicas } = args;
    const { minutes } = place;
    const migrateHooks = migrationHook(name, args, place);

    /** Ends what runs of a release that was refused. AWS's reason names no exit code, and not a word of what it said. */
    const refuse = async (service: string, hadNone: boolean) => {
        const [cluster, taskDefinition] = await Promise.all([valueOf(place.cluster), valueOf(task.arn)]);
        const known = { ...(await taskLogOf(args)), cluster, taskDefinition };
        const outcome = await endRefused({ region, cluster, service, taskDefinition, hadNone });
        await explainTasks({ ...known, family: task.family, outcome }, resource);
    };
    const againHook = new pulumi.ResourceHook(`${name}-again`, async ({ oldOutputs, newInputs }) => {
        const { name: service = "" } = newInputs as Inputs;
        const [cluster, taskDefinition] = await Promise.all([valueOf(place.cluster), valueOf(task.arn)]);
        // The engine keeps the inputs from before an update that has failed; the provider compares with its outputs.
        const before = (oldOutputs as Inputs | undefined)?.taskDefinition;
        const refused = (hadNone: boolean) => refuse(service, hadNone);
        await deployAgain({ region, cluster, service, taskDefinition, before, replicas, minutes, refused });
    });
    const explainHook = new pulumi.ErrorHook(
        `${name}-explain`,
        async ({ failedOperation, newInputs, oldInputs }) => {
            if (failedOperation === "delete") return false;
            const { name: service = "", taskDefinition } = newInputs as Inputs;
            const isOther = (oldInputs as Inputs | undefined)?.taskDefinition !== taskDefinition;
            // A service that was to be made has not served yet, whatever another one does.
            await refuse(service, failedOperation === "create" || (args.isFirst && isOther));
            return false;
        },
    );
    return { beforeCreate: migrateHooks, beforeUpdate: [...migrateHooks, againHook], onError: [explainHook] };
}

/** Migrates before the service changes, if it gets another task definition. */
function migrationHook(name: string, args: FargateServiceArgs, place: ServicePlace): pulumi.ResourceHook[] {
    const { migration, network, task } = args;
    if (migration === undefined) return [];
    const run = async ({ oldInputs }: pulumi.ResourceHookArgs) => {
        const taskDefinition = await valueOf(task.arn);
        if ((oldInputs as Inputs | undefined)?.taskDefinition === taskDefinition) return;
        await taskMigration({
            ...(await taskLogOf(args)),
            cluster: await valueOf(place.cluster),
            taskDefinition,
            ...migration,
            subnets: await valueOf(pulumi.all(network.releaseSubnetIds)),
            securityGroups: [await valueOf(place.securityGroup)],
            assignPublicIp: network.publicAddresses,
        });
    };
    return [new pulumi.ResourceHook(`${name}-migrate`, run)];
}

async function taskLogOf({ region, task, logGroup, secrets }: FargateServiceArgs): Promise<TaskLog> {
    return {
        region,
        container: task.containerName,
        logGroup: await valueOf(pulumi.output(logGroup)),
        streamPrefix: LOG_STREAM_PREFIX,
        secrets: Object.values(await valueOf(secrets)),
    };
}
