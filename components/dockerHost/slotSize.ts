/** Servers in each of the two slots of the router: as many replicas a release may have (`docker/router/haproxy.cfg`). */
export const SLOT_SIZE = 8;
