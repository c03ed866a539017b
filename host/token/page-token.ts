/** How the page gives the widget a token: the widget asks, the page's own function answers, and nobody else hears of it. */

import type * as contract from "../../shared/contracts/contract.ts";
import type { HostContract } from "../../shared/contracts/host.ts";
import { Refusal } from "../../shared/protocol/rejection.ts";
import { isToken, TOKEN_EXPECTED } from "../../shared/protocol/token.ts";
import type { AlarmClock } from "../../shared/runtime/alarm-clock.ts";

/**
 * Gets a token from the page's own backend, by which the widget's backend knows for whom the page asks.
 * `signal` aborts when nobody waits for the token any more.
 */
export type FetchToken = (options: { readonly signal: AbortSignal }) => string | Promise<string>;

/** The request that the widget asks for a token by. */
export const FETCH_TOKEN: contract.RequestType<HostContract> = "HOST.FETCH_TOKEN";

type Answer = contract.FulfilledPayload<HostContract, typeof FETCH_TOKEN>;

/** The page's token, as the widget asks for it. */
export interface PageToken {
  /**
   * Asks the page for a token. Whoever asks while one is being fetched gets the same.
   *
   * @throws {Refusal} `INTERNAL` where the page gives none in time. What went wrong is reported in the page, and goes no further.
   */
  fetch(timeoutMs: number): Promise<Answer>;
  /** Aborts what is under way. */
  close(): void;
}

/** Creates what asks the page's function: once at a time, however often the widget asks. */
export function createPageToken(fetchToken: FetchToken, clock: AlarmClock): PageToken {
  let asking: Promise<Answer> | undefined;
  let controller = new AbortController();
  let isClosed = false;

  /** What the function returns, unless it is aborted before. */
  function call(): Promise<unknown> {
    controller = new AbortController();
    const { signal } = controller;
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      Promise.resolve(fetchToken({ signal })).then(resolve, reject);
    });
  }

  async function ask(timeoutMs: number): Promise<Answer> {
    const cancel = clock.ringIn(timeoutMs, () =>
      controller.abort(new Error(`fetchToken: expected a token within ${timeoutMs} ms`)),
    );
    try {
      const token = await call();
      if (isToken(token)) return { token };
      throw new TypeError(`fetchToken: expected ${TOKEN_EXPECTED}`);
    } catch (error) {
      if (!isClosed) reportError(error);
      throw new Refusal("INTERNAL", "fetchToken gave no token: see the page's console");
    } finally {
      cancel();
      asking = undefined;
    }
  }

  return {
    fetch(timeoutMs) {
      asking ??= ask(timeoutMs);
      return asking;
    },
    close() {
      isClosed = true;
      controller.abort();
    },
  };
}
