/** How much further apart the two clocks may be than before while the machine was awake, in milliseconds. */
const TOLERANCE_MS = 2_000;

/**
 * Creates what tells whether the machine has slept since it was last asked: the wall clock then has run on, and the monotonic
 * one of most systems has not. It also says so where somebody has set the clock, which costs no more than a look too many.
 */
export function createSleepDetector(): () => boolean {
  const readOffset = (): number => Date.now() - performance.now();
  let offset = readOffset();
  return () => {
    const before = offset;
    offset = readOffset();
    return Math.abs(offset - before) > TOLERANCE_MS;
  };
}
