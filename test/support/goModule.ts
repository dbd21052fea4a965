import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { dockerCli } from "../../components/docker/dockerCli";

const run = promisify(execFile);

/** Let's Encrypt's CA for tests, the client, and another server of https. */
export const PEBBLE = "github.com/letsencrypt/pebble/v2";
export const LEGO = "github.com/go-acme/lego/v5";
export const CADDY = "github.com/caddyserver/caddy/v2";
const VERSIONS = { [PEBBLE]: "v2.10.1", [LEGO]: "v5.6.0", [CADDY]: "v2.11.9" };

/** Where Go puts what was built for this checkout. */
export const BINARIES = path.resolve(".decanter/acme");

/** A folder with a module of its own that needs one, as Go wants it. */
function moduleOf(name: keyof typeof VERSIONS): string {
    const folder = path.join(BINARIES, path.basename(path.dirname(name)));
    fs.mkdirSync(folder, { recursive: true });
    const lines = ["module tests", "go 1.26", `require ${name} ${VERSIONS[name]}`];
    fs.writeFileSync(path.join(folder, "go.mod"), lines.join("\n"));
    return folder;
}

/** Where Go has put the source of a module. */
export async function moduleFolder(name: keyof typeof VERSIONS): Promise<string> {
    const { stdout } = await run("go", ["mod", "download", "-json", `${name}@${VERSIONS[name]}`], {
        cwd: moduleOf(name),
    });
    return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/**
 * Builds an image of nothing but a program of a module, once.
 *
 * @param program its folder in the module
 * @param target where the program lies in the image
 * @param copy makes a copy of the module, which is taken instead
 * @param options further ones of `go build`
 */
export async function buildModule(
    name: keyof typeof VERSIONS,
    program: string,
    image: string,
    target: string,
    { copy, options = [] }: { copy?: () => Promise<string>; options?: string[] } = {},
): Promise<void> {
    if ((await dockerCli(undefined, ["image", "inspect", image])).code === 0) return;
    const cwd = moduleOf(name);
    // The version of a module for coloured logs that lego asks for is not served everywhere.
    const logs = "gitlab.com/greyxor/slogor";
    const replaced = copy ? `\nreplace ${name} => ${await copy()}\nreplace ${logs} => ${logs} v1.7.0\n` : "";
    fs.appendFileSync(path.join(cwd, "go.mod"), replaced);
    const file = path.basename(target);
    await run("go", ["build", ...options, "-ldflags=-s -w", "-o", file, `${name}${program}`], {
        cwd,
        env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=mod" },
        maxBuffer: 1e8,
    });
    fs.writeFileSync(path.join(cwd, "Dockerfile"), `FROM scratch\nCOPY ${file} /\n`);
    const built = await dockerCli(undefined, ["build", "--quiet", "--tag", image, cwd], 120);
    if (built.code !== 0) throw new Error(built.output);
}
