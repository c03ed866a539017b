const SECOND_MS = 1000;

/** `2026-01-01T12:00:` and the seconds, the point behind them included. */
const WITHOUT_MS_LENGTH = 20;

/**
 * Writes moments as a log has them, `2026-01-01T12:00:00.000Z`. A second is made into text once, for all the lines that are
 * written within it.
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
