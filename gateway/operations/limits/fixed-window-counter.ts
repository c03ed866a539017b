/** Length of a window, in milliseconds. */
const WINDOW_MS = 60_000;

/** Count of a key in its window. */
export interface FixedWindow {
  count: number;
  /** End of the window, on the monotonic clock. */
  readonly endsAtMs: number;
}

/** Counters by key, in windows of a minute. A window starts with the key's first request. */
export interface FixedWindowCounter {
  /** Counts a request of a key at a time of the monotonic clock, and returns the window. */
  increment(key: string, nowMs: number): Readonly<FixedWindow>;
  /** Number of stored keys. */
  size(): number;
}

/**
 * Creates a counter. A key is removed at most a minute after its window has ended: two generations of keys rotate, so
 * no key needs a timer.
 */
export function createFixedWindowCounter(): FixedWindowCounter {
  let current = new Map<string, FixedWindow>();
  let previous = new Map<string, FixedWindow>();
  let rotatesAtMs = Number.NEGATIVE_INFINITY;

  function rotate(nowMs: number): void {
    // After twice the length, the current windows have ended too.
    previous = nowMs < rotatesAtMs + WINDOW_MS ? current : new Map();
    current = new Map();
    rotatesAtMs = nowMs + WINDOW_MS;
  }

  return {
    increment(key, nowMs) {
      if (nowMs >= rotatesAtMs) rotate(nowMs);
      const known = current.get(key) ?? previous.get(key);
      if (known && nowMs < known.endsAtMs) {
        known.count += 1;
        return known;
      }
      const started = { count: 1, endsAtMs: nowMs + WINDOW_MS };
      current.set(key, started);
      return started;
    },
    size: () => current.size + previous.size,
  };
}
