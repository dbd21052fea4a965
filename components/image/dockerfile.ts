import * as fs from "node:fs";
import * as path from "node:path";

/** A line of a Dockerfile that names scripts to be put in its place, by their paths from the Dockerfile's folder. */
const INLINE = /^# inline (\S+(?: \S+)*)$/gm;

/**
 * The text of a Dockerfile, with the scripts that it names put into it, below `/decanter` in the image. A script cannot be
 * copied from the context, which is the app's, and Docker before 23 has neither heredocs nor a second context.
 */
export function readDockerfile(file: string): string {
    return fs.readFileSync(file, "utf8").replaceAll(INLINE, (_, scripts: string) => {
        // In quotes: BuildKit reads a word without them in a time that grows with the square of its length.
        const written = scripts.split(" ").map((script) => {
            const text = fs.readFileSync(path.join(path.dirname(file), script)).toString("base64");
            const target = path.posix.join("/decanter", script);
            return `mkdir -p ${path.posix.dirname(target)} && echo '${text}' | base64 -d > ${target}`;
        });
        return `RUN ${written.join(" && ")}`;
    });
}
