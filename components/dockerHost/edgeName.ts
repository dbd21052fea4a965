/** What an edge may be called. */
export const EDGE_NAME = /^[A-Za-z0-9][\w.-]{0,62}$/;

/** Name of an edge's network, and of the volume with its routes. */
export function edgeName(edge: string): string {
    return `decanter-${edge}`;
}

/** Label of a router that is behind an edge, with the edge's name. */
export const EDGE_LABEL = "decanter.edge";
