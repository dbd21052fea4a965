import { firstExpression, isGroup, resultOf, split } from "./elixirSyntax";
import { type Token, tokens } from "./elixirTokens";

/** The value of an expression, as far as it can be told without running it. */
export type Value =
    | { kind: "string"; text: string }
    | { kind: "atom"; text: string }
    | { kind: "list"; pairs: Map<string, Value>; isWhole: boolean }
    | { kind: "unknown" };

const UNKNOWN: Value = { kind: "unknown" };
/** Deeper than that, functions call each other in a circle. */
const DEEPEST = 20;

/** Tells what functions of a module return that is one file of Elixir source, such as a mix.exs. */
export class ElixirValues {
    /** The expressions that attributes and functions without arguments stand for; undefined where there are several. */
    private readonly attributes = new Map<string, Token[] | undefined>();
    private readonly functions = new Map<string, Token[] | undefined>();
    private depth = 0;

    /**
     * @param source text of the file
     * @param read tells what a file holds, by its path as the source has it; undefined where there is none
     */
    constructor(
        source: string,
        private readonly read: (file: string) => string | undefined,
    ) {
        const all = tokens(source);
        all.forEach((token, at) => {
            if (token.kind === "attribute" && token.isFirst) {
                note(this.attributes, token.text, firstExpression(all.slice(at + 1)));
            }
            if (token.kind !== "name" || !/^defp?$/.test(token.text)) return;
            const result = resultOf(all.slice(at + 2));
            if (result !== undefined) note(this.functions, all[at + 1]?.text ?? "", result);
        });
    }

    /** What a function without arguments returns. */
    call(name: string): Value {
        return this.refer(this.functions.get(name));
    }

    private refer(expression: Token[] | undefined): Value {
        if (expression === undefined || this.depth > DEEPEST) return UNKNOWN;
        this.depth += 1;
        const value = this.evaluate(expression);
        this.depth -= 1;
        return value;
    }

    private evaluate(expression: Token[]): Value {
        const [first = [], ...calls] = split(expression, "|>");
        const start = this.joined(first);
        return calls.reduce((value, call) => this.called(call, [value]), start);
    }

    private joined(expression: Token[]): Value {
        for (const operator of ["<>", "++"]) {
            const parts = split(expression, operator);
            if (parts.length > 1) return parts.map((part) => this.single(part)).reduce(join);
        }
        return this.single(expression);
    }

    private single(expression: Token[]): Value {
        const [first] = expression;
        if (first === undefined) return UNKNOWN;
        if (isGroup(expression, "[", "]")) return this.list(expression.slice(1, -1));
        if (isGroup(expression, "(", ")")) return this.evaluate(expression.slice(1, -1));
        if (first.kind === "name") return this.called(expression, []);
        if (expression.length > 1) return UNKNOWN;
        if (first.kind === "string") return this.interpolated(first);
        if (first.kind === "atom") return { kind: "atom", text: first.text };
        return first.kind === "attribute" ? this.refer(this.attributes.get(first.text)) : UNKNOWN;
    }

    private list(inside: Token[]): Value {
        const pairs = new Map<string, Value>();
        let isWhole = true;
        for (const element of split(inside, ",").filter(({ length }) => length > 0)) {
            const [name] = element;
            const tuple = isGroup(element, "{", "}") ? split(element.slice(1, -1), ",") : [];
            if (name?.kind === "key" && name.inside.length === 0) {
                pairs.set(name.text, this.evaluate(element.slice(1)));
            } else if (tuple.length === 2) {
                const [key = [], value = []] = tuple;
                const known = this.evaluate(key);
                if (known.kind === "atom") pairs.set(known.text, this.evaluate(value));
                else isWhole = false;
            } else {
                isWhole = false;
            }
        }
        return { kind: "list", pairs, isWhole };
    }

    private interpolated({ text, inside }: Token): Value {
        const parts = inside.map(({ kind, text: written, inside: code }) =>
            kind === "code" ? this.evaluate(code) : ({ kind: "string", text: written } as const),
        );
        return [...parts, { kind: "string", text } as const].reduce(join);
    }

    /** The value of a call, such as `File.read!("VERSION")`, or `releases`. */
    private called(call: Token[], piped: Value[]): Value {
        const open = call.findIndex(({ kind, text }) => kind === "mark" && text === "(");
        const name = call.slice(0, open < 0 ? undefined : open);
        if (open >= 0 && !isGroup(call.slice(open), "(", ")")) return UNKNOWN;
        const given = open < 0 ? [] : split(call.slice(open + 1, -1), ",").filter(({ length }) => length > 0);
        const values = [...piped, ...given.map((each) => this.evaluate(each))];
        const spelled = name.map(({ text }) => text).join("");
        if (spelled === "__DIR__") return { kind: "string", text: "." };
        if (values.length === 0) return name.length === 1 ? this.call(spelled) : UNKNOWN;
        const texts = values.map((value) => (value.kind === "string" ? value.text : undefined));
        return applied(spelled, texts, this.read);
    }
}

/** The value of a call of Elixir's own functions on strings; one that is not known is undefined. */
function applied(
    name: string,
    given: (string | undefined)[],
    read: (file: string) => string | undefined,
): Value {
    const [first, second, ...more] = given;
    if (first === undefined || (given.length > 1 && second === undefined) || more.length > 0) return UNKNOWN;
    const arity = `${name}/${given.length}`;
    switch (arity) {
        case "File.read!/1":
            return stringOf(read(first));
        case "String.trim/1":
            return stringOf(first.trim());
        case "String.trim_trailing/1":
            return stringOf(first.trimEnd());
        case "Path.expand/1":
            return stringOf(first);
        case "Path.expand/2":
            return stringOf(`${second}/${first}`);
        case "Path.join/2":
            return stringOf(`${first}/${second}`);
        default:
            return UNKNOWN;
    }
}

function stringOf(text: string | undefined): Value {
    return text === undefined ? UNKNOWN : { kind: "string", text };
}

function join(one: Value, other: Value): Value {
    if (one.kind === "string" && other.kind === "string") return stringOf(one.text + other.text);
    if (one.kind !== "list" && other.kind !== "list") return UNKNOWN;
    const lists = [one, other].filter((value) => value.kind === "list");
    const isWhole = lists.length === 2 && lists.every((value) => value.isWhole);
    return { kind: "list", pairs: new Map(lists.flatMap(({ pairs }) => [...pairs])), isWhole };
}

function note(known: Map<string, Token[] | undefined>, name: string, expression: Token[]): void {
    // A use of an attribute may be the first on its line, as a function's result.
    if (expression.length === 0) return;
    known.set(name, known.has(name) ? undefined : expression);
}
