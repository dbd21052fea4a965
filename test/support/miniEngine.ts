import { isDeepStrictEqual } from "node:util";
import * as grpc from "@grpc/grpc-js";
import * as pulumi from "@pulumi/pulumi";
import { CallbacksClient } from "@pulumi/pulumi/proto/callback_grpc_pb";
import { type Callback, CallbackInvokeRequest } from "@pulumi/pulumi/proto/callback_pb";
import * as resproto from "@pulumi/pulumi/proto/resource_pb";
import * as structproto from "google-protobuf/google/protobuf/struct_pb";
import type { Deployer } from "./deploys";
import { engine, HalfMade, type Host, type Made, make, type Properties, remove } from "./dockerProvider";
import { settingsOf, settled, valueOf } from "./mockPulumi";

interface State extends Made {
    type: string;
    name: string;
    inputs: Properties;
    /** Whether making it failed, so that it is made anew next time. */
    tainted: boolean;
    /** What has it replaced when it changes. */
    trigger: unknown;
}

interface Options {
    deleteBeforeReplace: boolean;
    ignoreChanges: string[];
    trigger: unknown;
    beforeCreate: string[];
    afterCreate: string[];
    onError: string[];
}

/** What the engine did: "create release-1", "hook release-healthy", "delete release-1". */
export type Event = `${"create" | "hook" | "delete" | "fail"} ${string}`;

/**
 * A small engine for tests: it runs the program and carries out what it declares on a Docker host, in
 * Pulumi's order: a resource whose inputs are the same stays; one whose inputs have changed is made anew before the old
 * one goes, or after it where the program says so; hooks run before a resource is made; what is replaced or declared no
 * more goes last, once everything else is done. It knows no updates in place: every change replaces.
 */
export class MiniEngine implements Deployer {
    /** What it did since the last `up` or `destroy` began. */
    readonly events: Event[] = [];
    /** Outputs of the last `up`. */
    outputs: Properties = {};
    private readonly states: State[] = [];
    /** Replaced, and to be removed when everything else is done. */
    private retired: State[] = [];

    constructor(
        private readonly stack: string,
        private readonly program: () => object,
        private readonly on: Host = { api: engine },
    ) {}

    /** Runs the program with settings, and returns how many resources it made and removed. Rejects with the first failure and all errors that were logged; whatever was done until then stays. */
    async up(settings: Properties): Promise<number> {
        const said: string[] = [];
        const log = pulumi.log as { error: typeof pulumi.log.error };
        const { error } = log;
        log.error = (message) => {
            said.push(message);
            return Promise.resolve();
        };
        try {
            return await this.carryOut(settings);
        } catch (failure) {
            throw new Error([...said, (failure as Error).message].join("\n"), { cause: failure });
        } finally {
            log.error = error;
        }
    }

    private async carryOut(settings: Properties): Promise<number> {
        this.events.length = 0;
        const options = new Map<string, Options>();
        const hooks = new Map<string, Callback>();
        const declared = new Set<string>();
        // As Pulumi does, a failure lets what is under way come to its end, and begins nothing new.
        const underWay = new Set<Promise<Made>>();
        let failing = false;
        let fail: (error: unknown) => void = () => undefined;
        const failed = new Promise<never>((_resolve, reject) => {
            fail = (error) => {
                failing = true;
                void Promise.allSettled(underWay).then(() => reject(error as Error));
            };
        });

        await pulumi.runtime.setMocks(
            {
                newResource: async ({ type, name, inputs }) => {
                    const key = `${type} ${name}`;
                    declared.add(key);
                    if (failing) return new Promise(() => undefined);
                    const making = this.register(
                        type,
                        name,
                        open(inputs) as Properties,
                        options.get(key),
                        hooks,
                    );
                    underWay.add(making);
                    try {
                        const made = await making;
                        return { id: made.id, state: { ...(inputs as object), ...made.outputs } };
                    } catch (error) {
                        fail(error);
                        // What depends on it must not go on.
                        return new Promise(() => undefined);
                    }
                },
                call: ({ token }) => {
                    throw new Error(`nothing answers the call of ${token}`);
                },
            },
            "decanter",
            this.stack,
            false,
            "organization",
        );
        interceptHooks(options, hooks);
        pulumi.runtime.setAllConfig(settingsOf(settings), ["decanter:secrets", "decanter:tlsCertificate"]);

        const outputs = await Promise.race([failed, Promise.resolve(this.program())]);
        await Promise.race([failed, settled()]);
        this.outputs = await Promise.race([failed, valueOf(pulumi.output(outputs))]);
        for (const state of this.states.filter(({ type, name }) => !declared.has(`${type} ${name}`)))
            this.retire(state);
        await this.removeRetired();
        return this.events.filter((event) => !event.startsWith("hook ")).length;
    }

    /** Removes everything. */
    async destroy(): Promise<void> {
        this.events.length = 0;
        for (const state of [...this.states]) this.retire(state);
        await this.removeRetired();
    }

    private async register(
        type: string,
        name: string,
        inputs: Properties,
        options: Options | undefined,
        hooks: Map<string, Callback>,
    ): Promise<Made> {
        if (type === "pulumi:pulumi:StackReference") return { id: name, outputs: { outputs: this.outputs } };
        const former = this.states.find((state) => state.type === type && state.name === name);
        // Whether an image has changed shows when it is built.
        const isImage = type === "docker:index/image:Image";
        const trigger = options?.trigger;
        if (former && !former.tainted && !isImage && !changes(former, inputs, options)) {
            // One that had none takes it over.
            former.trigger ??= trigger;
            return former;
        }

        for (const hook of options?.beforeCreate ?? []) {
            this.events.push(`hook ${hook}`);
            await invoke(hooks, hook, resproto.ResourceHookRequest, inputs);
        }
        if (former && options?.deleteBeforeReplace) {
            this.retire(former);
            await this.removeRetired((state) => state === former);
        }
        // What has gone by now goes no second time: that would take what was made last with it.
        const old = options?.deleteBeforeReplace ? undefined : former;
        try {
            const made = await make(this.on, type, name, inputs);
            if (type.startsWith("docker:index/c")) this.events.push(`create ${name}`);
            if (old) this.retire(old);
            this.states.push({ type, name, inputs, ...made, tainted: false, trigger });
            for (const hook of options?.afterCreate ?? []) {
                this.events.push(`hook ${hook}`);
                await invoke(hooks, hook, resproto.ResourceHookRequest, inputs, made);
            }
            return made;
        } catch (error) {
            this.events.push(`fail ${name}`);
            if (error instanceof HalfMade) {
                if (old) this.retire(old);
                this.states.push({ type, name, inputs, ...error.made, tainted: true, trigger });
            }
            const named = error instanceof HalfMade ? { name: error.made.outputs.name as string } : {};
            for (const hook of options?.onError ?? [])
                await invoke(hooks, hook, resproto.ErrorHookRequest, { ...inputs, ...named });
            throw error;
        }
    }

    private retire(state: State): void {
        this.states.splice(this.states.indexOf(state), 1);
        this.retired.push(state);
    }

    /** Removes last what was made first, as others may depend on it: swaps, then releases, then networks. */
    private async removeRetired(which: (state: State) => boolean = () => true): Promise<void> {
        const order = ["container", "network", "volume"];
        const rank = ({ type, name }: State) =>
            order.findIndex((kind) => type.includes(kind)) * 2 - (name.endsWith("-swap") ? 1 : 0);
        for (const state of this.retired.filter(which).sort((a, b) => rank(a) - rank(b))) {
            await remove(this.on, state.type, state, state.inputs);
            if (state.type.startsWith("docker:index/c")) this.events.push(`delete ${state.name}`);
            this.retired = this.retired.filter((other) => other !== state);
        }
    }
}

/** Whether a resource has to be made anew: what the program ignores does not count, and what it names a trigger does. */
function changes(old: State, inputs: Properties, options: Options | undefined): boolean {
    const kept = Object.fromEntries((options?.ignoreChanges ?? []).map((key) => [key, old.inputs[key]]));
    if (old.trigger !== undefined && !isDeepStrictEqual(old.trigger, options?.trigger)) return true;
    return !isDeepStrictEqual({ ...old.inputs, ...kept }, { ...inputs, ...kept });
}

/** Learns from the requests that go to the engine which hooks there are and which resource has which. */
function interceptHooks(options: Map<string, Options>, hooks: Map<string, Callback>): void {
    const monitor = pulumi.runtime.getMonitor() as unknown as {
        registerResource(request: resproto.RegisterResourceRequest, done: unknown): Promise<void>;
    };
    const registerResource = monitor.registerResource.bind(monitor);
    const registerHook = (
        request: resproto.RegisterResourceHookRequest,
        done: (error: null, answer: object) => void,
    ) => {
        hooks.set(request.getName(), request.getCallback() as Callback);
        done(null, {});
    };
    Object.assign(monitor, {
        registerResourceHook: registerHook,
        registerErrorHook: registerHook,
        registerResource: (request: resproto.RegisterResourceRequest, done: unknown) => {
            options.set(`${request.getType()} ${request.getName()}`, {
                deleteBeforeReplace: request.getDeletebeforereplace(),
                ignoreChanges: request.getIgnorechangesList(),
                trigger: request.getReplacementTrigger()?.toJavaScript(),
                beforeCreate: request.getHooks()?.getBeforeCreateList() ?? [],
                afterCreate: request.getHooks()?.getAfterCreateList() ?? [],
                onError: request.getHooks()?.getOnErrorList() ?? [],
            });
            return registerResource(request, done);
        },
    });
}

/** Calls a hook in the program, as Pulumi's engine calls it. Rejects with the hook's own text when it throws. */
async function invoke(
    hooks: Map<string, Callback>,
    name: string,
    Request: typeof resproto.ResourceHookRequest | typeof resproto.ErrorHookRequest,
    inputs: Properties,
    made: Partial<Made> = {},
): Promise<void> {
    const callback = hooks.get(name);
    if (callback === undefined) throw new Error(`no hook is named ${name}`);
    const request = new Request();
    request.setName(name);
    request.setId(made.id ?? "");
    request.setNewInputs(structproto.Struct.fromJavaScript(inputs));
    if (request instanceof resproto.ResourceHookRequest)
        request.setNewOutputs(structproto.Struct.fromJavaScript(made.outputs ?? {}));
    const call = new CallbackInvokeRequest();
    call.setToken(callback.getToken());
    call.setRequest(request.serializeBinary());
    const client = new CallbacksClient(callback.getTarget(), grpc.credentials.createInsecure());
    const bytes = await new Promise<Uint8Array>((resolve, reject) => {
        client.invoke(call, (error, response) => {
            client.close();
            if (error) reject(error);
            else resolve(response.getResponse_asU8());
        });
    });
    const message = resproto.ResourceHookResponse.deserializeBinary(bytes).getError();
    if (message !== "") throw new Error(message);
}

/** Plain values, where the program marks them as secret. */
function open(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(open);
    if (typeof value !== "object" || value === null) return value;
    const record = value as Properties;
    if ("4dabf18193072939515e22adb298388d" in record) return open(record.value);
    return Object.fromEntries(Object.entries(record).map(([key, inner]) => [key, open(inner)]));
}
