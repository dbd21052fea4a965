import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { dockerCli } from "../../components/docker/dockerCli";
import { baseImages } from "./machine";
import { settingsOf } from "./mockPulumi";

/** Builds an image of the most gullible release there is, see upstream.exs. */
export async function buildUpstream(name: string): Promise<void> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-upstream-"));
    fs.copyFileSync("test/support/upstream.exs", path.join(folder, "upstream.exs"));
    const lines = [
        `FROM ${settingsOf(baseImages())["decanter:builderImage"]}`,
        "COPY upstream.exs /",
        'CMD ["elixir", "/upstream.exs"]',
    ];
    fs.writeFileSync(path.join(folder, "Dockerfile"), lines.join("\n"));
    const built = await dockerCli(undefined, ["build", "-q", "-t", name, folder], 300);
    fs.rmSync(folder, { recursive: true });
    assert.equal(built.code, 0, built.output);
}
