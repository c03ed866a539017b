import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../clock.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";

/** Far above any key set, and nothing to a gateway that serves other customers as well. */
const MAX_KEY_SET_BYTES = 256 * 1024;

const FETCH_TIMEOUT_MS = 5_000;

/** After a failure nobody asks again for so long, in milliseconds, however many tokens come in. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

/** A key that is not in the set makes the gateway fetch it again, but not more often than this, in milliseconds. */
const COOLDOWN_MS = 30_000;

/** A set is fetched anew after this time, in milliseconds, so that a key that was taken out of it stops counting. */
const MAX_AGE_MS = 600_000;

/**
 * Finds a token's key in the key set that a customer publishes. Any number of tokens share one fetch.
 *
 * What it returns throws {@link KeysUnavailableError} where the set cannot be fetched or the key cannot be used.
 */
export function createJwks(url: string, clock: Clock): JWTVerifyGetKey {
  const findKey = createRemoteJWKSet(new URL(url), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
    [customFetch]: pauseAfterFailure(fetchBounded, clock),
  });
  const { origin, pathname } = new URL(url);
  return async (header, token) => {
    try {
      return await findKey(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
      throw new KeysUnavailableError(`The key set at ${origin}${pathname} gave no key: ${describe(cause)}`, { cause });
    }
  };
}

/** Without it an unreachable server would be asked as often as forged tokens come in. */
function pauseAfterFailure(fetchKeySet: FetchImplementation, clock: Clock): FetchImplementation {
  let failure: { readonly cause: unknown; readonly atMs: number } | undefined;
  return async (url, options) => {
    if (failure && clock.monotonicMs() < failure.atMs + PAUSE_AFTER_FAILURE_MS) throw failure.cause;
    try {
      const response = await fetchKeySet(url, options);
      failure = undefined;
      return response;
    } catch (cause) {
      failure = { cause, atMs: clock.monotonicMs() };
      throw cause;
    }
  };
}

const fetchBounded: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options);
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    // Leaving the loop closes the connection.
    if (bytes > MAX_KEY_SET_BYTES) throw new Error(`more than ${MAX_KEY_SET_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks));
};

/** What `fetch` throws says no more than "fetch failed"; its cause has the reason. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
