import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { containerDefaults, type Labels, limitsOptions, toLabels } from "../docker/containerDefaults";
import { DockerHost } from "../docker/dockerHost";
import { containerLimits, type Limits } from "../release/limits";
import {
    MIGRATION_SECONDS,
    migrationCommand,
    missingShell,
    type ReleaseMigration,
} from "../release/migrationCommand";
import { sharedHook } from "../release/sharedHook";
import { valueOf } from "../release/valueOf";
import { inspect, report, stopped } from "./containerReport";
import { explainMissing } from "./missingImage";

export interface MigrationArgs extends ReleaseMigration {
    /** Image of the new release, by digest. */
    image: pulumi.Input<string>;
    /** Environment of the release, NAME=value. */
    envs: pulumi.Input<pulumi.Input<string>[]>;
    /** Network of the release. */
    networkName: pulumi.Input<string>;
    /** As the release has them. */
    limits?: Limits;
    /** Values that no error shows. */
    secrets: pulumi.Output<string[]>;
    labels?: Labels;
}

/**
 * A command that runs once per deploy in the new image, before any container of the new release is made. The container
 * is declared and not started: the hook starts it, so that a failure stops the deploy and the next `pulumi up` runs it
 * again.
 */
export class Migration extends pulumi.ComponentResource {
    /** Runs the migration, once per `pulumi up`; throws with its last lines if it fails. For `beforeCreate`. */
    public readonly migrateHook: pulumi.ResourceHook;

    constructor(name: string, args: MigrationArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:Migration", name, {}, opts);

        const host = DockerHost.of(this);
        const explainHook = new pulumi.ErrorHook(`${name}-missing`, () =>
            explainMissing(host, args.image, this),
        );
        const [shell, option, script] = migrationCommand(args.command);
        const container = new docker.Container(
            name,
            {
                ...containerDefaults,
                image: args.image,
                entrypoints: [shell, option],
                command: [script],
                envs: args.envs,
                networkMode: args.networkName,
                networksAdvanced: [{ name: args.networkName }],
                ...containerLimits(args.limits),
                labels: toLabels(args.labels),
                start: false,
                mustRun: false,
            },
            { parent: this, deleteBeforeReplace: false, hooks: { onError: [explainHook] }, ...limitsOptions },
        );

        this.migrateHook = sharedHook(name, () => migrate(host, args, container));
        this.registerOutputs({});
    }
}

async function migrate(
    host: DockerHost,
    { command, seconds = MIGRATION_SECONDS, secrets }: MigrationArgs,
    container: docker.Container,
): Promise<void> {
    const [id, hidden] = await Promise.all([valueOf(container.id), valueOf(secrets)]);
    const { code, output } = await host.run(["start", "--attach", id], seconds);
    if (code === 0) return;
    // The time limit has ended Docker's command line alone.
    if (code === 124) await host.run(["stop", id]);
    const [state] = await inspect(host, [id]);
    const problem =
        code === 124
            ? `took longer than ${seconds} s (migrateSeconds)`
            : // Docker says why where the command could not even be started.
              ((state && (await stopped(host, state))) ??
              `could not be started (${output.trim()})${missingShell(output)}`);
    throw new Error(
        `the migration "${command}" failed, so nothing of the new release is started, and the next pulumi up migrates again: ` +
            (state ? await report(host, state, problem, hidden, output) : problem),
    );
}
