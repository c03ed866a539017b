/** Counts a company's requests as the vendor does. */
export interface RateLimit {
  /** Takes one request; otherwise says for how many seconds more the company is blocked. */
  admit(): { readonly blockedSeconds: number } | undefined;
  /** Blocks the company from now on, as if it had just gone over the limit. */
  block(): void;
}

/** How long a company is blocked that has gone over its limit, in milliseconds. */
const BLOCK_MS = 60_000;

const MINUTE_MS = 60_000;

/**
 * A limit of so many requests in any minute. The vendor does not say whether its minutes slide; that they do is the
 * strictest reading. `nowMs` is any clock in milliseconds that does not jump.
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
