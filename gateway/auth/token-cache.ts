import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { Caller } from "./caller.ts";

/** How many tokens of one customer are remembered. */
const MAX_TOKENS = 10_000;

/** However short a token is, so many characters are counted for it. */
const MIN_CHARACTERS = 839;

/** How much memory they may take, in characters of one byte each: 8 MiB. */
const MAX_CHARACTERS = MAX_TOKENS * MIN_CHARACTERS;

/** However long a token holds, its key may be withdrawn: it is verified again after this time, in milliseconds. */
const MAX_AGE_MS = 300_000;

/** Tells who brings a token, from memory where it can. */
export interface TokenCache {
  verify(token: string): Promise<Caller>;
  /** Who brings a token that was verified before and still holds; `undefined` where it has to be verified. */
  getCached(token: string): Caller | undefined;
}

/**
 * Verifies a token once for as long as it holds, at most for five minutes, and once for all who bring it at the same
 * time. Refusals are not remembered: forged tokens would push out those that are good.
 */
export function createTokenCache(verify: (token: string) => Promise<Caller>, clock: Clock): TokenCache {
  const cache = new LRUCache<string, Caller>({
    // Not by `max`, for which the cache takes a third of a megabyte at once, also for a customer of whom nobody ever comes.
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (_caller, token) => Math.max(token.length, MIN_CHARACTERS),
    // The monotonic clock, so that a correction of the other one lengthens no token's life by more than five minutes.
    perf: { now: clock.monotonicMs },
    ttlResolution: 0,
  });
  const pendingByToken = new Map<string, Promise<Caller>>();

  const verifyUncached = async (token: string): Promise<Caller> => {
    const caller = await verify(token);
    const ttl = Math.min(caller.endsAtMs - clock.wallMs(), MAX_AGE_MS);
    // To the cache a ttl of 0 means for ever.
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
