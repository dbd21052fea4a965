import * as fs from "node:fs";

/** Names of files that may hold a secret. */
export const SECRET_NAMES = [
    ".envrc",
    ".env",
    ".env.*",
    "*.secret.exs",
    "*.pem",
    "*.key",
    "id_rsa",
    "id_ed25519",
];

/**
 * Whether a file with one of these names may hold a secret: all do, but for public keys and certificates in PEM, and for
 * configuration that reads its secrets from the environment and spells none out.
 */
export function mayHoldSecret(file: string): boolean {
    if (/\.(pem|key)$/.test(file)) {
        const text = fs.readFileSync(file, "latin1");
        return !text.includes("-----BEGIN ") || isPrivateKey(text);
    }
    if (!file.endsWith(".secret.exs")) return true;
    const text = fs.readFileSync(file, "utf8").replace(/^\s*#.*$/gm, "");
    const isSpelledOut = /(secret|passw|token|key|salt|dsn|url)\w*("|')?(:|,|\s*=>)\s*("|~s)(?!")/i.test(
        text,
    );
    return !/System\.(get|fetch)_env/.test(text) || isSpelledOut;
}

/** Whether the text of a file is, or has in it, a private key. */
export function isPrivateKey(text: string): boolean {
    return text.includes("PRIVATE KEY-----");
}
