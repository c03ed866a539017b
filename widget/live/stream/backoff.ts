/** Upper limit of the first delay, in milliseconds. Each failure doubles the limit. */
const BASE_MS = 1_000;

/** Maximum delay, in milliseconds: within 10 s of the end of a fault the page's availabilities are right again. */
const MAX_MS = 8_000;

/** Random exponential backoff. */
export interface Backoff {
  /**
   * Returns a delay in milliseconds between 0 and the limit, and doubles the limit. The random delay spreads out
   * clients disconnected at the same moment.
   *
   * @param requestedMs delay that the gateway asks for, to which the caller adds the returned one, in milliseconds. Both together exceed
   * 8 s only if the requested delay is longer than 7 s. @default 0
   */
  nextDelayMs(requestedMs?: number): number;
  /** Resets the limit after a success. */
  reset(): void;
}

/** Creates a backoff without failures. */
export function createBackoff(random: () => number): Backoff {
  let failures = 0;
  return {
    nextDelayMs(requestedMs = 0) {
      const longestMs = requestedMs < MAX_MS ? Math.max(BASE_MS, MAX_MS - requestedMs) : MAX_MS;
      const limitMs = Math.min(longestMs, BASE_MS * 2 ** failures);
      failures += 1;
      return random() * limitMs;
    },
    reset() {
      failures = 0;
    },
  };
}
