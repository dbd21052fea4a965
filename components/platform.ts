/** The platform of this machine, as Docker names it; Docker runs Linux everywhere. */
export function thisPlatform(): string {
    return `linux/${process.arch === "x64" ? "amd64" : process.arch}`;
}
