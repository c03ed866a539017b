/** Source of the token for backend calls: the page around the widget, and no storage. */
import * as v from "valibot";
import { hostContract } from "../../shared/contracts/host.ts";
import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { getEndTime, getRefreshTime, getSubject } from "./token-claims.ts";

/** Timeout of the page's response, in milliseconds. A page without our connector that does not respond has no token. */
export const TOKEN_TIMEOUT_MS = 5_000;

/** Pause after the same token again, and after the first failure, in milliseconds. Each further failure doubles the pause. */
const BASE_PAUSE_MS = 500;

/** Maximum pause after a failure, in milliseconds. */
const MAX_PAUSE_MS = 8_000;

/** The page's response to a token request. Every response is a new object, compared by identity. */
export interface Credentials {
  /** `undefined` if the page has no token. */
  readonly token: string | undefined;
  /** Time of the page's response, on the monotonic clock, in milliseconds. */
  readonly receivedAt: number;
  /** Time to request the next token, in milliseconds since 1970. */
  readonly refreshAt: number;
  /** Time until which the token is used if the page fails to give another, in milliseconds since 1970. */
  readonly endsAt: number;
}

/** The page's answer: a token, no token because the page has none, or a failure of the page's function. */
type TokenAnswer = { readonly token: string | undefined } | "failed";

/** The page's token, in memory only. Concurrent callers share one request to the page. */
export interface TokenSource {
  /** Requests the token before the first call. Does nothing if a request was sent already. */
  prefetch(): void;
  /**
   * Returns the current credentials, also if the page has no token. Requests credentials if there are none or a refresh is due.
   * If the page fails to give another token, the current token stays in use until it ends.
   *
   * @throws {BridgeRejectionError} `TOKEN_UNAVAILABLE` if the page's function fails and there is no token to use.
   * @throws The signal's reason when the signal aborts.
   */
  get(signal: AbortSignal): Promise<Credentials>;
  /**
   * Returns new credentials after the backend has rejected the given ones. Callers with the same rejected credentials share
   * one request to the page. Returns the rejected credentials in the pause after the page has given the same token again.
   *
   * @throws {BridgeRejectionError} `TOKEN_UNAVAILABLE` if the page's function fails.
   * @throws The signal's reason when the signal aborts.
   */
  refresh(rejected: Credentials, signal: AbortSignal): Promise<Credentials>;
  /** The page has our connector, which answers each token request: silence is a failure. */
  expectAnswers(): void;
  /** Requests another token at once, unless a request is pending. Resolves after the page's answer. */
  refetch(): Promise<void>;
  /** Returns the subject of the page's current token; `undefined` without a token or a subject. */
  subject(): string | undefined;
  /** Deletes the credentials: another page may be around the widget now. */
  clear(): void;
}

export interface TokenSourceOptions {
  /** Posts an event to the page and resolves with the page's response. May reject, and may stay pending. */
  readonly post: (event: unknown) => Promise<unknown>;
  /** @default 5000 */
  readonly timeoutMs?: number;
  /** Called when the token changes, also to none. */
  readonly onChange?: () => void;
}

/** Creates a source that has sent no request yet. */
export function createTokenSource({
  post,
  timeoutMs = TOKEN_TIMEOUT_MS,
  onChange = () => {},
}: TokenSourceOptions): TokenSource {
  /** The latest request. Rejects if the page's function failed. */
  let pending: Promise<Credentials> | undefined;
  let isInFlight = false;
  /** Result of the latest request that succeeded. */
  let current: Credentials | undefined;
  let lastToken: string | undefined;
  /** Failures of the page's function in a row. */
  let failures = 0;
  /** End of the pause after a request without a new token, in milliseconds since 1970. */
  let pausedUntil = 0;
  let answersAlways = false;

  function pause(): void {
    pausedUntil = Date.now() + Math.min(MAX_PAUSE_MS, BASE_PAUSE_MS * 2 ** failures);
  }

  /** `usable` are the credentials to go on with if the page fails to give others. */
  function fetchToken(usable?: Credentials): Promise<Credentials> {
    const request = requestTokenFromPage(post, timeoutMs, () => answersAlways).then((answer) => {
      // A reset or a newer request makes this response stale.
      const isLatest = pending === request;
      if (isLatest) isInFlight = false;
      const now = Date.now();
      if (answer === "failed") {
        if (isLatest) {
          pause();
          failures += 1;
        }
        if (!usable || usable.endsAt <= now) throw unavailableError();
        const kept = { ...usable, refreshAt: pausedUntil };
        if (isLatest) current = kept;
        return kept;
      }
      const { token } = answer;
      const refreshAt = token === undefined ? Infinity : getRefreshTime(token, now);
      const endsAt = token === undefined ? Infinity : getEndTime(token, now);
      const credentials = { token, receivedAt: performance.now(), refreshAt, endsAt };
      if (isLatest) {
        current = credentials;
        const hasChanged = token !== lastToken;
        lastToken = token;
        failures = 0;
        pausedUntil = 0;
        if (hasChanged) onChange();
        else if (token !== undefined) pause();
      }
      return credentials;
    });
    pending = request;
    isInFlight = true;
    // A caller that has left, or a prefetch, leaves the rejection to the next caller.
    request.catch(() => {});
    return request;
  }

  /** Requests a token, unless a request is in flight or the page needs a pause. */
  function fetchUnlessPaused(usable?: Credentials): Promise<Credentials> {
    return pending && (isInFlight || Date.now() < pausedUntil) ? pending : fetchToken(usable);
  }

  return {
    prefetch() {
      if (!pending) void fetchToken();
    },
    get(signal) {
      const isDue = !isInFlight && (current === undefined || current.refreshAt <= Date.now());
      return raceWithAbort(signal, () => (pending && !isDue ? pending : fetchUnlessPaused(current)));
    },
    refresh(rejected, signal) {
      // A later caller with the same credentials shares the request of the first caller.
      const isRejected = current === undefined || current.token === rejected.token;
      return raceWithAbort(signal, () => (pending && !isRejected ? pending : fetchUnlessPaused()));
    },
    expectAnswers() {
      answersAlways = true;
    },
    async refetch() {
      await (isInFlight ? pending : fetchToken(current))?.catch(() => {});
    },
    subject: () => current?.token && getSubject(current.token),
    clear() {
      pending = undefined;
      isInFlight = false;
      current = undefined;
      lastToken = undefined;
      failures = 0;
      pausedUntil = 0;
      answersAlways = false;
    },
  };
}

function unavailableError(): BridgeRejectionError {
  return new BridgeRejectionError("TOKEN_UNAVAILABLE", "The page's function gave no token: see the page's console");
}

const FetchTokenFulfilled = v.object({
  type: v.literal("HOST.FETCH_TOKEN_FULFILLED"),
  payload: hostContract["HOST.FETCH_TOKEN"].fulfilled,
});

/** The answer of our connector if the page's function throws, rejects or takes too long. */
const FetchTokenFailed = v.object({
  type: v.literal("HOST.FETCH_TOKEN_REJECTED"),
  payload: v.object({ error: v.object({ code: v.literal("INTERNAL") }) }),
});

/**
 * Requests the page's token. A failure of the page's function, which our connector reports, is no reason to call the backend
 * without a token. Every other answer without a token means that the page has none.
 */
async function requestTokenFromPage(
  post: TokenSourceOptions["post"],
  timeoutMs: number,
  answersAlways: () => boolean,
): Promise<TokenAnswer> {
  const answer = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve("silence"), timeoutMs);
    post({ type: "HOST.FETCH_TOKEN", meta: { timeoutMs } })
      .then(resolve, () => resolve(undefined))
      .finally(() => clearTimeout(timer));
  });
  if (v.is(FetchTokenFailed, answer) || (answer === "silence" && answersAlways())) return "failed";
  const result = v.safeParse(FetchTokenFulfilled, answer);
  return { token: result.success ? result.output.payload.token : undefined };
}

/** Waits for a shared promise until the caller's signal aborts. */
async function raceWithAbort<Value>(signal: AbortSignal, start: () => Promise<Value>): Promise<Value> {
  signal.throwIfAborted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
  });
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([start(), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
