/** A token of Elixir source. Comments and white space are none. */
export interface Token {
    /**
     * `key` is the name before the colon in `name: value`, `attribute` the name in `@name`, `code` what stands in `#{}`; a
     * `mark` is all the rest.
     */
    kind: "string" | "words" | "sigil" | "atom" | "key" | "name" | "attribute" | "code" | "mark";
    /** What it holds, without quotes, colon or `@`. */
    text: string;
    /** Of a string its parts up to the last `#{}`, each a string or code; of code its tokens. */
    inside: Token[];
    /** Whether it is the first on its line. */
    isFirst: boolean;
}

const CLOSING: Record<string, string> = { "(": ")", "[": "]", "{": "}", "<": ">" };
const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r", s: " ", "0": "\0" };
const NAME = /[\p{L}_][\p{L}\p{N}_]*[?!]?/uy;
const MARK = /->|<-|<>|\|>|\+\+|--|=>|==|!=|&&|\|\||::|\.\.|./suy;

/** The tokens of Elixir source: enough of the language to tell code from comments, strings, heredocs and sigils. */
export function tokens(source: string): Token[] {
    return new Lexer(source).until();
}

class Lexer {
    private at = 0;

    constructor(private readonly source: string) {}

    /** The tokens up to a closing brace that nothing has opened, or up to the end. */
    until(end?: "}"): Token[] {
        const found: Token[] = [];
        let depth = 0;
        while (this.at < this.source.length) {
            if (this.take(/\s+|#[^\n]*/y) !== undefined) continue;
            const isFirst = /(^|\n)[^\S\n]*$/.test(this.source.slice(Math.max(0, this.at - 200), this.at));
            const token = { ...this.next(), isFirst };
            if (token.kind === "mark" && token.text === "{") depth += 1;
            if (token.kind === "mark" && token.text === "}") {
                if (end !== undefined && depth === 0) return found;
                depth -= 1;
            }
            found.push(token);
        }
        return found;
    }

    private next(): Token {
        const quote = this.take(/"""|'''|["']/y);
        if (quote !== undefined) return this.keyOr({ ...this.quoted(quote, true), kind: "string" });
        if (this.take(/\?(\\.|[^\s])/suy) !== undefined) return token("mark", "?");
        const sigil = /^~([a-z]|[A-Z][A-Z0-9]*)/.exec(this.source.slice(this.at, this.at + 20))?.[1];
        if (sigil !== undefined) return this.sigil(sigil);
        if (this.take(/:(?=["'])/y) !== undefined) {
            return { ...this.quoted(this.take(/["']/y) ?? "", true), kind: "atom" };
        }
        if (this.take(/:(?=[\p{L}_])/uy) !== undefined) {
            return token("atom", this.take(/[\p{L}_][\p{L}\p{N}_@]*[?!]?/uy) ?? "");
        }
        if (this.take(/@(?=[\p{Ll}_])/uy) !== undefined) return token("attribute", this.take(NAME) ?? "");
        const name = this.take(NAME);
        if (name !== undefined) return this.keyOr(token("name", name));
        return token("mark", this.take(MARK) ?? "");
    }

    /** A token, or a key where its colon comes next. */
    private keyOr(found: Token): Token {
        return this.take(/:(?=\s)/y) === undefined ? found : { ...found, kind: "key" };
    }

    private sigil(name: string): Token {
        this.at += 1 + name.length;
        const opening = this.take(/"""|'''|./suy) ?? "";
        const isRaw = /^[A-Z]/.test(name);
        const found = this.quoted(opening, !isRaw);
        this.take(/[A-Za-z]*/y);
        return { ...found, kind: /^[sS]$/.test(name) ? "string" : /^[wW]$/.test(name) ? "words" : "sigil" };
    }

    /** What stands up to the closing quote of an opening one that was taken. */
    private quoted(opening: string, interpolates: boolean): Omit<Token, "kind"> {
        const closing = CLOSING[opening] ?? opening;
        const inside: Token[] = [];
        let text = "";
        while (this.at < this.source.length && !this.source.startsWith(closing, this.at)) {
            if (this.source[this.at] === "\\") {
                const escaped = this.source[this.at + 1] ?? "";
                text += interpolates ? (ESCAPES[escaped] ?? escaped) : `\\${escaped}`;
                this.at += 2;
            } else if (interpolates && this.source.startsWith("#{", this.at)) {
                this.at += 2;
                inside.push(token("string", text), { ...token("code", ""), inside: this.until("}") });
                text = "";
            } else {
                text += this.source[this.at];
                this.at += 1;
            }
        }
        this.at += closing.length;
        return { text, inside, isFirst: false };
    }

    private take(pattern: RegExp): string | undefined {
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.source)?.[0];
        this.at += found?.length ?? 0;
        return found === "" ? undefined : found;
    }
}

function token(kind: Token["kind"], text: string): Token {
    return { kind, text, inside: [], isFirst: false };
}
