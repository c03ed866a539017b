/** Converts between the monotonic clock of this process and the clock of the Redis machine, in milliseconds. */
export interface RedisClock {
  /** Records a time of Redis, read between two moments of the monotonic clock. */
  observe(redisMs: number, sentMs: number, receivedMs: number): void;
  /** Converts a time of Redis to the earliest possible moment. */
  toMonotonicMs(redisMs: number): number;
  toRedisMs(monotonicMs: number): number;
}

/** Creates a clock without observations. */
export function createRedisClock(): RedisClock {
  /** Bounds of the time by which the clock of Redis is ahead. */
  let minOffsetMs = -Infinity;
  let maxOffsetMs = Infinity;
  return {
    observe(redisMs, sentMs, receivedMs) {
      const low = redisMs - receivedMs;
      const high = redisMs - sentMs;
      // An observation outside the bounds means that the clock of Redis was set or has drifted.
      const wasClockSet = low > maxOffsetMs || high < minOffsetMs;
      minOffsetMs = wasClockSet ? low : Math.max(minOffsetMs, low);
      maxOffsetMs = wasClockSet ? high : Math.min(maxOffsetMs, high);
    },
    toMonotonicMs: (redisMs) => redisMs - maxOffsetMs,
    toRedisMs: (monotonicMs) => monotonicMs + maxOffsetMs,
  };
}
