/** Maximum drift between the two clocks while the machine is awake, in milliseconds. */
const TOLERANCE_MS = 2_000;

/**
 * Creates a detector of machine sleep since the previous call. During sleep the wall clock advances, and the monotonic
 * clock of most systems stops. A change of the wall clock also counts as sleep, at the cost of one extra check.
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
