// @ts-check
/** Removes processes and files that a failed measurement would leave behind. */

/** @type {Set<() => void>} */
const steps = new Set();

process.once("exit", () => {
  for (const step of steps) step();
});

/**
 * Runs the step when the present process ends, or when the caller calls the returned function.
 *
 * @param {() => void} step
 * @returns {() => void}
 */
export function undoAtExit(step) {
  steps.add(step);
  return () => void steps.delete(step);
}
