/** The mean of the first delay is half of this, in milliseconds; each failure after it doubles that. */
const FIRST_MS = 1_000;

/** No delay is longer, in milliseconds. */
const LONGEST_MS = 30_000;

/** How long to wait before the next attempt. */
export interface RetryDelays {
  /** In milliseconds: anything from nothing to a limit that doubles each time, so that whoever was cut off at once comes back apart. */
  next(): number;
  /** The last attempt was a success, however it has ended. */
  reset(): void;
}

/** Creates delays for an attempt that has not failed so far. */
export function createRetryDelays(random: () => number): RetryDelays {
  let failures = 0;
  return {
    next() {
      const limitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
      failures += 1;
      return random() * limitMs;
    },
    reset() {
      failures = 0;
    },
  };
}
