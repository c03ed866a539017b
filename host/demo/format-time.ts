/** Times as this page writes them. */

const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

/** The time of day to the millisecond, such as `14:03:22.041`, from milliseconds since 1970. */
export function formatClock(at: number): string {
  return CLOCK.format(at);
}

/** A duration given in milliseconds: `8 ms`, and from one second on `3.02 s`. */
export function formatDuration(durationMs: number): string {
  return durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(2)} s`;
}
