// @ts-check
/** The user whose changes are measured, and the status that ends a measurement. */
export const CHANGED_USER = 1;
export const LAST_STATUS = "on_a_break";

/** @typedef {readonly [version: number, atMs: number]} HeardChange in milliseconds since 1970 */

/**
 * Records the time at which each version of the user was received.
 *
 * @param {(changes: readonly HeardChange[]) => void} finish called with the records after the last change
 * @returns {(availability: { readonly userId: number, readonly status: string, readonly version: number }) => void}
 */
export function collectChanges(finish) {
  /** @type {HeardChange[]} */
  const changes = [];
  return ({ userId, status, version }) => {
    const atMs = performance.timeOrigin + performance.now();
    if (userId !== CHANGED_USER) return;
    changes.push([version, atMs]);
    if (status === LAST_STATUS) finish(changes);
  };
}
