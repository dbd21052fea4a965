import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { dockerCli } from "../../components/docker/dockerCli";
import { Migration } from "../../components/dockerHost/migration";
import { migrationCommand } from "../../components/release/migrationCommand";
import { mockPulumi, settled, the } from "../support/mockPulumi";

const RUNNER = "decanter/runner:trixie";

describe("a migration in an image", function () {
    this.timeout(300_000);

    const tag = `decanter-migration-test-${process.pid}`;
    const build = async (name: string, dockerfile: string) => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-migration-"));
        fs.writeFileSync(path.join(folder, "Dockerfile"), dockerfile);
        fs.writeFileSync(path.join(folder, "migrate"), '#!/bin/sh\necho "migrated $*$A"\n', { mode: 0o755 });
        const { code, output } = await dockerCli(
            undefined,
            ["build", "-q", "-t", `${tag}-${name}`, folder],
            300,
        );
        fs.rmSync(folder, { recursive: true });
        assert.equal(code, 0, output);
    };
    before(async () => {
        await build(
            "app",
            `FROM ${RUNNER}\nWORKDIR /app\nCOPY migrate bin/migrate\nENTRYPOINT ["/usr/bin/env", "--"]\n`,
        );
        await build("bare", "FROM scratch\nCOPY migrate /app/bin/migrate\n");
    });
    after(() => dockerCli(undefined, ["rmi", "-f", `${tag}-app`, `${tag}-bare`]));

    /** The words of a container that is declared on a Docker host, of one on a host of AWS, and of a task on ECS. */
    async function runs(command: string, image = `${tag}-app`) {
        const recorded = await mockPulumi();
        new Migration("web", {
            image,
            command,
            seconds: 5,
            envs: [],
            networkName: "net",
            secrets: pulumi.output([]),
        });
        await settled();
        const { entrypoints, command: rest } = the(recorded, "Container", "web").inputs as Record<
            string,
            string[]
        >;
        const [entrypoint = "", ...words] = migrationCommand(command);
        assert.deepEqual([...(entrypoints ?? []), ...(rest ?? [])], [entrypoint, ...words]);
        const host = ["run", "--rm", "--network", "none", "--entrypoint", entrypoint, image, ...words];
        const task = ["run", "--rm", "--network", "none", image, entrypoint, ...words];
        return Promise.all([host, task].map((args) => dockerCli(undefined, args)));
    }

    for (const [command, code, output] of [
        ["bin/migrate --all", 0, "migrated --all\n"],
        ["bin/migrate && echo seeded", 0, "migrated \nseeded\n"],
        ["A=1 bin/migrate", 0, "migrated 1\n"],
        ["cd bin; ./migrate", 0, "migrated \n"],
        ["bin/migrate; false; bin/migrate", 1, "migrated \n"],
        ["bin/migrate && exit 3; bin/migrate", 3, "migrated \n"],
    ] as const) {
        it(`runs wholly, or fails, on every target: ${command}`, async () => {
            for (const result of await runs(command)) {
                assert.deepEqual([result.code, result.output], [code, output]);
            }
        });
    }

    it("says that the image has no shell", async () => {
        const hook = async () => {
            const name = `${tag}-created`;
            const [shell, ...words] = migrationCommand("bin/migrate");
            await dockerCli(undefined, [
                "create",
                "--name",
                name,
                "--entrypoint",
                shell,
                `${tag}-bare`,
                ...words,
            ]);
            await mockPulumi();
            const { migrateHook: migrated } = new Migration("web", {
                image: `${tag}-bare`,
                command: "bin/migrate",
                seconds: 30,
                envs: [],
                networkName: "net",
                secrets: pulumi.output([]),
            });
            await settled();
            await dockerCli(undefined, ["rename", name, "web-id"]);
            try {
                await migrated.callback({} as pulumi.ResourceHookArgs);
            } finally {
                await dockerCli(undefined, ["rm", "-f", "web-id"]);
            }
        };
        await assert.rejects(
            hook,
            /could not be started \([^]*The image has no \/bin\/sh, which runs the command in migrate/,
        );
    });
});
