/** Tokens of the page for the widget: the widget sends a request, and the page's own function returns the token. */

import type * as contract from "../../shared/contracts/contract.ts";
import type { HostContract } from "../../shared/contracts/host.ts";
import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { isToken, TOKEN_EXPECTED } from "../../shared/protocol/token.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";

/**
 * Gets a token from the page's own backend, by which the widget's backend knows for whom the page asks.
 * `signal` aborts when the widget no longer waits for the token.
 */
export type FetchToken = (options: { readonly signal: AbortSignal }) => string | Promise<string>;

/** The request by which the widget gets a token. */
export const FETCH_TOKEN: contract.RequestTypeOf<HostContract> = "HOST.FETCH_TOKEN";

type TokenAnswer = contract.FulfilledPayloadOf<HostContract, typeof FETCH_TOKEN>;

/** Limit of calls of the page's function: a widget with a defect must not flood the page's own backend. */
const MAX_CALLS = 20;
const PERIOD_MS = 10_000;

/** Provider of the page's tokens. */
export interface TokenProvider {
  /**
   * Calls the page's function. Calls that overlap share one token.
   *
   * @throws {BridgeRejectionError} `INTERNAL` when the function gives no token in time. Its error is reported in the page and stays there.
   * @throws {BridgeRejectionError} `OVERLOADED` when the function has been called 20 times within 10 s.
   */
  fetch(timeoutMs: number): Promise<TokenAnswer>;
  /** Aborts a pending call, whose token is not given any more. No call may follow. */
  close(): void;
}

/** Creates a provider that calls the page's function once at a time, however often the widget asks. */
export function createTokenProvider(fetchToken: FetchToken, clock: TimerQueue): TokenProvider {
  let pending: Promise<TokenAnswer> | undefined;
  let controller = new AbortController();
  let isClosed = false;
  /** Calls of the page's function in the present period, and the end of the period. */
  let calls = 0;
  let periodEndsAt = 0;

  async function requestToken(timeoutMs: number): Promise<TokenAnswer> {
    controller = new AbortController();
    const { signal } = controller;
    const cancelTimer = clock.schedule(timeoutMs, () =>
      controller.abort(new Error(`fetchToken: expected a token within ${timeoutMs} ms`)),
    );
    try {
      const token = await new Promise((resolve, reject) => {
        signal.onabort = () => reject(signal.reason);
        Promise.resolve(fetchToken({ signal })).then(resolve, reject);
      });
      // The connector may have been destroyed in the task that resolved the promise.
      signal.throwIfAborted();
      if (isToken(token)) return { token };
      throw new TypeError(`fetchToken: expected ${TOKEN_EXPECTED}`);
    } catch (error) {
      if (!isClosed) reportError(error);
      throw new BridgeRejectionError("INTERNAL", "fetchToken gave no token: see the page's console");
    } finally {
      cancelTimer();
      pending = undefined;
    }
  }

  return {
    async fetch(timeoutMs) {
      if (pending) return pending;
      if (performance.now() > periodEndsAt) {
        periodEndsAt = performance.now() + PERIOD_MS;
        calls = 0;
      }
      calls += 1;
      if (calls > MAX_CALLS) throw new BridgeRejectionError("OVERLOADED", "The widget asks for tokens too often");
      pending = requestToken(timeoutMs);
      return pending;
    },
    close() {
      isClosed = true;
      controller.abort();
    },
  };
}
