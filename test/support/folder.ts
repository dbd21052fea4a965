import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** A folder for a test, with files by their path in it. Who makes it removes it. */
export function folderOf(files: Record<string, string>): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "decanter-folder-"));
    for (const [name, text] of Object.entries(files)) {
        fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
        fs.writeFileSync(path.join(folder, name), text);
    }
    return folder;
}
