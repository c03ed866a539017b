/** Counts a company's requests as the vendor does. */
export interface RateLimit {
  /** Counts a request, or returns the remaining seconds of the company's block. */
  admit(): { readonly blockedSeconds: number } | undefined;
  /** Blocks the company from now on, as if it had just passed its limit. */
  block(): void;
}

/** Duration of a block, in milliseconds. */
const BLOCK_MS = 60_000;

const MINUTE_MS = 60_000;

/**
 * Creates a limit of requests in any minute. The vendor does not document whether the minutes slide; sliding minutes
 * are the strictest reading. `nowMs` is any clock in milliseconds that does not jump.
 */
export function createRateLimit(perMinute: number, nowMs: () => number): RateLimit {
  let admittedAtMs: number[] = [];
  let blockedUntilMs = -Infinity;

  function block(): void {
    blockedUntilMs = nowMs() + BLOCK_MS;
  }

  return {
    block,
    admit() {
      const now = nowMs();
      admittedAtMs = admittedAtMs.filter((atMs) => now - atMs < MINUTE_MS);
      if (now >= blockedUntilMs && admittedAtMs.length >= perMinute) block();
      if (now < blockedUntilMs) return { blockedSeconds: Math.ceil((blockedUntilMs - now) / 1000) };
      admittedAtMs.push(now);
      return undefined;
    },
  };
}
