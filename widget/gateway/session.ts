/** Calls that carry the page's token, and what becomes of the session when the backend takes it no more. */
import { BackendResponseError } from "../../shared/protocol/rejection.ts";
import type { TokenSource } from "./token-source.ts";

/** The page's session with the backend. */
export interface TokenSession {
  /**
   * Calls with the page's token. Where the backend refuses it, another one gets one chance.
   *
   * @throws {BackendResponseError} and whatever else the call throws.
   * @throws The signal's reason when the caller leaves.
   */
  withToken<Value>(signal: AbortSignal, call: (token: string | undefined) => Promise<Value>): Promise<Value>;
  /** The page has gone: whoever comes has a session of its own. */
  reset(): void;
}

/**
 * Creates a session. `onExpired` is called where the backend refuses a page's token and it has no other that is taken: once,
 * until a token is taken again.
 */
export function createTokenSession(tokens: TokenSource, onExpired: () => void): TokenSession {
  /** Whether the page has ever had a token. One that has none has no session that could end. */
  let hadToken = false;
  let hasExpired = false;
  /** Counts the ends, so that what was asked before one does not count as taken after it. */
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
        // A page that has just said that it has no token is not asked again, which may take as long as it did.
        const isFinal = token === undefined && receivedAt >= startedAt;
        const refreshed = isFinal ? credentials : await tokens.refresh(credentials, signal);
        if (refreshed.token === undefined || refreshed.token === token) {
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

function isUnauthorized(error: unknown): boolean {
  return error instanceof BackendResponseError && error.status === 401;
}
