/** A point in time on the monotonic clock, which no correction of the wall clock moves. */
export interface Deadline {
  /** What is left until then, in milliseconds; 0 when it has passed. */
  remainingMs(): number;
}

/** The deadline that lies this many milliseconds ahead. */
export function deadlineIn(milliseconds: number): Deadline {
  const at = performance.now() + milliseconds;
  return { remainingMs: () => Math.max(0, at - performance.now()) };
}
