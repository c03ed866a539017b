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

/** Provider of the page's tokens. */
export interface TokenProvider {
  /**
   * Calls the page's function. Calls that overlap share one token.
   *
   * @throws {BridgeRejectionError} `INTERNAL` when the function gives no token in time. Its error is reported in the page and stays there.
   */
  fetch(timeoutMs: number): Promise<TokenAnswer>;
  /** Aborts a pending call. */
  close(): void;
}

/** Creates a provider that calls the page's function once at a time, however often the widget asks. */
export function createTokenProvider(fetchToken: FetchToken, clock: TimerQueue): TokenProvider {
  let pending: Promise<TokenAnswer> | undefined;
  let controller = new AbortController();
  let isClosed = false;

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
    fetch(timeoutMs) {
      pending ??= requestToken(timeoutMs);
      return pending;
    },
    close() {
      isClosed = true;
      controller.abort();
    },
  };
}
