/**
 * Gives this process the environment back that it had. An assignment to `process.env` would not: from then on Node.js would
 * keep variables in an object of its own, which neither `os.homedir()` nor a child process looks at.
 */
export function restoreEnvironment(before: NodeJS.ProcessEnv): void {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
}
