import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type BuildContext, buildContext, contextFiles } from "../components/image/buildContext";
import { releaseEnv } from "../components/release/releaseEnv";
import { ReleaseSecrets } from "../components/release/releaseSecrets";
import { defaultImages } from "../stacks/config/builderImage";
import { type Config, readConfig } from "../stacks/config/config";
import { ElixirValues } from "../stacks/config/elixirValues";
import { mixProjects } from "../stacks/config/mixProjects";
import { settingsOf } from "../test/support/mockPulumi";
import { type AppSource, readAppSource } from "./appSource";

/** What Decanter would do with an app. */
export interface Survey {
    name: string;
    /** `plain` deploys as it is, `settings` with those under needs; `change` needs another app, `none` is nothing to deploy. */
    verdict: "plain" | "settings" | "change" | "none";
    /** What was read, by what it is. */
    facts: [what: string, value: string][];
    needs: Need[];
    /** What may matter, and cannot be told without a build. */
    notes: string[];
}

/** What a deploy does not do without. */
interface Need {
    why: string;
    /** The command that sets it; undefined where the app has to be changed. */
    remedy?: string;
}

/** Settings whose suggested value is taken, to see what else the app needs. */
const TAKEN = /^pulumi config set (release|builderImage) (\S+)$/;

/** The image that a refusal suggests where the app's versions do not tell one. */
const ANY_IMAGE = "registry.example/image:tag";

/**
 * Surveys an app with Decanter's own readers, without running anything of it.
 *
 * @param name what it is called in the survey
 * @param app folder of the mix project
 */
export function surveyed(name: string, app: string): Survey {
    if (!fs.existsSync(path.join(app, "mix.exs"))) return nothing(name, "it has no mix.exs");
    if (isLibrary(app))
        return nothing(
            name,
            "it is a library: its mix.exs has no releases: and no mod:, or a package: that nothing here deploys",
        );
    const { config, needs } = configOf(app);
    if (config === undefined) return { name, verdict: verdictOf(needs), facts: [], needs, notes: [] };
    const source = readAppSource(app, mixProjects(app).umbrella);
    const context = buildContext(app, config.pathDependencies, config.projects);
    needs.push(...needsOf(config, source));
    return {
        name,
        verdict: verdictOf(needs),
        facts: factsOf(config, source, context),
        needs,
        notes: [
            ...(config.builderImage === defaultImages.builderImage
                ? [`no file names its Elixir: it is built with ${config.builderImage.replace(/^.*\//, "")}`]
                : []),
            ...config.notes,
            ...context.notes,
            ...source.notes,
        ],
    };
}

function nothing(name: string, why: string): Survey {
    return { name, verdict: "none", facts: [], needs: [], notes: [why] };
}

function verdictOf(needs: Need[]): Survey["verdict"] {
    if (needs.some(({ remedy }) => remedy === undefined)) return "change";
    return needs.length > 0 ? "settings" : "plain";
}

function isLibrary(app: string): boolean {
    const values = new ElixirValues(fs.readFileSync(path.join(app, "mix.exs"), "utf8"), () => undefined);
    const [project, application] = [values.call("project"), values.call("application")];
    const has = (value: typeof project, key: string) =>
        value.kind !== "list" || !value.isWhole || value.pairs.has(key);
    if (has(project, "releases") || has(project, "apps_path")) return false;
    // Some apps are packages too: what deploys them tells.
    const isDeployed = ["rel", "Dockerfile", "Procfile", "fly.toml"].some((file) =>
        fs.existsSync(path.join(app, file)),
    );
    return !has(application, "mod") || (has(project, "package") && !isDeployed);
}

/** The settings of a stack for the app, with the values that refusals suggest. Without any where it is refused all the same. */
function configOf(app: string): { config?: Config; needs: Need[] } {
    const taken: Record<string, string> = {};
    const needs: Need[] = [];
    for (;;) {
        pulumi.runtime.setAllConfig(settingsOf({ app, ...taken }));
        try {
            return { config: readConfig(new pulumi.Config("decanter")), needs };
        } catch (error) {
            if (!pulumi.RunError.isInstance(error)) throw error;
            const found = problems(error.message);
            needs.push(...found);
            const values = found.flatMap(({ remedy }) => {
                const [, key = "", value = ""] = TAKEN.exec(remedy ?? "") ?? [];
                return key === "" || key in taken ? [] : [[key, value]];
            });
            if (values.length === 0) return { needs };
            Object.assign(taken, Object.fromEntries(values));
        }
    }
}

/** The problems that a refusal lists. */
function problems(message: string): Need[] {
    const lines = message.includes("\n") ? message.split("\n").slice(1) : [message.replace(/^[^:]*: /, "")];
    return lines.map((line) => {
        const text = line.replace(/^ {2}- /, "");
        const [, why = text, remedy] = /^(.*): (pulumi config .*)$/.exec(text) ?? [];
        return { why, remedy };
    });
}

function needsOf(config: Config, source: AppSource): Need[] {
    const given = [
        ...Object.keys(releaseEnv({ port: config.health.port, domain: config.domain })),
        ...ReleaseSecrets.generated,
    ];
    const wanted = source.variables.filter((name) => !given.includes(name));
    return [
        ...source.absent.map((file) => ({ why: `${file} is imported by config/ and is not there` })),
        ...(source.lacksErlang
            ? [{ why: "mix.exs has include_erts: false, and the image has no Erlang but the release's own" }]
            : []),
        ...listed(
            "only the configuration at build time reads",
            source.compiledIn.filter((name) => /^(SECRET_KEY_BASE|DATABASE_URL)$/.test(name)),
        ),
        ...listed(
            `${source.runtime} asks for`,
            wanted,
            "pulumi config set --secret --path secrets.NAME VALUE",
        ),
        ...listed("config/ asks for", source.buildVariables, "pulumi config set --path buildEnv.NAME VALUE"),
        ...(source.port === undefined || source.port === config.health.port
            ? []
            : [
                  {
                      why: `it listens on ${source.port} and does not read PORT`,
                      remedy: `pulumi config set port ${source.port}`,
                  },
              ]),
        ...(source.healthPaths.includes(config.health.path)
            ? []
            : [
                  {
                      why:
                          source.healthPaths.length > 0
                              ? `it answers ${source.healthPaths.join(", ")}`
                              : `no route for ${config.health.path} was found`,
                      remedy: `pulumi config set healthPath ${source.healthPaths[0] ?? "/"}`,
                  },
              ]),
        ...(config.migration === undefined && source.migrator !== undefined
            ? [
                  {
                      why: `it migrates by ${source.migrator}, and has no rel/overlays/bin/migrate`,
                      remedy: `pulumi config set migrate "bin/${config.release} eval '${source.migrator}()'"`,
                  },
              ]
            : []),
        ...listed(
            "it compiles with",
            source.builderPackages,
            "pulumi config set --path 'builderPackages[0]' NAME",
        ),
        ...listed(
            "its Dockerfile installs",
            source.runtimePackages,
            "pulumi config set --path 'runtimePackages[0]' NAME",
        ),
        ...listed(
            "mix.exs has no alias assets.deploy, which makes something of",
            source.unbuilt,
            "pulumi config set assets COMMAND",
        ),
        ...source.credentials,
    ];
}

/** One need for all of some names. */
function listed(why: string, names: string[], remedy?: string): Need[] {
    return names.length === 0 ? [] : [{ why: `${why} ${names.join(", ")}`, remedy }];
}

function factsOf(config: Config, source: AppSource, context: BuildContext): Survey["facts"] {
    const { app, builderImage, release, version, migration } = config;
    const files = contextFiles(context);
    const bytes = files.reduce(
        (sum, file) =>
            sum + (fs.lstatSync(path.join(context.folder, file), { throwIfNoEntry: false })?.size ?? 0),
        0,
    );
    const { umbrella, dependencies } = mixProjects(app);
    const relative = (folders: string[]) => folders.map((folder) => path.relative(app, folder)).join(", ");
    return [
        ["release", release],
        ["version", version],
        ["builder", builderImage === ANY_IMAGE ? "not told" : builderImage.replace(/^.*\/elixir:/, "")],
        ...(umbrella.length > 0 ? [["umbrella", relative(umbrella)] satisfies [string, string]] : []),
        ...(dependencies.length > 0 ? [["beside", relative(dependencies)] satisfies [string, string]] : []),
        ["sent", `${files.length} files, ${(bytes / 1e6).toFixed(1)} MB`],
        ["assets", source.assets.join("; ") || "none"],
        ["database", source.databases.join(", ") || "none"],
        ["migration", migration?.command ?? "none"],
        ["health", source.healthPaths.join(", ") || "not found"],
    ];
}
