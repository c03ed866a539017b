// @ts-check
/** What a measurement that failed must not leave behind: processes, and files. */

/** @type {Set<() => void>} */
const steps = new Set();

process.once("exit", () => {
  for (const step of steps) step();
});

/**
 * Has something undone when this process ends, unless the function is called before that it returns.
 *
 * @param {() => void} step
 * @returns {() => void}
 */
export function undoAtExit(step) {
  steps.add(step);
  return () => void steps.delete(step);
}
