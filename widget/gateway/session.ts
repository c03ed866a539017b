/** Calls with the page's token, and the end of the session when the backend accepts no token any more. */
import { BackendResponseError } from "../../shared/protocol/rejection.ts";
import type { TokenSource } from "./token-source.ts";

/** The page's session with the backend. */
export interface TokenSession {
  /**
   * Calls with the page's token. After a 401, refreshes the token and calls once more.
   *
   * @throws {BackendResponseError} and every other error of `call`.
   * @throws The signal's reason when the signal aborts.
   */
  withToken<Value>(signal: AbortSignal, call: (token: string | undefined) => Promise<Value>): Promise<Value>;
  /** Starts a new session, for the next page. */
  reset(): void;
}

/**
 * Creates a session. `onExpired` is called when the backend rejects a page's token and the refreshed token too: once, until
 * a token is accepted again.
 */
export function createTokenSession(tokens: TokenSource, onExpired: () => void): TokenSession {
  /** True if the page has ever had a token. A page without a token has no session that could expire. */
  let hadToken = false;
  let hasExpired = false;
  /** Incremented when the session expires or is reset. The success of an earlier call does not revive the session. */
  let generation = 0;

  async function callWithToken<Value>(
    token: string | undefined,
    call: (token: string | undefined) => Promise<Value>,
  ): Promise<Value> {
    const ownGeneration = generation;
    hadToken ||= token !== undefined;
    const value = await call(token);
    if (token !== undefined && ownGeneration === generation) hasExpired = false;
    return value;
  }

  function expire(): void {
    if (!hadToken || hasExpired) return;
    hasExpired = true;
    generation += 1;
    onExpired();
  }

  return {
    async withToken(signal, call) {
      const startedAt = performance.now();
      const credentials = await tokens.get(signal);
      const { token, receivedAt } = credentials;
      try {
        return await callWithToken(token, call);
      } catch (error) {
        if (!isUnauthorized(error)) throw error;
        // A page that has reported during this call that it has no token is not asked again: the request could take 5 s.
        const isFinal = token === undefined && receivedAt >= startedAt;
        const refreshed = isFinal ? credentials : await tokens.refresh(credentials, signal).catch(rethrowAbort(signal));
        if (refreshed?.token === undefined || refreshed.token === token) {
          expire();
          throw error;
        }
        return callWithToken(refreshed.token, call).catch((retryError: unknown) => {
          if (isUnauthorized(retryError)) expire();
          throw retryError;
        });
      }
    },
    reset() {
      hadToken = false;
      hasExpired = false;
      generation += 1;
    },
  };
}

/** Turns a failure of the page's function into no other token: the backend has rejected the last one. */
function rethrowAbort(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (signal.aborted) throw error;
    return undefined;
  };
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof BackendResponseError && error.status === 401;
}
