/** Tokens of the page for the widget: the widget sends a request, and the page's own function returns the token. */
import type { HostFulfilledPayloads } from "../../shared/contracts/event-payloads.ts";
import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { isToken, TOKEN_EXPECTED } from "../../shared/protocol/token.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { reportPageError } from "../report-page-error.ts";

/**
 * Gets a token from the page's own backend, by which the widget's backend knows for whom the page asks.
 * `signal` aborts when the widget no longer waits for the token.
 */
export type FetchToken = (options: { readonly signal: AbortSignal }) => string | Promise<string>;

/** The request by which the widget gets a token. */
export const FETCH_TOKEN = "HOST.FETCH_TOKEN" satisfies keyof HostFulfilledPayloads;

type TokenAnswer = HostFulfilledPayloads[typeof FETCH_TOKEN];

/** Limit of calls of the page's function: a widget with a defect must not flood the page's own backend. */
const MAX_CALLS = 20;
const PERIOD_MS = 10_000;

/** Timeout of the early call: that of the widget's own request. */
const EARLY_TIMEOUT_MS = 5_000;

/** Provider of the page's tokens. */
export interface TokenProvider {
  /** Calls the page's function before the widget asks, unless the function was called before. The first `fetch` shares this call, or takes its token. */
  prefetch(): void;
  /** Drops what `prefetch` has begun: the page may have another agent now. The next `fetch` calls the page's function. */
  forget(): void;
  /**
   * Calls the page's function. Calls that overlap share one token.
   *
   * @throws {BridgeRejectionError} `INTERNAL` when the function gives no token in time. Its error is reported in the page and stays there.
   * @throws {BridgeRejectionError} `OVERLOADED` when the function has been called 20 times within 10 s. Reported once in the page.
   */
  fetch(timeoutMs: number): Promise<TokenAnswer>;
  /** Aborts a pending call, whose token is not given any more. No call may follow. */
  close(): void;
}

/** Creates a provider that calls the page's function once at a time, however often the widget asks. */
export function createTokenProvider(fetchToken: FetchToken, clock: TimerQueue): TokenProvider {
  let pending: Promise<TokenAnswer> | undefined;
  /** The early call, pending or fulfilled, until the widget asks. */
  let early: Promise<TokenAnswer> | undefined;
  /** Controller of the last call. */
  let controller: AbortController | undefined;
  let isReported: boolean | undefined;
  /** Calls of the page's function in the present period, and the end of the period. */
  let calls = 0;
  let periodEndsAt = 0;

  async function requestToken(timeoutMs: number): Promise<TokenAnswer> {
    const { signal } = (controller = new AbortController());
    const own = controller;
    const cancelTimer = clock.schedule(timeoutMs, () => {
      const error = new Error(`fetchToken: expected a token within ${timeoutMs} ms`);
      reportPageError(error);
      own.abort(error);
    });
    try {
      const token = await new Promise((resolve, reject) => {
        signal.onabort = () => {
          // Not in `finally`: another call may begin in this task.
          pending = undefined;
          reject();
        };
        Promise.resolve(fetchToken({ signal })).then(resolve, reject);
      });
      // The connector may have been destroyed in the task that resolved the promise.
      if (isToken(token) && !signal.aborted) return { token };
      throw new TypeError(`fetchToken: expected ${TOKEN_EXPECTED}`);
    } catch (error) {
      // The timer has reported that it aborts the call, and a dropped call is no failure.
      if (!signal.aborted) reportPageError(error);
      throw new BridgeRejectionError("INTERNAL", "fetchToken gave no token: see the page's console");
    } finally {
      cancelTimer();
      if (!signal.aborted) pending = undefined;
    }
  }

  async function fetch(timeoutMs: number): Promise<TokenAnswer> {
    const given = pending ?? early;
    early = undefined;
    if (given) return given;
    if (performance.now() > periodEndsAt) {
      periodEndsAt = performance.now() + PERIOD_MS;
      calls = 0;
    }
    calls += 1;
    if (calls > MAX_CALLS) {
      const error = new BridgeRejectionError("OVERLOADED", "The widget asks for tokens too often");
      if (!isReported) reportPageError(error);
      isReported = true;
      throw error;
    }
    return (pending = requestToken(timeoutMs));
  }

  function close(): void {
    early = undefined;
    controller?.abort();
  }

  return {
    fetch,
    prefetch() {
      if (calls) return;
      early = fetch(EARLY_TIMEOUT_MS);
      early.catch(() => {
        early = undefined;
      });
    },
    forget() {
      if (early) close();
    },
    close,
  };
}
