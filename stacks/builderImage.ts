import * as fs from "node:fs";
import * as path from "node:path";

/** The images of a build where no setting names others; bin/ reads the same file. */
export const defaultImages = JSON.parse(
    fs.readFileSync(path.join(__dirname, "..", "docker", "images.json"), "utf8"),
) as Record<"builderImage" | "runnerImage" | "nodeImage", string>;

/**
 * The image that builds an app: Hex's own, of the versions in the app's .tool-versions, and of the Debian that the release
 * runs on. Throws where these do not tell.
 */
export function builderImageFor(app: string, runnerImage: string): string {
    const file = path.join(app, ".tool-versions");
    const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    const version = (tool: string) => new RegExp(`^${tool}[ \\t]+(\\S+)`, "m").exec(text)?.[1];
    const elixir = version("elixir")?.replace(/-otp-\d+$/, "");
    const erlang = version("erlang");
    if (elixir === undefined && erlang === undefined) return defaultImages.builderImage;

    for (const [tool, given] of [
        ["elixir", elixir],
        ["erlang", erlang],
    ]) {
        if (given === undefined || !/^\d+(\.\d+)+(-rc\.?\d+)?$/.test(given)) {
            throw new Error(
                `must be set, as .tool-versions has no version of ${tool} with an image (${given})`,
            );
        }
    }
    const debian = /\bdebian:([a-z]+-\d+(-slim)?)$/.exec(runnerImage)?.[1];
    if (debian === undefined) {
        throw new Error(
            `must be set, as runnerImage ${runnerImage} does not tell its Debian (debian:trixie-DATE-slim)`,
        );
    }
    return `docker.io/hexpm/elixir:${elixir}-erlang-${erlang}-debian-${debian}`;
}
