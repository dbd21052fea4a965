import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { dockerCli, type DockerResult } from "../components/docker/dockerCli";
import { DockerHost } from "../components/docker/dockerHost";
import { buildImage } from "../components/image/buildImage";
import { buildSecret } from "../components/image/buildVariables";
import { earlyFiles } from "../stacks/config/earlyFiles";
import { ourDockerfile } from "../test/support/dockerfile";
import { engine } from "../test/support/dockerProvider";
import { baseImageArgs, baseImages, freePort } from "../test/support/machine";
import { settingsOf } from "../test/support/mockPulumi";
import { benchmark, wholeNumber } from "./command";
import { formatted, machine, median, writeFigures } from "./figures";
import { addLibraries } from "./phoenixSized";
import { count } from "./swapChart";

const EXAMPLE = "examples/hello";
const REPORT = "bench/build.json";
const PAGE = "docs/image.md";

/** What is compared. */
const DOCKERFILES = {
    decanter: ourDockerfile(),
    phoenix: "bench/phoenix.Dockerfile",
};
type Side = keyof typeof DOCKERFILES;
const SIDES = Object.keys(DOCKERFILES) as Side[];

/** What the image of each app may have at most, in bytes on disk. */
const LIMITS = { hello: 36_000_000, "Phoenix-sized": 50_900_000 };
type AppName = keyof typeof LIMITS;

/** What has changed since the build before. */
const CASES = {
    cold: "everything: no layer is there",
    warm: "nothing",
    code: "a line in `lib/`",
    dependency: "a line in a dependency",
    runtime: "a line in `config/runtime.exs`",
};
type Case = keyof typeof CASES;

/** The layers of Decanter's image, by the folder that each is copied from. */
const LAYERS = {
    "/needed": "system files",
    "/layers/otp": "Erlang and Elixir",
    "/layers/deps": "dependencies",
    "/layers/app": "app",
    "/sorted/runtime": "`config/runtime.exs`",
};

/** What Decanter's image consists of; the first that matches counts. */
const PARTS: [string, RegExp][] = [
    ["release", /^\/app\//],
    ["shared libraries", /\.so(\.[\d.]+)?$/],
    ["shell and tools", /^\/usr\/s?bin\//],
    ["certificates", /^\/etc\/ssl\//],
    ["time zones", /^\/usr\/share\/zoneinfo\//],
    ["terminals", /^\/usr\/share\/terminfo\//],
    ["package list for scanners", /^\/var\/lib\/dpkg\//],
    ["the rest", /^/],
];

/** Sizes in bytes: on disk, and compressed as in a registry. */
interface Size {
    disk: number;
    pushed: number;
}

interface Build {
    /** One of each run. */
    seconds: number[];
    pushSeconds: number[];
    pushedBytes: number[];
}

interface Result {
    releaseBytes: number;
    limitBytes: number;
    /** An app without dependencies has no case of one. */
    cases: Partial<Record<Case, Record<Side, Build>>>;
    images: Record<Side | "debian", Size>;
    builderBytes: Record<Side, number>;
    layers: Record<string, Size>;
    partBytes: Record<string, number>;
}

interface Report {
    date: string;
    machine: { cpus: number; memoryGiB: number };
    docker: string;
    bases: Bases;
    baseBytes: Record<keyof Bases, number>;
    standIns: boolean;
    runs: number;
    apps: Partial<Record<AppName, Result>>;
}

type Bases = Record<"builder" | "runner", string>;

const { BUILDER_IMAGE: builder, RUNNER_IMAGE: runner } = baseImageArgs(EXAMPLE);
const BASES: Bases = { builder, runner };

async function main(): Promise<number> {
    const { runs, quick } = readOptions();
    // The first Ctrl-C ends the run between two steps, and everything is removed; the second ends it at once.
    const interrupted = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const)
        process.on(signal, () => {
            if (interrupted.signal.aborted) process.exit(130);
            interrupted.abort(new Error(`ended by ${signal}`));
        });

    const registry = await Registry.start();
    const apps: Report["apps"] = {};
    try {
        for (const name of quick ? (["hello"] as const) : (Object.keys(LIMITS) as AppName[]))
            apps[name] = await measure(name, registry, runs, interrupted.signal);
    } finally {
        console.error("removing everything");
        await registry.remove();
    }

    const report: Report = {
        date: new Date().toISOString(),
        machine,
        docker: (await engine.version()).Version,
        bases: BASES,
        baseBytes: { builder: await diskBytes(BASES.builder), runner: await diskBytes(BASES.runner) },
        standIns: process.env.DECANTER_STAND_INS !== undefined,
        runs,
        apps,
    };
    const figures = await formatted(PAGE, section(report));
    console.log(figures);
    if (!quick) await write(report, figures);

    const tooLarge = Object.entries(apps).filter(
        ([, { images, limitBytes }]) => images.decanter.disk > limitBytes,
    );
    for (const [name, { images, limitBytes }] of tooLarge)
        console.error(
            `bench/build: the image of ${name} has ${mb(images.decanter.disk)}, and may have ${mb(limitBytes)}`,
        );
    return tooLarge.length > 0 ? 1 : 0;
}

function readOptions(): { runs: number; quick: boolean } {
    const { values } = parseArgs({
        options: { runs: { type: "string" }, quick: { type: "boolean", default: false } },
    });
    return { runs: wholeNumber("runs", values.runs ?? (values.quick ? "1" : "3")), quick: values.quick };
}

/** Builds an app in every case, both Dockerfiles in turns, and looks at what came out. */
async function measure(
    name: AppName,
    registry: Registry,
    runs: number,
    signal: AbortSignal,
): Promise<Result> {
    const app = new BenchApp(name, await freshBases(registry));
    const repository = (side: string) => `${name.toLowerCase()}/${side}`;
    const image = (side: string) => registry.reference(repository(side));
    const cases: Result["cases"] = {};
    try {
        for (const kind of app.cases) {
            const builds = { decanter: newBuild(), phoenix: newBuild() };
            for (let round = 0; round < (kind === "cold" ? 1 : runs); round++) {
                app.change(kind);
                for (const side of round % 2 === 0 ? SIDES : [...SIDES].reverse()) {
                    signal.throwIfAborted();
                    console.error(`${name}, ${kind}, ${side}`);
                    builds[side].seconds.push(await app.build(side, image(side)));
                    const begun = performance.now();
                    builds[side].pushedBytes.push(await registry.push(repository(side)));
                    builds[side].pushSeconds.push((performance.now() - begun) / 1000);
                }
            }
            cases[kind] = builds;
        }

        signal.throwIfAborted();
        console.error(`${name}, sizes`);
        await app.build("decanter", image("debian"), ["--build-arg", "BASE=debian"]);
        await registry.push(repository("debian"));
        for (const side of SIDES) await app.build(side, image(`${side}-builder`), ["--target", "builder"]);
        const size = async (side: string) => ({
            disk: await diskBytes(image(side)),
            pushed: await registry.bytes(repository(side)),
        });
        const partBytes = await partsOf(image("decanter"));
        return {
            releaseBytes: partBytes.release ?? 0,
            limitBytes: LIMITS[name],
            cases,
            images: {
                decanter: await size("decanter"),
                debian: await size("debian"),
                phoenix: await size("phoenix"),
            },
            builderBytes: {
                decanter: await diskBytes(image("decanter-builder")),
                phoenix: await diskBytes(image("phoenix-builder")),
            },
            layers: await layersOf(image("decanter"), await registry.layers(repository("decanter"))),
            partBytes,
        };
    } finally {
        app.remove();
    }
}

function newBuild(): Build {
    return { seconds: [], pushSeconds: [], pushedBytes: [] };
}

/**
 * The base images with a layer more, so that no layer of what is built on them is there. With --no-cache the daemon may end
 * where somebody else builds too: https://github.com/moby/moby/issues/42414
 *
 * The layer has what Debian's own slim images have, and stand-ins have not: apt keeps no cache, of 91 MB, and dpkg no
 * documents and translations.
 */
async function freshBases(registry: Registry): Promise<Bases> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-bench-"));
    const write = (file: string, ...lines: string[]) =>
        fs.writeFileSync(path.join(folder, file), `# ${folder}\n${lines.join("\n")}\n`);
    const fresh = async (name: keyof Bases) => {
        const image = registry.reference(`base/${name}`);
        write("Dockerfile", `FROM ${BASES[name]}`, "COPY etc /etc");
        await run("build", "-q", "-t", image, folder);
        return image;
    };
    try {
        for (const tool of ["apt/apt.conf.d", "dpkg/dpkg.cfg.d"])
            fs.mkdirSync(path.join(folder, "etc", tool), { recursive: true });
        const caches = ["Dir::Cache::pkgcache", "Dir::Cache::srcpkgcache"].map((cache) => `${cache} "";`);
        write("etc/apt/apt.conf.d/bench", ...caches, 'APT::Keep-Downloaded-Packages "false";');
        const excluded = ["doc", "locale", "man"].map((part) => `path-exclude=/usr/share/${part}/*`);
        write("etc/dpkg/dpkg.cfg.d/bench", ...excluded);
        return { builder: await fresh("builder"), runner: await fresh("runner") };
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
}

/** The example in a folder of its own, to change and build. */
class BenchApp {
    readonly cases: Case[];
    private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-bench-"));
    private readonly secret = `${this.folder}.secret`;
    /** Each change is another text. */
    private changes = 0;

    constructor(
        name: AppName,
        private readonly bases: Bases,
    ) {
        const skip = ["_build", "deps", "test"];
        fs.cpSync(EXAMPLE, this.folder, {
            recursive: true,
            filter: (source) => !skip.includes(path.basename(source)),
        });
        // What phoenix.Dockerfile expects of every app.
        for (const folder of ["libs", "priv"]) fs.mkdirSync(path.join(this.folder, folder));
        fs.writeFileSync(path.join(this.folder, "config/prod.exs"), "import Config\n");
        fs.writeFileSync(path.join(this.folder, "mix.lock"), "%{\n}\n");
        fs.writeFileSync(this.secret, buildSecret(this.folder, {}));
        const large = name === "Phoenix-sized";
        if (large) addLibraries(this.folder);
        this.cases = (Object.keys(CASES) as Case[]).filter((kind) => large || kind !== "dependency");
    }

    change(kind: Case): void {
        // A folder of its own has no cache of compiled dependencies.
        if (kind === "warm" || kind === "cold") return;
        this.changes += 1;
        if (kind === "code") this.replace("lib/hello/router.ex", /"ok.*?\\n"/, `"ok ${this.changes}\\n"`);
        if (kind === "dependency")
            this.replace("libs/tasting/lib/tasting.ex", /1\.0\.\d+/, `1.0.${this.changes}`);
        if (kind === "runtime") this.replace("config/runtime.exs", /"4\d{3}"/, `"${4000 + this.changes}"`);
    }

    private replace(file: string, pattern: RegExp, by: string): void {
        const target = path.join(this.folder, file);
        const text = fs.readFileSync(target, "utf8");
        if (!pattern.test(text)) throw new Error(`${file} has no ${pattern}`);
        fs.writeFileSync(target, text.replace(pattern, by));
    }

    /** Builds an image, and returns how many seconds that took. */
    async build(side: Side, image: string, options: string[] = []): Promise<number> {
        const build = {
            context: this.folder,
            dockerfile: DOCKERFILES[side],
            args: {
                BUILDER_IMAGE: this.bases.builder,
                RUNNER_IMAGE: this.bases.runner,
                RELEASE: "hello",
                ...(side === "decanter" && { EARLY: earlyFiles(this.folder).join("\n") }),
            },
        };
        const secret = ["--secret", `id=build,src=${this.secret}`];
        const begun = performance.now();
        const plain = ["--progress=plain", "-t", image, ...secret, ...options];
        succeeded("build", await buildImage(new DockerHost(), build, plain));
        return (performance.now() - begun) / 1000;
    }

    remove(): void {
        for (const file of [this.folder, this.secret]) fs.rmSync(file, { recursive: true });
    }
}

interface Manifest {
    config: { digest: string; size: number };
    layers: { digest: string; size: number }[];
}

/** A registry of the benchmark's own. */
class Registry {
    /** What each repository has, by digest: a push sends the rest. */
    private readonly known = new Map<string, Set<string>>();

    private constructor(
        private readonly container: string,
        private readonly port: number,
    ) {}

    static async start(): Promise<Registry> {
        const port = await freePort();
        const image = settingsOf(baseImages())["decanter:registryImage"] ?? "";
        const container = await run("run", "-d", "-p", `127.0.0.1:${port}:5000`, image);
        const registry = new Registry(container.trim(), port);
        for (const deadline = Date.now() + 30_000; ; await sleep(200)) {
            if (await fetch(`${registry.url}/`).catch(() => undefined)) return registry;
            if (Date.now() > deadline) {
                await registry.remove();
                throw new Error(`the registry ${image} does not answer within 30 s`);
            }
        }
    }

    reference(repository: string): string {
        return `127.0.0.1:${this.port}/${repository}`;
    }

    /** Pushes an image, and returns how many bytes the registry did not have. */
    async push(repository: string): Promise<number> {
        await run("push", "-q", this.reference(repository));
        const { config, layers } = await this.manifest(repository);
        const known = this.known.get(repository) ?? new Set();
        const sent = [config, ...layers].filter(({ digest }) => !known.has(digest));
        this.known.set(repository, new Set([...known, ...sent.map(({ digest }) => digest)]));
        return sum(sent.map(({ size }) => size));
    }

    /** How many bytes a pull of an image brings. */
    async bytes(repository: string): Promise<number> {
        const { config, layers } = await this.manifest(repository);
        return sum([config, ...layers].map(({ size }) => size));
    }

    /** The layers of an image: the steps that made them, and their compressed bytes. */
    async layers(repository: string): Promise<{ step: string; bytes: number }[]> {
        const { config, layers } = await this.manifest(repository);
        const { history } = (await this.get(`${repository}/blobs/${config.digest}`)) as {
            history: { created_by: string; empty_layer?: boolean }[];
        };
        const steps = history.filter(({ empty_layer: empty }) => !empty);
        return layers.map(({ size }, index) => ({ step: steps[index]?.created_by ?? "", bytes: size }));
    }

    private manifest(repository: string): Promise<Manifest> {
        return this.get(`${repository}/manifests/latest`) as Promise<Manifest>;
    }

    private async get(target: string): Promise<unknown> {
        const kinds = ["docker.distribution.manifest.v2", "oci.image.manifest.v1"];
        const Accept = kinds.map((kind) => `application/vnd.${kind}+json`).join(", ");
        const answer = await fetch(`${this.url}/${target}`, { headers: { Accept } });
        if (!answer.ok) throw new Error(`the registry answers ${target} with ${answer.status}`);
        return answer.json();
    }

    private get url(): string {
        return `http://127.0.0.1:${this.port}/v2`;
    }

    /** Removes the registry, and the images that are named by it. */
    async remove(): Promise<void> {
        await engine.getContainer(this.container).remove({ force: true, v: true });
        for (const { RepoTags, RepoDigests } of await engine.listImages()) {
            const references = [...(RepoTags ?? []), ...(RepoDigests ?? [])];
            for (const reference of references.filter((name) => name.startsWith(this.reference("")))) {
                // The last tag takes the digest with it.
                await engine
                    .getImage(reference)
                    .remove()
                    .catch(() => undefined);
            }
        }
    }
}

/** Runs Docker's command line, and returns what it prints. */
async function run(...args: string[]): Promise<string> {
    return succeeded(args[0] ?? "", await dockerCli(undefined, args, 600));
}

function succeeded(command: string, { code, stdout, output }: DockerResult): string {
    if (code !== 0) throw new Error(`docker ${command} ends with exit code ${code}: ${output.slice(-4000)}`);
    return stdout;
}

async function diskBytes(image: string): Promise<number> {
    return (await engine.getImage(image).inspect()).Size;
}

async function layersOf(image: string, pushed: { step: string; bytes: number }[]): Promise<Result["layers"]> {
    const history = (await engine.getImage(image).history()) as { CreatedBy: string; Size: number }[];
    return Object.fromEntries(
        Object.entries(LAYERS).map(([folder, name]) => {
            const step = `COPY ${folder} `;
            const disk = history.find(({ CreatedBy }) => CreatedBy.startsWith(step))?.Size ?? 0;
            return [name, { disk, pushed: pushed.find((layer) => layer.step.startsWith(step))?.bytes ?? 0 }];
        }),
    );
}

/** Counts the image's files, with its own tools. */
async function partsOf(image: string): Promise<Record<string, number>> {
    const list = ["find", "/", "-xdev", "-type", "f", "-exec", "stat", "-c", "%s %n", "{}", "+"];
    const files = await run("run", "--rm", image, ...list);
    const parts = Object.fromEntries(PARTS.map(([name]) => [name, 0]));
    for (const line of files.trimEnd().split("\n")) {
        const [, bytes = "", file = ""] = /^(\d+) (.*)$/.exec(line) ?? [];
        const [name = ""] = PARTS.find(([, pattern]) => pattern.test(file)) ?? [];
        parts[name] = (parts[name] ?? 0) + Number(bytes);
    }
    return parts;
}

/** Writes every figure to a file, and the tables into the page. */
async function write(report: Report, figures: string): Promise<void> {
    fs.writeFileSync(REPORT, `${JSON.stringify(report, undefined, 2)}\n`);
    await writeFigures(PAGE, figures);
    console.error(`written: ${REPORT}, ${PAGE}`);
}

function section({ machine, docker: version, bases, baseBytes, standIns, runs, apps }: Report): string {
    const results = Object.entries(apps);
    const names = results.map(([name]) => name);
    const note = standIns
        ? `
Both are stand-ins, and bring most of what either Dockerfile would install: on Debian's own, a cold build takes longer.`
        : "";
    const cases = results.map(
        ([name, { cases: ofApp }]) =>
            `${table(
                [
                    name,
                    "Decanter",
                    "phx.gen.release",
                    "ratio",
                    "with the push",
                    "Decanter pushes",
                    "phx.gen.release pushes",
                ],
                Object.entries(ofApp).map(([kind, builds]) => caseRow(kind as Case, builds)),
            )}\n`,
    );
    const perApp = (label: string, of: (result: Result) => number) => [
        label,
        ...results.map(([, result]) => mb(of(result))),
    ];
    const images: ["decanter" | "debian" | "phoenix", string][] = [
        ["decanter", "Decanter's image"],
        ["debian", "with `minimal: false`"],
        ["phoenix", "phx.gen.release's image"],
    ];
    const layerRows = Object.values(LAYERS).map((layer) => [
        layer,
        ...results.flatMap(([, { layers }]) => [kb(layers[layer]?.disk), kb(layers[layer]?.pushed)]),
    ]);
    const partRows = PARTS.map(([part]) => [
        part,
        ...results.map(([, { partBytes }]) => kb(partBytes[part])),
    ]);
    return `\`./bench/build\` wrote this section, on a machine with ${machine.cpus} cores and Docker ${version}. The app _hello_ is the
example; _Phoenix-sized_ is the example with generated dependencies that make its release as large as one with Phoenix,
LiveView, Ecto and Bandit. 1 MB is 1,000,000 bytes. The builder is \`${bases.builder}\` (${mb(baseBytes.builder)}), and both final
stages come from \`${bases.runner}\` (${mb(baseBytes.runner)}).${note}

### What each change costs

Seconds of \`docker build\`, medians of ${runs} runs but for the first row; the ratios are phx.gen.release's by Decanter's, of the build
alone and of build and push, which a deploy waits for. A push sends what the registry does not have, compressed.

${cases.join("\n")}
### Sizes

${table(
    ["on disk", ...names],
    [
        ...images.map(([key, label]) => perApp(label, (result) => result.images[key].disk)),
        perApp("the limit of Decanter's", ({ limitBytes }) => limitBytes),
        perApp("Decanter's builder stage", ({ builderBytes }) => builderBytes.decanter),
        perApp("phx.gen.release's builder stage", ({ builderBytes }) => builderBytes.phoenix),
    ],
)}

${table(
    ["compressed, as pulled by a new host", ...names],
    images.map(([key, label]) => perApp(label, (result) => result.images[key].pushed)),
)}

${table(["layer of Decanter's image", ...names.flatMap((name) => [name, "compressed"])], layerRows)}

${table(["part of Decanter's image", ...names], partRows)}
`;
}

function caseRow(kind: Case, { decanter, phoenix }: Record<Side, Build>): string[] {
    const [ours, theirs] = [median(decanter.seconds), median(phoenix.seconds)];
    const [oursPushed, theirsPushed] = [decanter, phoenix].map(
        ({ seconds, pushSeconds }) => median(seconds) + median(pushSeconds),
    ) as [number, number];
    return [
        CASES[kind],
        `${ours.toFixed(1)} s`,
        `${theirs.toFixed(1)} s`,
        (theirs / ours).toFixed(2),
        (theirsPushed / oursPushed).toFixed(2),
        kb(median(decanter.pushedBytes)),
        kb(median(phoenix.pushedBytes)),
    ];
}

function table(head: string[], rows: string[][]): string {
    const rule = head.map((_, index) => (index === 0 ? "---" : "---:"));
    return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function mb(bytes: number): string {
    return `${(bytes / 1e6).toFixed(1)} MB`;
}

function kb(bytes = 0): string {
    return `${count(Math.round(bytes / 1000))} kB`;
}

function sum(numbers: number[]): number {
    return numbers.reduce((total, number) => total + number, 0);
}

benchmark("bench/build", main);
