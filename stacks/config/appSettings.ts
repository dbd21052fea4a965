import * as fs from "node:fs";
import * as path from "node:path";
import { UNKNOWN_VERSION } from "../../components/image/buildArgs";
import {
    MIGRATION_BOUNDS,
    type ReleaseMigration,
    whyNotWhole,
} from "../../components/release/migrationCommand";
import { type MixProject, readMixProject } from "./mixProject";
import { set, type SettingsReader } from "./settingsReader";

/** The settings of a stack that tell which release of which app it runs. */
export interface AppSettings {
    readonly app: string;
    readonly release: string;
    /** `unknown` where mix.exs computes it and the stack does not set it. */
    readonly version: string;
    /** What migrates; nothing does without it. */
    readonly migration?: Required<ReleaseMigration>;
}

/** Reads and checks them. */
export function readApp(settings: SettingsReader): AppSettings {
    const app = settings.text("app");
    if (!fs.existsSync(path.join(app, "mix.exs"))) {
        settings.refuse("app", "must be a folder with a mix.exs", app, set("app", "../my_app"));
        return { app, release: "", version: "" };
    }
    const mix = readMixProject(app);
    const release = readRelease(settings, mix);
    return {
        app,
        release,
        version: readVersion(settings, release in mix.versions ? mix.versions[release] : mix.version),
        migration: readMigration(settings, app),
    };
}

/** Name of the release: the one that is set, or the only one that mix.exs can mean. */
function readRelease(settings: SettingsReader, mix: MixProject): string {
    const known = mix.releases.length > 0 ? mix.releases : mix.isUmbrella || !mix.app ? [] : [mix.app];
    const given = settings.optional("release");
    const release = given ?? defaultOf(known, mix);
    const listed = known.join(", ");
    // Mix's own rule.
    if (release !== undefined && !/^[a-z][a-z0-9_]*$/.test(release)) {
        const rule = "must be lower-case letters, digits and _, as Mix takes no other name of a release";
        settings.refuse("release", rule, release, set("release", "my_app"));
    } else if (mix.isUmbrella && mix.isWhole && known.length === 0) {
        const remedy = "list one there, with its applications";
        settings.refuseUnseen("release", "must be under releases: in the umbrella's mix.exs", remedy);
    } else if (release === undefined && known.length < 2) {
        const rule = "must be set, as mix.exs computes the names of its releases";
        settings.refuseUnseen("release", rule, set("release", known[0] ?? "my_app"));
    } else if (release === undefined || (isListed(settings, mix, known) && !known.includes(release))) {
        const rule = `must be one of the releases in mix.exs (${listed})`;
        settings.refuse("release", rule, given ?? "", set("release", known[0] ?? ""));
    }
    return release ?? "";
}

/** Whether mix.exs lists the release: an image that is given may be of an app that the stack had before. */
function isListed(settings: SettingsReader, { isWhole }: MixProject, known: string[]): boolean {
    return isWhole && known.length > 0 && settings.optional("image") === undefined;
}

/** The release that Mix takes by itself; undefined where that cannot be told. */
function defaultOf(known: string[], { isWhole, defaultRelease }: MixProject): string | undefined {
    return defaultRelease ?? (isWhole && known.length === 1 ? known[0] : undefined);
}

/** The version that is set, or the one in mix.exs. */
function readVersion(settings: SettingsReader, own: string | undefined): string {
    const pattern = /^\d+\.\d+\.\d+[0-9A-Za-z.+-]*$/;
    const given = settings.optional("version");
    if (given === undefined && own !== undefined && pattern.test(own)) return own;
    if (given === undefined) {
        settings.notes.push(
            `mix.exs computes its version: the release has it, but it is ${UNKNOWN_VERSION} in the image's tag and in the outputs ` +
                `(${set("version", "1.2.3")} names it)`,
        );
        return UNKNOWN_VERSION;
    }
    if (!pattern.test(given) && given !== UNKNOWN_VERSION) {
        settings.refuse("version", "must be a version such as 1.2.3", given, set("version", "1.2.3"));
    }
    return given;
}

function readMigration(settings: SettingsReader, app: string): AppSettings["migration"] {
    const overlay = fs.existsSync(path.join(app, "rel", "overlays", "bin", "migrate"));
    const migrate = settings.optional("migrate") ?? (overlay ? "bin/migrate" : "none");
    if (migrate.trim() === "") {
        settings.refuse(
            "migrate",
            "must be a command, none or empty",
            migrate,
            set("migrate", "bin/migrate"),
        );
    }
    const wrong = whyNotWhole(migrate);
    if (wrong !== undefined) settings.refuse("migrate", wrong, migrate, set("migrate", "bin/migrate"));
    const seconds = settings.whole("migrateSeconds", ...MIGRATION_BOUNDS, 300);
    return migrate === "none" ? undefined : { command: migrate, seconds };
}
