import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from "jose";
import { type Clock, systemClock } from "../clock.ts";
import { type Delay, delay } from "../delay.ts";
import { fetchKeySet } from "./fetch-key-set.ts";
import { describeKeys, isKeyFor } from "./key-set-content.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";
import type { KeySetAlgorithm } from "./token-settings.ts";

const FETCH_TIMEOUT_MS = 5_000;

/** Pause after a failed fetch, in milliseconds, for any number of tokens. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

/** Minimum time between two fetches for keys missing from the set, in milliseconds. */
const COOLDOWN_MS = 30_000;

/** Interval of the fetches in the background, in milliseconds. A removed key becomes invalid after the next fetch. */
const REFRESH_MS = 300_000;

/** Share of the interval to vary at random, so that gateways do not fetch at once. */
const REFRESH_JITTER = 0.1;

/** Delay of the next fetch after the first failure, in milliseconds. Each failure doubles the delay. */
const FIRST_RETRY_MS = 10_000;

/**
 * Maximum age of the keys while the set cannot be fetched, in milliseconds: a day. Outages of key sets' servers are more
 * frequent than withdrawals of keys during an outage.
 */
const MAX_STALE_MS = 86_400_000;

/** Log of a key set, for the operator. */
export interface KeySetLog {
  line(text: string): void;
  warning(text: string): void;
}

/** A customer's published key set. */
export interface Jwks {
  /** Finds a token's key. Tokens wait for a shared fetch only if there are no keys, or if the key is missing from the set. */
  readonly findKey: JWTVerifyGetKey;
  /** Fetches the set at once, and then in the background, until the signal aborts. Logs failures, and the return after one. */
  keepFresh(log: KeySetLog, signal: AbortSignal): Promise<void>;
  /** False if the last fetch that has ended failed; `undefined` before the end of the first. */
  isAvailable(): boolean | undefined;
}

export interface JwksOptions {
  readonly url: string;
  readonly algorithm: KeySetAlgorithm;
  readonly clock?: Clock;
  readonly wait?: Delay;
  /** @default the global `fetch` */
  readonly fetch?: typeof fetch;
  /** Runs each fetch, for metrics and traces. @default nothing is observed */
  readonly observeFetch?: ObserveFetch;
}

/** Runs a fetch, and resolves or rejects as the fetch does. */
export type ObserveFetch = <Value>(run: () => Promise<Value>) => Promise<Value>;

/** Creates a key set. `findKey` throws {@link KeysUnavailableError} if the set cannot be fetched or the key cannot be used. */
export function createJwks(options: JwksOptions): Jwks {
  const { url, algorithm, clock = systemClock, wait = delay, fetch = globalThis.fetch } = options;
  const { observeFetch = (run) => run() } = options;
  const { origin, pathname } = new URL(url);
  const name = `The key set at ${origin}${pathname}`;
  let isAvailable: boolean | undefined;
  let loadedAtMs: number | undefined;
  const fetchObserved: FetchImplementation = async (...request) => {
    try {
      const response = await observeFetch(() => fetchKeySet(fetch, ...request));
      isAvailable = true;
      return response;
    } catch (cause) {
      isAvailable = false;
      throw cause;
    }
  };
  const remote = createRemoteJWKSet(new URL(url), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    // Fetches in the background replace the keys, so that no token waits.
    cacheMaxAge: Infinity,
    [customFetch]: pauseAfterFailure(fetchObserved, clock),
  });
  const toError = (cause: unknown) =>
    new KeysUnavailableError(`${name} returned no key: ${describe(cause)}`, { cause });

  async function load(): Promise<void> {
    try {
      await remote.reload();
      loadedAtMs = clock.monotonicMs();
    } catch (cause) {
      isAvailable = false;
      throw toError(cause);
    }
  }

  const hasKeys = (): boolean => loadedAtMs !== undefined && clock.monotonicMs() - loadedAtMs <= MAX_STALE_MS;

  return {
    async findKey(header, token) {
      if (!hasKeys()) await load();
      try {
        return await remote(header, token);
      } catch (cause) {
        if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
        throw toError(cause);
      }
    },
    async keepFresh(log, signal) {
      const report = createReport(name, algorithm, log);
      for (let failures = 0; !signal.aborted; ) {
        try {
          await load();
          failures = 0;
          report.loaded(remote.jwks()?.keys ?? []);
        } catch (error) {
          failures += 1;
          report.failed(error, hasKeys());
        }
        const interval = failures === 0 ? REFRESH_MS : Math.min(REFRESH_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
        await wait(interval * (1 - REFRESH_JITTER * Math.random()), signal).catch(() => {});
      }
    },
    isAvailable: () => isAvailable,
  };
}

/** Logs the first failure of a series and its end, and a set without a key for the customer's algorithm. */
function createReport(name: string, algorithm: KeySetAlgorithm, log: KeySetLog) {
  let lastFailure: "without keys" | "with keys" | undefined;
  let lastContent = "";
  return {
    loaded(keys: readonly object[]): void {
      if (lastFailure) log.line(`${name} can be fetched again`);
      lastFailure = undefined;
      const content = describeKeys(keys);
      const isUsable = keys.some((key) => isKeyFor(algorithm, key));
      if (!isUsable && content !== lastContent) {
        log.warning(
          `${name} has no key for ${algorithm}: expected one, but it has ${content}; every token is rejected`,
        );
      }
      lastContent = isUsable ? "" : content;
    },
    failed(error: unknown, hasKeys: boolean): void {
      if (!(error instanceof KeysUnavailableError)) throw error;
      const failure = hasKeys ? "with keys" : "without keys";
      if (failure === lastFailure) return;
      lastFailure = failure;
      const consequence = hasKeys
        ? `the gateway goes on with the keys that it has, for at most ${MAX_STALE_MS / 3_600_000} hours`
        : "calls with a token are answered with 503 until it does";
      log.warning(`${error.message}; ${consequence}`);
    },
  };
}

/** Limits requests to an unreachable server, because forged tokens could trigger them without end. */
function pauseAfterFailure(send: FetchImplementation, clock: Clock): FetchImplementation {
  let failure: { readonly cause: unknown; readonly atMs: number } | undefined;
  return async (url, options) => {
    if (failure && clock.monotonicMs() < failure.atMs + PAUSE_AFTER_FAILURE_MS) throw failure.cause;
    try {
      const response = await send(url, options);
      failure = undefined;
      return response;
    } catch (cause) {
      failure = { cause, atMs: clock.monotonicMs() };
      throw cause;
    }
  };
}

/** Adds the message of the cause, because `fetch` itself only throws "fetch failed". */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
