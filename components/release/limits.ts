/** What a release may use of its machine: the same for its replicas and its migration. */
export interface Limits {
    /**
     * Whether the file system is read-only, but for /tmp.
     *
     * @default true
     */
    readOnly?: boolean;
    /** Memory limit of each container, in MiB; without it there is none. */
    memoryMb?: number;
    /** CPU limit of each container, such as "1.5"; without it there is none. */
    cpus?: string;
}

/** Limits as Docker has them. */
export interface ContainerLimits {
    readOnly: boolean;
    tmpfs: Record<string, string>;
    /** In MiB. */
    memory?: number;
    cpus?: string;
}

/** The limits of a release, for a container of Docker's. */
export function containerLimits({ readOnly = true, memoryMb, cpus }: Limits = {}): ContainerLimits {
    return { readOnly, tmpfs: { "/tmp": "" }, memory: memoryMb, cpus };
}
