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
  let minOffsetMs = -Infinity;
  let maxOffsetMs = Infinity;
  return {
    observe(redisMs, sentMs, receivedMs) {
      const low = redisMs - receivedMs;
      const high = redisMs - sentMs;
      // What contradicts all that was known: the clock there was set, or has drifted that far by now.
      const wasClockSet = low > maxOffsetMs || high < minOffsetMs;
      minOffsetMs = wasClockSet ? low : Math.max(minOffsetMs, low);
      maxOffsetMs = wasClockSet ? high : Math.min(maxOffsetMs, high);
    },
    toMonotonicMs: (redisMs) => redisMs - maxOffsetMs,
    toRedisMs: (monotonicMs) => monotonicMs + maxOffsetMs,
  };
}
