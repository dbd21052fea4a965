/** What the reference of an image names: https://github.com/distribution/reference */
export interface ImageReference {
    /** Registry, with its port; empty for an image of Docker Hub that does not name it. */
    registry: string;
    /** Path in the registry. */
    path: string;
    /** Registry and path. */
    repository: string;
    tag?: string;
    /** Such as `sha256:…`. */
    digest?: string;
}

/** Reads a reference such as `ghcr.io/acme/hello:1.0.0@sha256:…`, or the address of a repository. */
export function imageReference(reference: string): ImageReference {
    const [name = "", digest] = reference.split("@");
    // A colon before the last slash is that of a port.
    const [, repository = name, tag] = /^(.*?)(?::([^/:]+))?$/.exec(name) ?? [];
    const [first = "", ...rest] = repository.split("/");
    // Docker's own rule for what is a registry and what is the first part of a path.
    const isRegistry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
    return {
        registry: isRegistry ? first : "",
        path: isRegistry ? rest.join("/") : repository,
        repository,
        ...(tag !== undefined && { tag }),
        ...(digest !== undefined && { digest }),
    };
}

/** The registry of an address such as `ghcr.io/acme`, or of one that is a registry alone. */
export function registryOf(address: string): string {
    return address.replace(/\/.*/, "");
}
