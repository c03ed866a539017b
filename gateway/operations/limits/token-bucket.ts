const MINUTE_MS = 60_000;

/** Time whose units a key can spend at once after a pause, in milliseconds. */
const BURST_MS = 10_000;

/** Greatest error of the sums of a bucket's units, in milliseconds. */
const ROUNDING_MS = 0.001;

/** Identity of a bucket's owner. */
export type BucketKey = number | string;

/** Token buckets by key: each key can spend so many units a minute, and those of ten seconds at once. */
export interface TokenBuckets {
  /** Milliseconds until the key has a unit to spend, at a time of the monotonic clock; 0 if it has one now. */
  waitMs(key: BucketKey, nowMs: number): number;
  /**
   * Takes units from a key's bucket. More than the bucket holds is a debt, for which the key waits: work of many units is
   * never impossible, and is paid for afterwards.
   */
  spend(key: BucketKey, nowMs: number, units: number): void;
  /** Sets the rate from now on. The waiting times of keys in debt stay. */
  setRate(unitsPerMinute: number): void;
  /** Number of stored keys. */
  size(): number;
}

/**
 * Creates full buckets. A bucket is one number, the time at which it is full again, and is removed at most a minute after
 * that time.
 */
export function createTokenBuckets(unitsPerMinute: number): TokenBuckets {
  let unitMs = MINUTE_MS / unitsPerMinute;
  const fullAtMs = new Map<BucketKey, number>();
  let nextSweepAtMs = Number.NEGATIVE_INFINITY;

  function sweep(nowMs: number): void {
    nextSweepAtMs = nowMs + MINUTE_MS;
    for (const [key, atMs] of fullAtMs) if (atMs <= nowMs) fullAtMs.delete(key);
  }

  return {
    waitMs(key, nowMs) {
      // A bucket holds one unit at least, also if the unit takes longer.
      const capacityMs = Math.max(BURST_MS, unitMs);
      const waitMs = (fullAtMs.get(key) ?? nowMs) - nowMs + unitMs - capacityMs;
      return waitMs > ROUNDING_MS ? waitMs : 0;
    },
    spend(key, nowMs, units) {
      if (nowMs >= nextSweepAtMs) sweep(nowMs);
      fullAtMs.set(key, Math.max(fullAtMs.get(key) ?? nowMs, nowMs) + units * unitMs);
    },
    setRate(rate) {
      unitMs = MINUTE_MS / rate;
    },
    size: () => fullAtMs.size,
  };
}
