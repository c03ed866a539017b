/** Texts of the inspector for times and numbers. */

const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

/** Formats milliseconds since 1970 as the time of day, such as `14:03:22.041`. */
export function formatClock(at: number): string {
  return CLOCK.format(at);
}

/** Formats a duration in milliseconds: `8.4 ms`, and from 1,000 ms `3.02 s`. */
export function formatDuration(durationMs: number): string {
  return durationMs < 1_000 ? `${Math.round(durationMs * 10) / 10} ms` : `${(durationMs / 1_000).toFixed(2)} s`;
}

/** Formats a number of bytes: `512 B`, and from 1,000 on `1.5 kB`, `2.1 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
