const SECOND_MS = 1000;

/** Length of `2026-01-01T12:00:00.`, the time without milliseconds. */
const WITHOUT_MS_LENGTH = 20;

/**
 * Creates a formatter of times, such as `2026-01-01T12:00:00.000Z`. The part up to the second is formatted once for the
 * lines of a second.
 */
export function createTimeFormatter(): (ms: number) => string {
  let second = Number.NaN;
  let written = "";
  return (ms) => {
    const current = Math.floor(ms / SECOND_MS);
    if (current !== second) {
      second = current;
      written = new Date(current * SECOND_MS).toISOString().slice(0, WITHOUT_MS_LENGTH);
    }
    return `${written}${`${ms - current * SECOND_MS}`.padStart(3, "0")}Z`;
  };
}
