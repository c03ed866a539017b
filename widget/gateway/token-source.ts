/** Where the widget's calls get their token: from the page around it, and from nowhere else. */
import * as v from "valibot";
import { hostContract } from "../../shared/contracts/host.ts";
import { readRenewalTime, readSubject } from "./token-claims.ts";

/** How long the page may take to answer, in milliseconds. One that says nothing has no token. */
export const TOKEN_PATIENCE_MS = 5_000;

/** What the page said when it was asked for a token. Each answer is an object of its own. */
export interface Credentials {
  /** `undefined` where the page has none. */
  readonly token: string | undefined;
  /** When the page answered, on the monotonic clock, in milliseconds. */
  readonly answeredAt: number;
  /** When to ask again, in milliseconds since 1970. */
  readonly renewAt: number;
}

/** The page's token, in memory alone. However many ask for it at once, the page is asked once. */
export interface TokenSource {
  /** Asks the page ahead of the first call. Does nothing where it has been asked. */
  prepare(): void;
  /**
   * What to call the backend with. That the page has no token is remembered like a token.
   *
   * @throws The signal's reason when the caller leaves.
   */
  take(signal: AbortSignal): Promise<Credentials>;
  /**
   * What to call the backend with once it has refused these credentials: the page is asked anew, once for all who hold them.
   *
   * @throws The signal's reason when the caller leaves.
   */
  renew(refused: Credentials, signal: AbortSignal): Promise<Credentials>;
  /** Asks the page anew, unless it is being asked. */
  ask(): void;
  /** Whom the page's token names as its subject; `undefined` where it has none, has not given it yet, or names none. */
  subject(): string | undefined;
  /** Forgets what the page said: another page may be there now. */
  forget(): void;
}

export interface TokenSourceOptions {
  /** Posts an event to the page and resolves with its answer. May reject, and may never settle. */
  readonly post: (event: unknown) => Promise<unknown>;
  /** @default 5000 */
  readonly patienceMs?: number;
  /** Hears of each token that is another than the one before it, and that there is none any more. */
  readonly onChange?: () => void;
}

/** Creates a source that has asked nothing yet. */
export function createTokenSource({
  post,
  patienceMs = TOKEN_PATIENCE_MS,
  onChange = () => {},
}: TokenSourceOptions): TokenSource {
  let asking: Promise<Credentials> | undefined;
  /** What `asking` has brought. */
  let held: Credentials | undefined;
  let lastToken: string | undefined;

  function ask(): Promise<Credentials> {
    const asked = askPage(post, patienceMs).then((token) => {
      const renewAt = token === undefined ? Infinity : readRenewalTime(token, Date.now());
      const credentials = { token, answeredAt: performance.now(), renewAt };
      // The page that was asked may have gone since.
      if (asking === asked) {
        held = credentials;
        const isAnother = token !== lastToken;
        lastToken = token;
        if (isAnother) onChange();
      }
      return credentials;
    });
    held = undefined;
    asking = asked;
    return asked;
  }

  return {
    prepare() {
      asking ??= ask();
    },
    take(signal) {
      const isDue = held !== undefined && held.renewAt <= Date.now();
      return unlessAborted(signal, () => (asking === undefined || isDue ? ask() : asking));
    },
    renew(refused, signal) {
      // Whoever comes later than another with the same credentials gets what that one has asked for.
      return unlessAborted(signal, () => (asking === undefined || held === refused ? ask() : asking));
    },
    ask() {
      if (held) void ask();
    },
    subject: () => held?.token && readSubject(held.token),
    forget() {
      asking = undefined;
      held = undefined;
      lastToken = undefined;
    },
  };
}

const FetchTokenFulfilled = v.object({
  type: v.literal("HOST.FETCH_TOKEN_FULFILLED"),
  payload: hostContract["HOST.FETCH_TOKEN"].fulfilled,
});

/** The page's token. Whatever else the page does, refuse, fail, answer something else or say nothing, means that it has none. */
async function askPage(post: TokenSourceOptions["post"], timeoutMs: number): Promise<string | undefined> {
  const answer = await new Promise((resolve) => {
    const giveUp = (): void => resolve(undefined);
    const timer = setTimeout(giveUp, timeoutMs);
    post({ type: "HOST.FETCH_TOKEN", meta: { timeoutMs } })
      .then(resolve, giveUp)
      .finally(() => clearTimeout(timer));
  });
  const result = v.safeParse(FetchTokenFulfilled, answer);
  return result.success ? result.output.payload.token : undefined;
}

/** Waits for what others wait for as well, as long as this caller does. */
async function unlessAborted<Value>(signal: AbortSignal, begin: () => Promise<Value>): Promise<Value> {
  signal.throwIfAborted();
  let leave = (): void => {};
  const left = new Promise<never>((_resolve, reject) => {
    leave = () => reject(signal.reason);
  });
  signal.addEventListener("abort", leave);
  try {
    return await Promise.race([begin(), left]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
