/** Wall clock and monotonic clock of a store. */
export interface Clock {
  /** Whole milliseconds since 1970. Comparable across restarts, but jumps when the machine's time is corrected. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start. No correction changes the value. */
  monotonicMs(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
