/** Source of the token for backend calls: the page around the widget, and no storage. */
import * as v from "valibot";
import { hostContract } from "../../shared/contracts/host.ts";
import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { createTimerQueue, type TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { decodeClaims, getEndTime, getRefreshTime, getSubject } from "./token-claims.ts";

/** Timeout of the page's response, in milliseconds. A page without our connector that does not respond has no token. */
export const TOKEN_TIMEOUT_MS = 5_000;

/** Pause after the page has given the same token again, in milliseconds. */
const SAME_TOKEN_PAUSE_MS = 500;

/**
 * Pause after a failure, in milliseconds. The stream is retried within 8 s, so that together both are below the 10 s in
 * which a page is right again. A page with few requests is asked as rarely as the stream is retried.
 */
const FAILURE_PAUSE_MS = 1_000;

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
  /**
   * Requests the token before the first call. Does nothing if a request was sent already. If the page has said that it has none, no request
   * is sent until the backend rejects a call.
   */
  prefetch(hasToken?: boolean): void;
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
  /** Returns the claims of the page's current token, not verified; `undefined` without a token. */
  claims(): unknown;
  /** Deletes the credentials: another page may be around the widget now. */
  clear(): void;
}

export interface TokenSourceOptions {
  /** Posts an event to the page and resolves with the page's response. May reject, and may stay pending. */
  readonly post: (event: unknown) => Promise<unknown>;
  /** @default a timer queue of its own */
  readonly schedule?: TimerQueue["schedule"];
  /** @default 5000 */
  readonly timeoutMs?: number;
  /** Called when the token changes, also to none. */
  readonly onChange?: () => void;
}

/** Creates a source that has sent no request yet. */
export function createTokenSource({
  post,
  schedule = createTimerQueue().schedule,
  timeoutMs = TOKEN_TIMEOUT_MS,
  onChange = () => {},
}: TokenSourceOptions): TokenSource {
  /** The latest request. Rejects if the page's function failed. */
  let pending: Promise<Credentials> | undefined;
  let isInFlight = false;
  /** Result of the latest request that succeeded. */
  let current: Credentials | undefined;
  let lastToken: string | undefined;
  /** End of the pause after a request without a new token, on the monotonic clock: the wall clock may be set back. */
  let pausedUntil = 0;
  let answersAlways = false;

  /** Starts a pause, which ends with the token in use: the backend would reject a call with a token that has ended. */
  function pause(milliseconds: number, endsAt = 0): void {
    const leftMs = endsAt - Date.now();
    pausedUntil = performance.now() + (leftMs > 0 ? Math.min(milliseconds, leftMs) : milliseconds);
  }

  /** `usable` are the credentials to go on with if the page fails to give others. */
  function fetchToken(
    usable?: Credentials,
    answered: Promise<TokenAnswer> = requestTokenFromPage({ post, schedule, timeoutMs }, () => answersAlways),
  ): Promise<Credentials> {
    const request = answered.then((answer) => {
      // A reset or a newer request makes this response stale.
      const isLatest = pending === request;
      if (isLatest) isInFlight = false;
      const now = Date.now();
      if (answer === "failed") {
        if (isLatest) pause(FAILURE_PAUSE_MS, usable?.endsAt);
        if (!usable || usable.endsAt <= now) {
          // Else the next caller would get this rejection until the old token is due.
          if (isLatest) current = undefined;
          throw unavailableError();
        }
        // Due again after the pause.
        const kept = { ...usable, refreshAt: 0 };
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
        pausedUntil = 0;
        if (hasChanged) onChange();
        else if (token !== undefined) pause(SAME_TOKEN_PAUSE_MS, endsAt);
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
    return pending && (isInFlight || performance.now() < pausedUntil) ? pending : fetchToken(usable);
  }

  return {
    prefetch(hasToken = true) {
      if (!pending) void fetchToken(undefined, hasToken ? undefined : Promise.resolve({ token: undefined }));
    },
    get(signal) {
      const isDue = !isInFlight && (current === undefined || current.refreshAt <= Date.now());
      return raceWithAbort(signal, () => (pending && !isDue ? pending : fetchUnlessPaused(current)));
    },
    refresh(rejected, signal) {
      // A later caller with the same credentials shares the request of the first caller.
      const isUsable = current && current.token !== rejected.token && current.refreshAt > Date.now();
      return raceWithAbort(signal, () => (pending && isUsable ? pending : fetchUnlessPaused()));
    },
    expectAnswers() {
      answersAlways = true;
    },
    async refetch() {
      await (isInFlight ? pending : fetchToken(current))?.catch(() => {});
    },
    subject: () => current?.token && getSubject(current.token),
    claims: () => current?.token && decodeClaims(current.token),
    clear() {
      pending = undefined;
      isInFlight = false;
      current = undefined;
      lastToken = undefined;
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

/** The answer of our connector if the page's function throws, rejects, takes too long, or has been called too often. */
const FetchTokenFailed = v.object({
  type: v.literal("HOST.FETCH_TOKEN_REJECTED"),
  payload: v.object({ error: v.object({ code: v.picklist(["INTERNAL", "OVERLOADED"]) }) }),
});

/**
 * Requests the page's token. A failure of the page's function, which our connector reports, is no reason to call the backend
 * without a token. Every other answer without a token means that the page has none.
 */
async function requestTokenFromPage(
  { post, schedule, timeoutMs }: Required<Pick<TokenSourceOptions, "post" | "schedule" | "timeoutMs">>,
  answersAlways: () => boolean,
): Promise<TokenAnswer> {
  const answer = await new Promise((resolve) => {
    const cancelTimer = schedule(timeoutMs, () => resolve("silence"));
    post({ type: "HOST.FETCH_TOKEN", meta: { timeoutMs } })
      .then(resolve, () => resolve(undefined))
      .finally(cancelTimer);
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
