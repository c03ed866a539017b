/**
 * Time for which stores keep outdated data, in milliseconds: the id of a removed agent, the data of a customer that no
 * gateway serves, and the mark of an erasure. A gateway that was away for longer may give erased agents back. 30 days.
 */
export const RETENTION_MS = 30 * 24 * 60 * 60 * 1000;
