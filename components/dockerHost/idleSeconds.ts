/** How long a connection to a router may idle, with some more, in seconds: as long it may stay with what has been replaced. */
export const IDLE_SECONDS = 70;
