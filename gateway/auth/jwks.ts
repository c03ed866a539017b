import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../clock.ts";
import type { ObserveCall } from "../outgoing-call.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";

/** Maximum size of a key set: far larger than real sets, and harmless to a gateway with many customers. */
const MAX_KEY_SET_BYTES = 256 * 1024;

const FETCH_TIMEOUT_MS = 5_000;

/** Pause after a failed fetch, in milliseconds, for any number of tokens. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

/** Minimum time between two fetches for keys missing from the set, in milliseconds. */
const COOLDOWN_MS = 30_000;

/** Maximum age of a set, in milliseconds, so that a removed key becomes invalid. */
const MAX_AGE_MS = 600_000;

/** A customer's published key set. */
export interface Jwks {
  /** Finds a token's key. All tokens share one fetch. */
  readonly findKey: JWTVerifyGetKey;
  /** Fetches the set, so that a fault shows before the first token comes. */
  load(): Promise<void>;
  /** False if the last fetch failed; `undefined` before the first. */
  isAvailable(): boolean | undefined;
}

export interface JwksOptions {
  readonly clock: Clock;
  /** Id of the customer whose set it is. */
  readonly customerId: string;
  /** Runs each fetch, for metrics and traces. */
  readonly observe: ObserveCall;
}

/**
 * Creates a key set that is fetched when it is used. Its functions throw {@link KeysUnavailableError} if the set cannot be
 * fetched or the key cannot be used.
 */
export function createJwks(url: string, { clock, customerId, observe }: JwksOptions): Jwks {
  let isAvailable: boolean | undefined;
  const call = { service: "key set", operation: "fetch", customer: customerId } as const;
  const fetchObserved: FetchImplementation = async (...request) => {
    try {
      const response = await observe(call, () => fetchBounded(...request));
      isAvailable = true;
      return response;
    } catch (cause) {
      isAvailable = false;
      throw cause;
    }
  };
  const findKey = createRemoteJWKSet(new URL(url), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
    [customFetch]: pauseAfterFailure(fetchObserved, clock),
  });
  const { origin, pathname } = new URL(url);
  const toError = (cause: unknown) =>
    new KeysUnavailableError(`The key set at ${origin}${pathname} returned no key: ${describe(cause)}`, { cause });
  return {
    async findKey(header, token) {
      try {
        return await findKey(header, token);
      } catch (cause) {
        if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
        throw toError(cause);
      }
    },
    async load() {
      try {
        await findKey.reload();
      } catch (cause) {
        throw toError(cause);
      }
    },
    isAvailable: () => isAvailable,
  };
}

/** Limits requests to an unreachable server, because forged tokens could trigger them without end. */
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
    // Throwing leaves the loop, which closes the connection.
    if (bytes > MAX_KEY_SET_BYTES) throw new Error(`more than ${MAX_KEY_SET_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Response(withoutEd25519Names(Buffer.concat(chunks).toString("utf8")));
};

/** Names of one algorithm: that of RFC 8037, and that of RFC 9864. */
export const ED25519_NAMES = ["EdDSA", "Ed25519"] as const;

/**
 * Removes `alg` from Ed25519 keys of a key set, because `jose` compares names, and a token may have the other one. The key's
 * type and its curve determine the algorithm. Text that is no key set is returned unchanged.
 */
function withoutEd25519Names(text: string): string {
  if (!/"Ed(DSA|25519)"/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text, (name, value: unknown) => (isEd25519Name(name, value) ? undefined : value)));
  } catch {
    return text;
  }
}

function isEd25519Name(name: string, value: unknown): boolean {
  return name === "alg" && ED25519_NAMES.some((known) => known === value);
}

/** Adds the message of the cause, because `fetch` itself only throws "fetch failed". */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
