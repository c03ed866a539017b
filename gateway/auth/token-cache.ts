import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { Caller } from "./caller.ts";

/** Maximum number of cached tokens of a customer. */
const MAX_TOKENS = 10_000;

/** Minimum number of characters counted for a token. */
const MIN_CHARACTERS = 839;

/** Maximum total length of cached tokens, in characters of a byte: 8 MiB. */
const MAX_CHARACTERS = MAX_TOKENS * MIN_CHARACTERS;

/** Maximum age of a cached token, in milliseconds, because the key of a longer-lived token may be withdrawn. */
const MAX_AGE_MS = 300_000;

/** Verifies tokens, with a cache. */
export interface TokenCache {
  verify(token: string): Promise<Caller>;
  /** Returns the caller of a cached token; `undefined` if the token must be verified. */
  getCached(token: string): Caller | undefined;
}

/**
 * Caches a token's caller until the token expires, at most for five minutes. Concurrent requests share one
 * verification. Rejections are not cached, because forged tokens would evict valid tokens.
 */
export function createTokenCache(verify: (token: string) => Promise<Caller>, clock: Clock): TokenCache {
  const cache = new LRUCache<string, Caller>({
    // Not `max`, for which the cache allocates a third of a megabyte at once, even for a customer without requests.
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (_caller, token) => Math.max(token.length, MIN_CHARACTERS),
    // Use the monotonic clock, so that a correction of the wall clock extends no token by more than five minutes.
    perf: { now: clock.monotonicMs },
    ttlResolution: 0,
  });
  const pendingByToken = new Map<string, Promise<Caller>>();

  const verifyUncached = async (token: string): Promise<Caller> => {
    const caller = await verify(token);
    const ttl = Math.min(caller.endsAtMs - clock.wallMs(), MAX_AGE_MS);
    // A `ttl` of 0 would mean no expiry.
    if (ttl > 0) cache.set(token, caller, { ttl });
    return caller;
  };

  return {
    verify(token) {
      const caller = cache.get(token);
      if (caller) return Promise.resolve(caller);
      const pending = pendingByToken.get(token) ?? verifyUncached(token).finally(() => pendingByToken.delete(token));
      pendingByToken.set(token, pending);
      return pending;
    },
    getCached: (token) => cache.get(token),
  };
}
