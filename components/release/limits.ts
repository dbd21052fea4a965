import { mustBe, mustBeWhole } from "./arguments";

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

/** Throws where the limits of a component's release cannot be. */
export function checkLimits({ memoryMb, cpus }: Limits = {}, component: string): void {
    mustBeWhole(memoryMb, [6, 16_777_216], component, "limits.memoryMb");
    const isNumber = cpus === undefined || (/^\d+(\.\d+)?$/.test(cpus) && Number(cpus) > 0);
    mustBe(isNumber, component, "limits.cpus", 'a number above 0, such as "1.5"', cpus);
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
