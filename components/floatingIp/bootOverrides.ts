/** What differs where no host of AWS boots: in tests. */
export interface BootOverrides {
    httpPort: number;
    httpsPort: number;
    /** How long a host waits until it tries again what has failed before anything of the release has run. */
    retrySeconds: number;
    /** How often it asks what deploys say. */
    listenSeconds: number;
    /** How long a release that is healthy waits for the address; nobody moves it there for a deploy that was killed. */
    addressSeconds: number;
    /** Where the containers' logs go: options of `docker run`. */
    log?: string[];
}

export const onAws: BootOverrides = {
    httpPort: 80,
    httpsPort: 443,
    retrySeconds: 30,
    listenSeconds: 5,
    addressSeconds: 300,
};
