import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as os from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import type { Operation, Order } from "./awsProvider/record";

/** A change of a resource, from its beginning to its end. */
export interface Change extends Omit<Operation, "phase" | "time"> {
    /** Milliseconds since 1970. */
    begin: number;
    /** Nothing where the plugin was killed. */
    end?: number;
}

/**
 * A stand-in for AWS, for tests with Pulumi's engine: programs with @pulumi/aws run, nothing is made, and every operation
 * is written down. Hand `env` to `RealEngine`.
 */
export class AwsStandIn {
    /** Where the plugin and its files are. */
    readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-aws-"));
    /** Environment of the engine. */
    readonly env: Record<string, string>;

    /** @param registry host of a registry that stands in for ECR, such as 127.0.0.1:5000 */
    constructor(registry?: string) {
        const loader = createRequire(__filename).resolve("tsx");
        const command = [
            process.execPath,
            "--import",
            pathToFileURL(loader).href,
            path.join(__dirname, "awsProvider.ts"),
        ];
        const script = `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(" ")} "$@"\n`;
        fs.writeFileSync(path.join(this.folder, "pulumi-resource-aws"), script, { mode: 0o755 });
        this.env = {
            PATH: `${this.folder}:${process.env.PATH}`,
            DECANTER_AWS_STAND_IN: this.folder,
            ...(registry === undefined ? {} : { DECANTER_AWS_REGISTRY: registry }),
        };
        this.order({});
    }

    /** Says what is to happen, by type or by type and name, instead of what was said before; {} is nothing special. */
    order(orders: Record<string, Order>): void {
        fs.writeFileSync(path.join(this.folder, "orders.json"), JSON.stringify(orders));
    }

    /** Everything that the engine has asked for, each with two lines, in the order of the lines. */
    operations(): Operation[] {
        const file = path.join(this.folder, "operations.jsonl");
        if (!fs.existsSync(file)) return [];
        const lines = fs.readFileSync(file, "utf8").trimEnd().split("\n");
        return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Operation);
    }

    /** What was created, updated and deleted, or was to be, in the order in which it began. */
    changes(): Change[] {
        const all = this.operations().filter(
            ({ op, preview }) => !preview && ["create", "update", "delete"].includes(op),
        );
        return all
            .filter(({ phase }) => phase === "begin")
            .map(({ phase: _begin, time: begin, ...operation }) => {
                const last = all.find(({ phase, call }) => phase === "end" && call === operation.call);
                const { phase: _end, time: end, ...ended } = last ?? { phase: undefined, time: undefined };
                return { ...operation, ...ended, begin, end };
            });
    }

    /** The changes in short, such as "create Instance web", with a ! where one has failed. */
    events(): string[] {
        return this.changes().map(
            ({ op, type, name, error }) =>
                `${op} ${type.split(":").at(-1)} ${name}${error === undefined ? "" : " !"}`,
        );
    }

    /** Forgets the operations so far; revisions count on. */
    clear(): void {
        fs.rmSync(path.join(this.folder, "operations.jsonl"), { force: true });
    }

    remove(): void {
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}
