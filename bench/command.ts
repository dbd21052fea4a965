/**
 * Runs a benchmark, and ends the process with its exit code: servers of Pulumi's SDK would keep it.
 *
 * @param name such as `bench/swap`, which an error begins with
 */
export function benchmark(name: string, main: () => Promise<number>): void {
    main().then(
        (code) => process.exit(code),
        (error: unknown) => {
            console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
            process.exit(1);
        },
    );
}

/** The value of a flag; throws where it is no whole number from 1. */
export function wholeNumber(flag: string, given: string): number {
    const number = Number(given);
    if (Number.isInteger(number) && number >= 1) return number;
    throw new Error(`--${flag} must be a whole number from 1, got "${given}"`);
}
