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
  /** True if the key has spent more than its bucket held. */
  isInDebt(key: BucketKey, nowMs: number): boolean;
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

  /** Milliseconds until the key no longer owes anything; negative while the bucket holds something. */
  function debtMs(key: BucketKey, nowMs: number): number {
    // A bucket holds one unit at least, also if the unit takes longer.
    const capacityMs = Math.max(BURST_MS, unitMs);
    return (fullAtMs.get(key) ?? nowMs) - nowMs - capacityMs;
  }

  return {
    waitMs(key, nowMs) {
      const waitMs = debtMs(key, nowMs) + unitMs;
      return waitMs > ROUNDING_MS ? waitMs : 0;
    },
    isInDebt: (key, nowMs) => debtMs(key, nowMs) > ROUNDING_MS,
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
