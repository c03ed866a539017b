/** How long a window is, in milliseconds. */
const WINDOW_MS = 60_000;

/** What one key has been counted for since its window began. */
export interface FixedWindow {
  count: number;
  /** When the next one may begin, on the monotonic clock. */
  readonly endsAtMs: number;
}

/** Counts of what many keys do, each in windows of a minute that begin with what it does first. */
export interface FixedWindowCounter {
  /** Counts one for a key at this moment of the monotonic clock, and returns the window that it was counted in. */
  take(key: string, nowMs: number): Readonly<FixedWindow>;
  /** How many keys are remembered. */
  size(): number;
}

/**
 * No windows yet. A key is forgotten when its window has ended, within another minute of requests: all the keys that came
 * before one moment are thrown away at once, and no timer runs for any.
 */
export function createFixedWindowCounter(): FixedWindowCounter {
  let recent = new Map<string, FixedWindow>();
  let earlier = new Map<string, FixedWindow>();
  let turnsAtMs = Number.NEGATIVE_INFINITY;

  function turn(nowMs: number): void {
    // After two windows' time those among the recent ones have ended as well.
    earlier = nowMs < turnsAtMs + WINDOW_MS ? recent : new Map();
    recent = new Map();
    turnsAtMs = nowMs + WINDOW_MS;
  }

  return {
    take(key, nowMs) {
      if (nowMs >= turnsAtMs) turn(nowMs);
      const known = recent.get(key) ?? earlier.get(key);
      if (known && nowMs < known.endsAtMs) {
        known.count += 1;
        return known;
      }
      const begun = { count: 1, endsAtMs: nowMs + WINDOW_MS };
      recent.set(key, begun);
      return begun;
    },
    size: () => recent.size + earlier.size,
  };
}
