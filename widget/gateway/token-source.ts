/** Where the widget's calls get their token: from the page around it, and from nowhere else. */
import * as v from "valibot";
import { hostContract } from "../../shared/contracts/host.ts";
import { getRefreshTime, getSubject } from "./token-claims.ts";

/** How long the page may take to answer, in milliseconds. One that says nothing has no token. */
export const TOKEN_TIMEOUT_MS = 5_000;

/** What the page said when it was asked for a token. Each answer is an object of its own. */
export interface Credentials {
  /** `undefined` where the page has none. */
  readonly token: string | undefined;
  /** When the page answered, on the monotonic clock, in milliseconds. */
  readonly receivedAt: number;
  /** When to ask again, in milliseconds since 1970. */
  readonly refreshAt: number;
}

/** The page's token, in memory alone. However many ask for it at once, the page is asked once. */
export interface TokenSource {
  /** Asks the page ahead of the first call. Does nothing where it has been asked. */
  prefetch(): void;
  /**
   * What to call the backend with. That the page has no token is remembered like a token.
   *
   * @throws The signal's reason when the caller leaves.
   */
  get(signal: AbortSignal): Promise<Credentials>;
  /**
   * What to call the backend with once it has refused these credentials: the page is asked anew, once for all who hold them.
   *
   * @throws The signal's reason when the caller leaves.
   */
  refresh(rejected: Credentials, signal: AbortSignal): Promise<Credentials>;
  /** Asks the page anew, unless it is being asked. */
  refetch(): void;
  /** Whom the page's token names as its subject; `undefined` where it has none, has not given it yet, or names none. */
  subject(): string | undefined;
  /** Forgets what the page said: another page may be there now. */
  clear(): void;
}

export interface TokenSourceOptions {
  /** Posts an event to the page and resolves with its answer. May reject, and may never settle. */
  readonly post: (event: unknown) => Promise<unknown>;
  /** @default 5000 */
  readonly timeoutMs?: number;
  /** Hears of each token that is another than the one before it, and that there is none any more. */
  readonly onChange?: () => void;
}

/** Creates a source that has asked nothing yet. */
export function createTokenSource({
  post,
  timeoutMs = TOKEN_TIMEOUT_MS,
  onChange = () => {},
}: TokenSourceOptions): TokenSource {
  let pending: Promise<Credentials> | undefined;
  /** What `asking` has brought. */
  let current: Credentials | undefined;
  let lastToken: string | undefined;

  function fetchToken(): Promise<Credentials> {
    const request = requestTokenFromPage(post, timeoutMs).then((token) => {
      const refreshAt = token === undefined ? Infinity : getRefreshTime(token, Date.now());
      const credentials = { token, receivedAt: performance.now(), refreshAt };
      // The page that was asked may have gone since.
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
      // Whoever comes later than another with the same credentials gets what that one has asked for.
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

/** The page's token. Whatever else the page does, refuse, fail, answer something else or say nothing, means that it has none. */
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

/** Waits for what others wait for as well, as long as this caller does. */
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
