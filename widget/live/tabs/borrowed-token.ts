/**
 * Tokens of a shared worker, which has no page: for each request a tab lends the worker its page's token, in memory,
 * over a port made for this one request.
 */
import { BackendResponseError } from "../../../shared/protocol/rejection.ts";
import type { GatewayClient } from "../../gateway/gateway-client.ts";
import type { TokenSession } from "../../gateway/session.ts";
import type { TabPort } from "./worker-message.ts";

/** Timeout for a tab's first answer, in milliseconds. A tab that has crashed or is frozen gives none. */
const ANSWER_TIMEOUT_MS = 1_000;

/** Timeout for the page's token, in milliseconds. The page gets 5 s, and may already have a pending request. */
const TOKEN_TIMEOUT_MS = 10_000;

/** The tab has asked its page, gives the page's token, or has no other token. */
type Loan = "asking" | "none" | { readonly token: string | undefined };

/**
 * Creates the worker's session, which asks the tabs in this order. `drop` is called for a tab that does not answer, or
 * whose tokens the gateway rejects.
 */
export function createBorrowedTokenSession(tabs: () => readonly TabPort[], drop: (tab: TabPort) => void): TokenSession {
  return {
    reset() {},
    async withToken(signal, call) {
      for (const tab of tabs()) {
        const { port1, port2 } = new MessageChannel();
        tab.postMessage({ type: "lend" }, [port2]);
        const result = await callWithLoan(port1, signal, call).finally(() => port1.close());
        if (result) return result.value;
        drop(tab);
      }
      throw new BackendResponseError(401, { title: "No tab has a valid token" });
    },
  };
}

/** Resolves to `undefined` if the gateway accepts no token of the tab, or the tab does not answer. */
function callWithLoan<Value>(
  port: MessagePort,
  signal: AbortSignal,
  call: (token: string | undefined) => Promise<Value>,
): Promise<{ readonly value: Value } | undefined> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => resolve(undefined);
    let timer = setTimeout(giveUp, ANSWER_TIMEOUT_MS);

    async function callWith(token: string | undefined): Promise<void> {
      try {
        signal.throwIfAborted();
        const value = await call(token);
        port.postMessage(true);
        resolve({ value });
      } catch (error) {
        const isRejected = error instanceof BackendResponseError && error.status === 401;
        port.postMessage(!isRejected);
        if (isRejected) timer = setTimeout(giveUp, TOKEN_TIMEOUT_MS);
        else reject(error);
      }
    }

    port.onmessage = ({ data: loan }: MessageEvent<Loan>) => {
      clearTimeout(timer);
      if (loan === "none") giveUp();
      else if (loan === "asking") timer = setTimeout(giveUp, TOKEN_TIMEOUT_MS);
      else void callWith(loan.token);
    };
  });
}

/** Lends the page's tokens until the worker reports that the gateway has accepted one, or the signal aborts. */
export async function lendToken(
  port: MessagePort,
  provideToken: GatewayClient["provideToken"],
  signal: AbortSignal,
): Promise<void> {
  const end = new AbortController();
  port.postMessage("asking" satisfies Loan);
  // After a failure of the page, or a rejection of the gateway, the worker asks another tab.
  await provideToken(signal, (token) => {
    port.postMessage({ token } satisfies Loan);
    return new Promise((resolve) => {
      port.onmessage = ({ data }: MessageEvent<boolean>) => resolve(data);
      signal.addEventListener("abort", () => resolve(true), { signal: end.signal });
    });
  }).catch(() => {});
  end.abort();
  port.postMessage("none" satisfies Loan);
}
