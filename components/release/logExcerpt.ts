/** Lines of a log that an error shows. */
export const LOG_LINES = 30;

/** The last lines of a text, with every secret value replaced. */
export function lastLines(text: string, secrets: string[]): string {
    const masked = secrets
        .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
        .filter((secret) => secret.length >= 4)
        .sort((a, b) => b.length - a.length)
        .reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);
    const lines = masked.trimEnd().split("\n").slice(-LOG_LINES);
    return lines.map((line) => `  | ${line}`).join("\n");
}

/** What to do where a log says that a variable is missing; empty where it says nothing of that. */
export function missingVariable(log: string): string {
    // Elixir's own words, those of a generated runtime.exs, and what is left of Elixir's in a crash at boot.
    const words =
        /environment variable "?([A-Za-z_]\w*)"? (?:is missing|because it is not set)|env=><<"([A-Za-z_]\w*)">>/;
    const [, spelt, crashed] = words.exec(log) ?? [];
    const missing = spelt ?? crashed;
    return missing === undefined
        ? ""
        : ` It misses ${missing}: pulumi config set --secret --path secrets.${missing} (or --path env.${missing}).`;
}
