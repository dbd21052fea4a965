import { strict as assert } from "node:assert";
import { tokens } from "../../../../stacks/config/elixirTokens";

const cases: [source: string, expected: string[]][] = [
    ['a: :b # c: "d"\n"e" ', ["key a", "atom b", "string e"]],
    ['"a # no comment" "b\\"c" "\\\\" d', ["string a # no comment", 'string b"c', "string \\", "name d"]],
    ['"""\n"quotes" # here\n""" x', ['string \n"quotes" # here\n', "name x"]],
    ["'a\"b' '''\n'c'\n''' x", ['string a"b', "string \n'c'\n", "name x"]],
    [
        '~s(a " b) ~S"#{c} \\" d" ~w[e f]a ~r/"#/ ~HTML"""\n"g\n""" h',
        ['string a " b', 'string #{c} \\" d', "words e f", 'sigil "#', 'sigil \n"g\n', "name h"],
    ],
    ['?" "a" ?\\" ?# b? :c?', ["mark ?", "string a", "mark ?", "mark ?", "name b?", "atom c?"]],
    ['@version "1" @doc', ["attribute version", "string 1", "attribute doc"]],
    [
        ':"a b" "c d": 1 A.b e:: f::g',
        [
            "atom a b",
            "key c d",
            "mark 1",
            "name A",
            "mark .",
            "name b",
            "name e",
            "mark ::",
            "name f",
            "mark ::",
            "name g",
        ],
    ],
    [
        "a ++ [b | c] |> d <> e",
        [
            "name a",
            "mark ++",
            "mark [",
            "name b",
            "mark |",
            "name c",
            "mark ]",
            "mark |>",
            "name d",
            "mark <>",
            "name e",
        ],
    ],
    ['"never closed', ["string never closed"]],
];

describe("the tokens of Elixir source", () => {
    for (const [source, expected] of cases) {
        it(`of ${JSON.stringify(source)}`, () =>
            assert.deepEqual(
                tokens(source).map(({ kind, text }) => `${kind} ${text}`),
                expected,
            ));
    }

    it("hold what a string interpolates, with strings and braces of its own", () => {
        const [string, after] = tokens('"a#{b["}"] |> c(%{d: "#{e}"})}f" g');
        const [text, code] = string?.inside ?? [];
        assert.deepEqual([text?.text, code?.kind, string?.text, after?.text], ["a", "code", "f", "g"]);
        const words = code?.inside.map(({ kind, text: each }) => `${kind} ${each}`).join(", ");
        assert.equal(
            words,
            "name b, mark [, string }, mark ], mark |>, name c, mark (, mark %, mark {, key d, string , mark }, mark )",
        );
    });

    it("say which is the first on its line", () => {
        const first = tokens("a b # c\n  d\n\n# e\nf").filter(({ isFirst }) => isFirst);
        assert.deepEqual(
            first.map(({ text }) => text),
            ["a", "d", "f"],
        );
    });
});
