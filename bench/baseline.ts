import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import { toLabels } from "../components/docker/containerDefaults";
import { LocalRegistry } from "../components/dockerHost/localRegistry";
import { ReleaseImage } from "../components/image/releaseImage";
import { releaseEnv } from "../components/release/releaseEnv";
import { ReleaseSecrets } from "../components/release/releaseSecrets";
import { readConfig } from "../stacks/config/config";
import type { Deployer } from "../test/support/deploys";
import { settingsOf } from "../test/support/mockPulumi";
import { countChanges } from "../test/support/realEngine";

/**
 * What Decanter is compared with: the same image in a container as the provider's manual has it, with a port of the
 * host and without any option. The provider replaces such a container by removing the old one first.
 */
export function plainContainer(): Record<string, unknown> {
    const config = readConfig();
    const { release: name } = config;
    const labels = { "decanter.stack": `${pulumi.getProject()}/${pulumi.getStack()}` };
    const registry = new LocalRegistry(`${name}-registry`, { image: config.registryImage, labels });
    const image = new ReleaseImage(name, {
        ...config,
        repository: pulumi.interpolate`${registry.address}/${name}`,
    });
    const secrets = new ReleaseSecrets(name);
    const container = new docker.Container(name, {
        image: image.ref,
        envs: secrets.env.apply((secret) =>
            Object.entries({
                ...releaseEnv({ port: config.health.port, domain: config.domain, env: config.env }),
                ...secret,
            }).map(([key, value]) => `${key}=${value}`),
        ),
        ports: [{ internal: config.health.port, external: config.publicPort, ip: config.bindAddress }],
        restart: "unless-stopped",
        labels: toLabels(labels),
    });
    return { image: image.ref, containers: [container.name] };
}

/** Deploys `plainContainer` with Pulumi's engine, in a project, a folder and a state of its own. */
export class Baseline implements Deployer {
    outputs: Deployer["outputs"] = {};
    private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-baseline-"));
    private opened?: Promise<Stack>;

    constructor(private readonly name: string) {}

    async up(settings: Record<string, unknown>): Promise<number> {
        const stack = await this.stack();
        const config = Object.entries(settingsOf(settings)).map(([key, value]) => [key, { value }] as const);
        await stack.setAllConfig(Object.fromEntries(config));
        const { summary, outputs } = await stack.up();
        this.outputs = Object.fromEntries(
            Object.entries(outputs).map(([key, { value }]) => [key, value as unknown]),
        );
        return countChanges(summary.resourceChanges);
    }

    async destroy(): Promise<void> {
        if (!fs.existsSync(this.folder)) return;
        const stack = await this.stack();
        await stack.destroy();
        fs.rmSync(this.folder, { recursive: true });
    }

    private stack(): Promise<Stack> {
        // The settings have Decanter's names, so the project has too.
        const program = () => Promise.resolve(plainContainer());
        this.opened ??= LocalWorkspace.createOrSelectStack(
            { stackName: this.name, projectName: "decanter", program },
            {
                workDir: this.folder,
                envVars: { PULUMI_BACKEND_URL: `file://${this.folder}`, PULUMI_CONFIG_PASSPHRASE: "test" },
            },
        );
        return this.opened;
    }
}
