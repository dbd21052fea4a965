import type { Token } from "./elixirTokens";

/** Marks that continue an expression, at its line's end or at the next one's beginning. */
const OPERATOR = /^(\|>|<>|\+\+|--|&&|\|\||->|=>|==|!=|[.|=+*/<>-])$/;

/** How a token changes the depth of nesting: 1, -1 or 0. */
export function nesting({ kind, text }: Token): number {
    if (kind === "mark") return "([{".includes(text) ? 1 : ")]}".includes(text) ? -1 : 0;
    if (kind === "name") return text === "do" || text === "fn" ? 1 : text === "end" ? -1 : 0;
    return 0;
}

/** The parts of code between marks that stand in no brackets. */
export function split(code: Token[], mark: string): Token[][] {
    const parts: Token[][] = [[]];
    let depth = 0;
    for (const token of code) {
        depth += nesting(token);
        if (depth === 0 && isMark(token, mark)) parts.push([]);
        else parts.at(-1)?.push(token);
    }
    return parts;
}

/** Whether code is a pair of brackets and what stands in it, and no more. */
export function isGroup(code: Token[], opening: string, closing: string): boolean {
    if (!isMark(code[0], opening) || !isMark(code.at(-1), closing)) return false;
    return endOf(code) === code.length;
}

/** Index where the value that begins at an index ends: at a comma or a closing bracket of what it stands in. */
export function endOfValue(code: Token[], start: number): number {
    let depth = 0;
    for (const [at, token] of code.entries()) {
        if (at < start) continue;
        if (depth === 0 && isMark(token, ",")) return at;
        depth += nesting(token);
        if (depth < 0) return at;
    }
    return code.length;
}

/** The expressions of code, each of which begins a line. */
export function expressions(code: Token[]): Token[][] {
    const found: Token[][] = [];
    let rest = code;
    while (rest.length > 0) {
        const end = Math.max(1, endOfExpression(rest));
        found.push(rest.slice(0, end));
        rest = rest.slice(end);
    }
    return found;
}

/** The first expression of code; none where it begins with an operator or a comma, as code behind a value does. */
export function firstExpression(code: Token[]): Token[] {
    const [first] = code;
    if (first === undefined || isOperator(first) || isMark(first, ",")) return [];
    return code.slice(0, endOfExpression(code));
}

/** The last expression of a function without arguments, by what stands behind its name; undefined of another function. */
export function resultOf(code: Token[]): Token[] | undefined {
    if (isMark(code[0], "(")) return isMark(code[1], ")") ? resultOf(code.slice(2)) : undefined;
    if (isMark(code[0], ",") && code[1]?.kind === "key" && code[1].text === "do")
        return firstExpression(code.slice(2));
    if (code[0]?.kind !== "name" || code[0].text !== "do") return undefined;
    return expressions(code.slice(1, endOf(code) - 1)).at(-1);
}

/** Index behind the bracket, or the `end`, that closes what code begins with. */
function endOf(code: Token[]): number {
    let depth = 0;
    const end = code.findIndex((token) => (depth += nesting(token)) === 0);
    return end < 0 ? code.length : end + 1;
}

function endOfExpression(code: Token[]): number {
    let depth = 0;
    for (const [at, token] of code.entries()) {
        const continues = isOperator(token) || (at > 0 && isOperator(code[at - 1] as Token));
        if (depth === 0 && at > 0 && token.isFirst && !continues) return at;
        if (depth === 0 && (isMark(token, ",") || isMark(token, ";"))) return at;
        depth += nesting(token);
        if (depth < 0) return at;
    }
    return code.length;
}

function isMark(token: Token | undefined, text: string): boolean {
    return token?.kind === "mark" && token.text === text;
}

function isOperator({ kind, text }: Token): boolean {
    return kind === "mark" && OPERATOR.test(text);
}
