import * as fs from "node:fs";
import * as path from "node:path";
import { type ToolVersion, toolVersion } from "./toolVersions";

/** The images of a build where no setting names others; bin/ reads the same file. */
export const defaultImages = JSON.parse(
    fs.readFileSync(path.join(__dirname, "..", "..", "docker", "images.json"), "utf8"),
) as Record<"builderImage" | "runnerImage" | "nodeImage", string>;

/** An image that builds an app. */
export interface BuilderImage {
    image: string;
    /** The versions that it was derived from, and the files that ask for them; undefined where none does. */
    versions?: string;
}

/**
 * The image that builds an app: Hex's own, of the versions that mise or asdf would take, and of the Debian that the release
 * runs on. Throws where these do not tell.
 */
export function builderImageFor(app: string, runnerImage: string): BuilderImage {
    const elixir = toolVersion(app, "elixir");
    const erlang = toolVersion(app, "erlang");
    if (elixir === undefined && erlang === undefined) return { image: defaultImages.builderImage };
    const versions = [exact("elixir", elixir, erlang, "1.18.4"), exact("erlang", erlang, elixir, "27.3.4")];
    const debian = /\bdebian:([a-z]+-\d+(-slim)?)$/.exec(runnerImage)?.[1];
    if (debian === undefined) {
        throw new Error(
            `must be set, as runnerImage ${runnerImage} does not tell its Debian (debian:trixie-DATE-slim)`,
        );
    }
    return {
        image: `docker.io/hexpm/elixir:${versions.join("-erlang-")}-debian-${debian}`,
        versions: `elixir ${elixir?.version} (${elixir?.file}) and erlang ${erlang?.version} (${erlang?.file})`,
    };
}

/** A version as the tags of hexpm/elixir have it: no prefix, and no part missing. */
function exact(
    tool: string,
    found: ToolVersion | undefined,
    other: ToolVersion | undefined,
    example: string,
): string {
    if (found === undefined)
        throw new Error(`must be set, as ${other?.file} has no version of ${tool} (${tool} ${example})`);
    const version = found.version.replace(/^v/, "").replace(tool === "elixir" ? /-otp-\d+$/ : /^OTP-/, "");
    const parts = tool === "elixir" ? /^\d+\.\d+\.\d+(-rc\.\d+)?$/ : /^\d+\.\d+(\.\d+)*(-rc\d+)?$/;
    if (parts.test(version)) return version;
    const hint = /^\d+(\.\d+)?$/.test(version) ? `: write all of it, such as ${tool} ${example}` : "";
    throw new Error(
        `must be set, as ${found.file} asks for ${tool} ${found.version}, which is no image's version${hint}`,
    );
}
