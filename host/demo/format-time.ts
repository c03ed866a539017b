/** Time formats of the page. */

/** Formats a duration in milliseconds: `8 ms`, and from 1,000 ms `3.02 s`. */
export function formatDuration(durationMs: number): string {
  return durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(2)} s`;
}
