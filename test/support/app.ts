import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Build } from "../../components/image/buildImage";
import { earlyFiles } from "../../stacks/config/earlyFiles";
import { ourDockerfile } from "./dockerfile";
import { baseImageArgs } from "./machine";

/** The example in a folder of its own, with what test/fixtures adds and replaces, for tests to change. */
export class App {
    readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-app-"));

    constructor() {
        const skip = ["_build", "deps", "test"];
        fs.cpSync("examples/hello", this.folder, {
            recursive: true,
            filter: (source) => !skip.includes(path.basename(source)),
        });
        for (const file of fs.readdirSync("test/fixtures")) {
            const folder = file.endsWith(".exs") ? "config" : "lib/hello";
            fs.copyFileSync(path.join("test/fixtures", file), this.path(path.join(folder, file)));
        }
    }

    /** Makes the next build a release of another version. */
    release(version: string): void {
        const text = fs.readFileSync(this.path("mix.exs"), "utf8");
        this.write("mix.exs", text.replace(/version: "[^"]*"/, `version: "${version}"`));
    }

    /** Gives the application another name, which its release has too. */
    rename(name: string): void {
        const files = fs.readdirSync(this.folder, { recursive: true, withFileTypes: true });
        for (const file of files.filter((one) => one.isFile())) {
            const whole = path.join(file.parentPath, file.name);
            const text = fs.readFileSync(whole, "utf8");
            fs.writeFileSync(whole, text.replaceAll(":hello", `:${name}`).replaceAll("./hello", `./${name}`));
        }
    }

    /** A build of it by Docker's command line. */
    build(): Build {
        return {
            context: this.folder,
            dockerfile: ourDockerfile(),
            args: {
                ...baseImageArgs(this.folder),
                RELEASE: "hello",
                EARLY: earlyFiles(this.folder).join("\n"),
            },
        };
    }

    write(file: string, text: string | Uint8Array): void {
        fs.mkdirSync(path.dirname(this.path(file)), { recursive: true });
        fs.writeFileSync(this.path(file), text);
    }

    remove(): void {
        fs.rmSync(this.folder, { recursive: true, force: true });
    }

    private path(file: string): string {
        return path.join(this.folder, file);
    }
}
