/** Source of the token for backend calls: the page around the widget, and no storage. */
import * as v from "valibot";
import { hostContract } from "../../shared/contracts/host.ts";
import { getRefreshTime, getSubject } from "./token-claims.ts";

/** Timeout of the page's response, in milliseconds. A page that does not respond has no token. */
export const TOKEN_TIMEOUT_MS = 5_000;

/** The page's response to a token request. Every response is a new object, compared by identity. */
export interface Credentials {
  /** `undefined` if the page has no token. */
  readonly token: string | undefined;
  /** Time of the page's response, on the monotonic clock, in milliseconds. */
  readonly receivedAt: number;
  /** Time to request the next token, in milliseconds since 1970. */
  readonly refreshAt: number;
}

/** The page's token, in memory only. Concurrent callers share one request to the page. */
export interface TokenSource {
  /** Requests the token before the first call. Does nothing if a request was sent already. */
  prefetch(): void;
  /**
   * Returns the current credentials, also if the page has no token. Requests credentials if there are none or a refresh is due.
   *
   * @throws The signal's reason when the signal aborts.
   */
  get(signal: AbortSignal): Promise<Credentials>;
  /**
   * Returns new credentials after the backend has rejected the given ones. Callers with the same rejected credentials share
   * one request to the page.
   *
   * @throws The signal's reason when the signal aborts.
   */
  refresh(rejected: Credentials, signal: AbortSignal): Promise<Credentials>;
  /** Requests another token, unless a request is pending or none was sent yet. */
  refetch(): void;
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
  let pending: Promise<Credentials> | undefined;
  /** Result of `pending`; `undefined` until the page responds. */
  let current: Credentials | undefined;
  let lastToken: string | undefined;

  function fetchToken(): Promise<Credentials> {
    const request = requestTokenFromPage(post, timeoutMs).then((token) => {
      const refreshAt = token === undefined ? Infinity : getRefreshTime(token, Date.now());
      const credentials = { token, receivedAt: performance.now(), refreshAt };
      // A reset or a newer request makes this response stale.
      if (pending === request) {
        current = credentials;
        const hasChanged = token !== lastToken;
        lastToken = token;
        if (hasChanged) onChange();
      }
      return credentials;
    });
    current = undefined;
    pending = request;
    return request;
  }

  return {
    prefetch() {
      pending ??= fetchToken();
    },
    get(signal) {
      const isDue = current !== undefined && current.refreshAt <= Date.now();
      return raceWithAbort(signal, () => (pending === undefined || isDue ? fetchToken() : pending));
    },
    refresh(rejected, signal) {
      // A later caller with the same credentials shares the request of the first caller.
      return raceWithAbort(signal, () => (pending === undefined || current === rejected ? fetchToken() : pending));
    },
    refetch() {
      if (current) void fetchToken();
    },
    subject: () => current?.token && getSubject(current.token),
    clear() {
      pending = undefined;
      current = undefined;
      lastToken = undefined;
    },
  };
}

const FetchTokenFulfilled = v.object({
  type: v.literal("HOST.FETCH_TOKEN_FULFILLED"),
  payload: hostContract["HOST.FETCH_TOKEN"].fulfilled,
});

/** Requests the page's token. A rejection, a failure, a malformed response and a timeout all mean: no token. */
async function requestTokenFromPage(post: TokenSourceOptions["post"], timeoutMs: number): Promise<string | undefined> {
  const answer = await new Promise((resolve) => {
    const resolveWithoutToken = (): void => resolve(undefined);
    const timer = setTimeout(resolveWithoutToken, timeoutMs);
    post({ type: "HOST.FETCH_TOKEN", meta: { timeoutMs } })
      .then(resolve, resolveWithoutToken)
      .finally(() => clearTimeout(timer));
  });
  const result = v.safeParse(FetchTokenFulfilled, answer);
  return result.success ? result.output.payload.token : undefined;
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
