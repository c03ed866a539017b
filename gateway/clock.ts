/** The two times that a store reads. */
export interface Clock {
  /** Whole milliseconds since 1970. Comparable across restarts, but it jumps when the machine's time is corrected. */
  wallMs(): number;
  /** Milliseconds since some moment, which no correction moves. */
  monotonicMs(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
