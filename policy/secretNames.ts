const NAMES = [
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "TOKENS?(?![A-Z])",
    "COOKIE",
    "CREDENTIAL",
    "(PRIVATE|API|ACCESS|ENCRYPTION|SIGNING|MASTER)_?KEY",
    "(DATABASE|DB|ECTO|POSTGRES|PG|REDIS|AMQP|RABBITMQ|MONGO)_?(URL|DSN)",
    "(^|_)PASS(_|$)",
];

/** Endings of variables that say where or which a secret is, not what. */
const ABOUT = /_(VERSIONS?|ARNS?|NAMES?|PATHS?|PARAMETERS?|PREFIX|FILE|DIR|TTL|SECONDS|COUNT)$/;

const looks = new RegExp(NAMES.join("|"));

/** Whether an environment variable's name says that it holds a secret. */
export function looksSecret(name: string): boolean {
    return looks.test(name) && !ABOUT.test(name);
}

const SECRETS: [RegExp, string][] = [
    [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
    [/\b(AKIA|ASIA)[0-9A-Z]{16}\b/, "an AWS access key id"],
    [/\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@$]*:[^\s/@${}]+@/i, "a URL with a password"],
];

/** What secrets a text holds, without the secrets themselves. */
export function secretsIn(text: string): string[] {
    return SECRETS.filter(([pattern]) => pattern.test(text)).map(([, what]) => what);
}
