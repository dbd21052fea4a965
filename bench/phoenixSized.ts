import * as fs from "node:fs";
import * as path from "node:path";

/**
 * Where there is no Hex, this stands for Phoenix, LiveView, Ecto and Bandit: libraries that add to a bare release what
 * these add, in bytes, and take about as long to compile. Every run writes the same.
 */

/** How many modules each library has. */
const MODULES = { barrel: 52, cellar: 36, harvest: 29, tasting: 21, vintage: 16, cork: 6 };
const FUNCTIONS_OF_A_MODULE = 60;
/** Not all that libraries bring is compiled: here are the scripts of their priv/static. */
const SCRIPT_LINES_OF_A_MODULE = 312;
/** Parts of Erlang that such an app brings with it. */
const ERLANG = [":ssl", ":runtime_tools"];

/** Gives an app the libraries, as path dependencies in libs/. */
export function addLibraries(app: string): void {
    const names = Object.keys(MODULES);
    for (const [name, modules] of Object.entries(MODULES)) {
        const write = (file: string, text: string) => {
            const target = path.join(app, "libs", name, file);
            fs.mkdirSync(path.dirname(target), { recursive: true });
            fs.writeFileSync(target, text);
        };
        const module = capitalized(name);
        write(
            "mix.exs",
            `defmodule ${module}.MixProject do\n  use Mix.Project\n` +
                `  def project, do: [app: :${name}, version: "1.0.0"]\nend\n`,
        );
        write(`lib/${name}.ex`, `defmodule ${module} do\n  def version, do: "1.0.0"\nend\n`);
        write(`priv/static/${name}.js`, script(name, modules * SCRIPT_LINES_OF_A_MODULE));
        for (let index = 1; index <= modules; index++)
            write(`lib/${name}/part_${index}.ex`, source(`${module}.Part${index}`));
    }
    const mix = path.join(app, "mix.exs");
    const text = fs.readFileSync(mix, "utf8");
    const dependencies = names.map((name) => `{:${name}, path: "libs/${name}"}`);
    fs.writeFileSync(
        mix,
        text
            .replace("deps: []", `deps: [${dependencies.join(", ")}]`)
            .replace("extra_applications: [", `extra_applications: [${ERLANG.join(", ")}, `),
    );
}

const WORDS =
    "albarino barbera cabernet dolcetto elbling furmint grenache hondarrabi isabella jacquere kerner lagrein merlot " +
    "nebbiolo ortega pinot querida riesling syrah tempranillo ugni verdejo welschriesling xinomavro zinfandel";

function script(name: string, lines: number): string {
    const { word, year, some } = generator(name);
    return some(
        lines,
        () =>
            `export const ${word()}${year()} = (${word()}) => ${word()}.${word()} > ${year()} ? "${word()}" : ${word()}();\n`,
    ).join("");
}

/** An Elixir module whose functions differ from those of every other. */
function source(module: string): string {
    const { random, word, year, some } = generator(module);
    const kinds = [
        (name: string) =>
            some(
                30,
                (clause) =>
                    `def ${name}(:${word()}, ${clause}), do: {:${word()}, ${year()}, ${random(90000)}}`,
            )
                .concat(`def ${name}(wine, year), do: {wine, year - ${year()}}`)
                .join("\n  "),
        (name: string) => `def ${name}(wines, options \\\\ []) do
    limit = Keyword.get(options, :${word()}, ${random(1000)})

    wines
    |> Enum.filter(fn {_, year} -> year > ${year()} and rem(year, ${2 + random(9)}) != 1 end)
    |> Enum.map(fn {name, year} -> "#{name} of #{year + ${random(90)}}, beside ${word()} and ${word()}" end)
    |> Enum.take(limit)
    |> Enum.join(" before ${word()}, ")
  end`,
        (name: string) => `def ${name}(<<kind, size::16, wine::binary-size(size), rest::binary>>)
      when kind in [${random(80)}, ${80 + random(80)}, ${160 + random(80)}] do
    {:ok, {:${word()}, kind * ${year()}, String.upcase(wine)}, rest}
  end

  def ${name}(<<${random(255)}, _::binary>> = more), do: {:more, :${word()}, ${year()} - byte_size(more)}
  def ${name}(_), do: {:error, "no ${word()} of ${year()}"}`,
        (name: string) => `def ${name}(%{${word()}: one} = wine, two) when is_integer(two) do
    with {:ok, three} <- Map.fetch(wine, :of_${word()}),
         true <- three > two * ${year()} || {:error, {:${word()}, three}},
         {:ok, four} <- List.keyfind([{:${word()}, one}, {:${word()}, two}], three, ${random(2)}, :error) do
      {:ok, Map.merge(wine, %{of_${word()}: four, in_${word()}: ${year()}})}
    else
      :error -> {:error, "${word()} has no ${word()}"}
      {:error, reason} -> {:error, {${year()}, reason}}
    end
  end`,
        (name: string) => `def ${name}(wines) when is_list(wines) do
    for {name, year, price} <- wines, price > ${random(5000)}, reduce: %{${word()}: ${year()}} do
      cellar ->
        case rem(year, ${5 + random(20)}) do
          0 -> Map.put(cellar, name, {:${word()}, price + ${random(900)}})
          ${1 + random(4)} -> Map.update(cellar, name, ${year()}, &(&1 + price))
          rest when rest > ${random(9)} -> Map.delete(cellar, "${word()} ${year()}")
          _ -> cellar
        end
    end
  end`,
    ];
    const functions = Array.from({ length: FUNCTIONS_OF_A_MODULE }, (_, index) => {
        const kind = kinds[index % kinds.length] as (name: string) => string;
        return `  @doc "What ${word()} of ${year()} is to ${word()}."\n  ${kind(`${word()}_${index}`)}`;
    });
    return `defmodule ${module} do\n  @moduledoc "${some(30, word).join(" ")}."\n\n${functions.join("\n\n")}\nend\n`;
}

/** What texts are made of, the same for the same seed. */
function generator(seed: string) {
    const random = randomNumbers(seed);
    const words = WORDS.split(" ");
    return {
        random,
        word: () => words[random(words.length)] as string,
        year: () => 1900 + random(200),
        some: (count: number, make: (index: number) => string) =>
            Array.from({ length: count }, (_, index) => make(index)),
    };
}

/** Whole numbers below a limit (mulberry32). */
function randomNumbers(seed: string): (limit: number) => number {
    let state = [...seed].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 7);
    return (limit) => {
        state = (state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
    };
}

function capitalized(name: string): string {
    return name.charAt(0).toUpperCase() + name.slice(1);
}
