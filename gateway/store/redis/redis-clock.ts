/** Translates between this process's monotonic clock and the time of the Redis machine, both in milliseconds. */
export interface RedisClock {
  /** Takes into account what Redis said its time was, somewhere between these two moments of the monotonic clock. */
  observe(redisMs: number, sentMs: number, receivedMs: number): void;
  /** Never later than it is in truth. */
  toMonotonicMs(redisMs: number): number;
  toRedisMs(monotonicMs: number): number;
}

/** A clock that has observed nothing yet. */
export function createRedisClock(): RedisClock {
  /** How far the Redis time is ahead: the truth lies between these two. */
  let atLeastMs = -Infinity;
  let atMostMs = Infinity;
  return {
    observe(redisMs, sentMs, receivedMs) {
      const low = redisMs - receivedMs;
      const high = redisMs - sentMs;
      // What contradicts all that was known: the clock there was set, or has drifted that far by now.
      const isSet = low > atMostMs || high < atLeastMs;
      atLeastMs = isSet ? low : Math.max(atLeastMs, low);
      atMostMs = isSet ? high : Math.min(atMostMs, high);
    },
    toMonotonicMs: (redisMs) => redisMs - atMostMs,
    toRedisMs: (monotonicMs) => monotonicMs + atMostMs,
  };
}
