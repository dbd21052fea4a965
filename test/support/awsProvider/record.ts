import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Properties of a resource. They come from the program under test, so nothing here knows their shapes. */
export type Properties = Record<string, any>;

/** Something that the engine asked for: a line when it begins, and one when it ends. */
export interface Operation {
    /** Milliseconds since 1970. */
    time: number;
    phase: "begin" | "end";
    /** The same in both lines of an operation. */
    call: string;
    op: "check" | "diff" | "create" | "read" | "update" | "delete" | "invoke";
    /** Type of the resource, or the function's token. */
    type: string;
    /** Name in the program; empty for a function. */
    name: string;
    /** Whether it is only planned. */
    preview: boolean;
    id?: string;
    /** What was given, secrets in the clear: the engine hands them so to the real provider too. */
    inputs?: Properties;
    /** What was answered; only at the end. */
    outputs?: Properties;
    /** Why it failed; only at the end. */
    error?: string;
}

/** What is to happen to the operations of a type, of a type and a name, or of a function. */
export interface Order {
    /** Fails with this message. */
    fail?: string;
    /** Whether what fails is there nevertheless, as an ECS service that does not get steady. */
    half?: boolean;
    /** Takes so long. */
    slowMs?: number;
    /** Only these operations; without it creates, updates, deletes and invokes. */
    on?: Operation["op"][];
    /** What a function answers, over what it would. */
    returns?: Properties;
}

/** A change that has failed, although it was made. */
export class HalfMade extends Error {
    constructor(
        message: string,
        readonly id: string,
        readonly outputs: Properties,
    ) {
        super(message);
    }
}

/** The folder of the test's files; `AwsStandIn` makes it. */
function file(name: string): string {
    return path.join(process.env.DECANTER_AWS_STAND_IN ?? ".", name);
}

/** What the test wants of a type, or of a type and a name. It is read again each time. */
export function orderFor({ op, type, name }: Pick<Operation, "op" | "type" | "name">): Order {
    const orders = readJson<Record<string, Order>>("orders.json");
    const order = orders[`${type} ${name}`] ?? orders[type] ?? {};
    const on = order.on ?? ["create", "update", "delete", "invoke"];
    return on.includes(op) ? order : {};
}

/** Counts, over all runs of the plugin: 1 at first. */
export function next(counter: string): number {
    const counters = readJson<Record<string, number>>("counters.json");
    const count = (counters[counter] ?? 0) + 1;
    fs.writeFileSync(file("counters.json"), JSON.stringify({ ...counters, [counter]: count }));
    return count;
}

function readJson<T extends object>(name: string): T {
    return (fs.existsSync(file(name)) ? JSON.parse(fs.readFileSync(file(name), "utf8")) : {}) as T;
}

let calls = 0;

/** Writes an operation down, and carries it out as the test wants it. */
export async function carryOut<T extends { id?: string; outputs?: Properties }>(
    given: Omit<Operation, "time" | "phase" | "call">,
    work: () => T,
): Promise<T> {
    const operation = { ...given, call: `${process.pid}-${++calls}` };
    const write = (phase: Operation["phase"], more: Partial<Operation> = {}) => {
        const line = { time: Date.now(), phase, ...operation, ...more };
        fs.appendFileSync(file("operations.jsonl"), `${JSON.stringify(line)}\n`);
    };
    write("begin");
    try {
        const order = given.preview ? {} : orderFor(given);
        if (order.slowMs !== undefined) await sleep(order.slowMs);
        if (order.fail !== undefined && !order.half) throw new Error(order.fail);
        const made = work();
        if (order.fail !== undefined)
            throw new HalfMade(order.fail, made.id ?? given.id ?? "", made.outputs ?? {});
        write("end", { id: made.id ?? given.id, outputs: made.outputs });
        return made;
    } catch (error) {
        write("end", { error: (error as Error).message });
        throw error;
    }
}
