import { lossOf } from "./dataLoss";
import { mask } from "./maskSecrets";

type Properties = Record<string, unknown>;

interface State {
    inputs?: Properties;
    protect?: boolean;
}

/** A step of `pulumi preview --json`, as far as it is read here. */
interface Step {
    op: string;
    urn: string;
    oldState?: State;
    newState?: State;
    diffReasons?: string[];
    replaceReasons?: string[];
    detailedDiff?: Record<string, unknown> | null;
}

interface Diagnostic {
    urn?: string;
    message?: string;
    severity?: string;
}

interface Digest {
    steps?: Step[];
    diagnostics?: Diagnostic[];
    changeSummary?: Record<string, number>;
}

/** What happens to a resource. Its values hold no secret. */
export interface Change {
    /** Pulumi's name of it, such as `update`; the steps of a replacement are one `replace`. */
    operation: string;
    name: string;
    /** Type in short, such as `aws:ec2:Instance`. */
    type: string;
    /** Properties that change. */
    properties: string[];
    /** Those of them that force a replacement. */
    forcing: string[];
    /** What speaks against it, such as "and loses its data"; undefined where nothing does. */
    danger?: string;
    /** Inputs before and after, and paths of what differs in them, as Pulumi writes paths. */
    before: Properties;
    after: Properties;
    paths: string[];
}

/** What a preview says. */
export interface Preview {
    /** In the order in which they are to be read: what is dangerous first. */
    changes: Change[];
    unchanged: number;
    warnings: string[];
    /** Why the preview has failed; empty where it has not. */
    errors: string[];
}

/**
 * Operations in the order of a table, with what they are for Pulumi's engine. Reading is none: it changes nothing, and a stack
 * of Decanter's reads its own outputs every time.
 */
const OPERATIONS: Record<string, string[]> = {
    delete: ["delete", "delete-replaced"],
    replace: ["replace", "create-replacement", "read-replacement", "import-replacement"],
    update: ["update"],
    create: ["create"],
    import: ["import"],
    discard: ["discard", "discard-replaced"],
};

/** Reads what `pulumi preview --json` has printed. What cannot be read is a preview that has failed. */
export function readPreview(json: string): Preview {
    const failed = (error: string) => ({ changes: [], unchanged: 0, warnings: [], errors: [error] });
    if (json.trim() === "")
        return failed("pulumi preview --json has printed nothing: the job's log says what it died of.");
    const digest = parse(json);
    if (digest === undefined)
        return failed(
            "What was read is not what pulumi preview --json prints (with no PULUMI_ENABLE_STREAMING_JSON_PREVIEW, and with its standard error apart): see the job's log.",
        );
    return {
        changes: changesOf(digest.steps ?? []),
        unchanged: digest.changeSummary?.same ?? 0,
        // They come in another order each time.
        warnings: messages(digest, "warning").sort(),
        errors: errorsOf(digest),
    };
}

function parse(json: string): Digest | undefined {
    try {
        const digest = JSON.parse(json) as Digest | null;
        const { steps = [], diagnostics = [] } = digest ?? {};
        const isPreview = digest?.steps !== undefined || digest?.diagnostics !== undefined;
        return isPreview && steps.every(isStep) && Array.isArray(diagnostics) ? digest : undefined;
    } catch {
        return undefined;
    }
}

function isStep(step: Step | null): boolean {
    return typeof step?.op === "string" && typeof step.urn === "string";
}

function errorsOf(digest: Digest): string[] {
    const errors = messages(digest, "error");
    const specific = errors.filter((error) => error !== "preview failed");
    if (specific.length > 0 || errors.length === 0) return specific;
    return [
        "preview failed. A policy may be broken: Pulumi's JSON does not say which, and the same preview without --json does.",
    ];
}

function messages({ diagnostics = [] }: Digest, wanted: string): string[] {
    const texts = diagnostics
        .filter(({ severity }) => severity === wanted)
        .map(({ urn, message }) => {
            const text = String(mask(message ?? "")).replace(/^(error|warning): /, "");
            return (urn === undefined ? text : `${shortType(urn)} ${nameOf(urn)}: ${text}`).trimEnd();
        });
    return [...new Set(texts)];
}

function changesOf(steps: Step[]): Change[] {
    const replaced = new Set(
        steps.filter(({ op }) => OPERATIONS.replace?.includes(op)).map(({ urn }) => urn),
    );
    const found = new Map<string, Change>();
    for (const step of steps) {
        const own = operationOf(step);
        if (own === undefined) continue;
        const operation = replaced.has(step.urn) ? "replace" : own;
        const key = `${operation} ${step.urn}`;
        // The steps of a replacement differ in what they tell: `replace` itself tells most.
        if (step.op === operation || !found.has(key)) found.set(key, changeOf(operation, step));
    }
    return [...found.values()].sort(inOrder);
}

function operationOf({ op }: Step): string | undefined {
    return Object.keys(OPERATIONS).find((operation) => OPERATIONS[operation]?.includes(op));
}

function changeOf(operation: string, step: Step): Change {
    const properties = [...(step.diffReasons ?? [])].sort();
    return {
        operation,
        name: nameOf(step.urn),
        type: shortType(step.urn),
        properties,
        forcing: [...(step.replaceReasons ?? [])].sort(),
        danger: dangerOf(operation, step),
        before: mask(step.oldState?.inputs ?? {}) as Properties,
        after: mask(step.newState?.inputs ?? {}) as Properties,
        // A provider that tells no details names the properties.
        paths:
            Object.keys(step.detailedDiff ?? {}).length > 0
                ? Object.keys(step.detailedDiff ?? {})
                : properties,
    };
}

function dangerOf(operation: string, { urn, oldState }: Step): string | undefined {
    if (operation !== "delete" && operation !== "replace") return undefined;
    const loss = lossOf(typeOf(urn));
    const dangers = [
        ...(loss === undefined ? [] : [`and loses ${loss}`]),
        ...(oldState?.protect === true ? ["although it is protected"] : []),
    ];
    return dangers.length === 0 ? undefined : dangers.join(", ");
}

function inOrder(one: Change, other: Change): number {
    const rank = ({ danger, operation }: Change) =>
        Object.keys(OPERATIONS).indexOf(operation) - (danger === undefined ? 0 : 100);
    const name = ({ type, name }: Change) => `${type} ${name}`;
    return rank(one) - rank(other) || (name(one) < name(other) ? -1 : 1);
}

// A URN is urn:pulumi:STACK::PROJECT::TYPES::NAME, its types those of all parents and its own.
function nameOf(urn: string): string {
    return urn.split("::").slice(3).join("::");
}

function typeOf(urn: string): string {
    return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

/** As Pulumi's own output has it: without the file of the type in its module. */
function shortType(urn: string): string {
    const [module = "", file = "", type] = typeOf(urn).split(":");
    const folder = file.split("/")[0];
    return [module, ...(folder === "index" || folder === module ? [] : [folder]), type].join(":");
}
