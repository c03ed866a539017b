/** A point in time on the monotonic clock, unaffected by corrections of the wall clock. */
export interface Deadline {
  /** Remaining time in milliseconds; 0 after the deadline. */
  remainingMs(): number;
}

/** Creates the deadline this many milliseconds ahead. */
export function createDeadline(milliseconds: number): Deadline {
  const at = performance.now() + milliseconds;
  return { remainingMs: () => Math.max(0, at - performance.now()) };
}
