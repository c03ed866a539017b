/** Calls that carry the page's token, and what becomes of the session when the backend takes it no more. */
import { BackendRefusal } from "../../shared/protocol/rejection.ts";
import type { TokenSource } from "./token-source.ts";

/** The page's session with the backend. */
export interface Session {
  /**
   * Calls with the page's token. Where the backend refuses it, another one gets one chance.
   *
   * @throws {BackendRefusal} and whatever else the call throws.
   * @throws The signal's reason when the caller leaves.
   */
  run<Value>(signal: AbortSignal, call: (token: string | undefined) => Promise<Value>): Promise<Value>;
  /** The page has gone: whoever comes has a session of its own. */
  forget(): void;
}

/**
 * Creates a session. `onExpired` is called where the backend refuses a page's token and it has no other that is taken: once,
 * until a token is taken again.
 */
export function createSession(tokens: TokenSource, onExpired: () => void): Session {
  /** Whether the page has ever had a token. One that has none has no session that could end. */
  let hadToken = false;
  let hasExpired = false;
  /** Counts the ends, so that what was asked before one does not count as taken after it. */
  let ends = 0;

  async function attempt<Value>(
    token: string | undefined,
    call: (token: string | undefined) => Promise<Value>,
  ): Promise<Value> {
    const end = ends;
    hadToken ||= token !== undefined;
    const value = await call(token);
    if (token !== undefined && end === ends) hasExpired = false;
    return value;
  }

  function expire(): void {
    if (!hadToken || hasExpired) return;
    hasExpired = true;
    ends += 1;
    onExpired();
  }

  return {
    async run(signal, call) {
      const begunAt = performance.now();
      const credentials = await tokens.take(signal);
      const { token, answeredAt } = credentials;
      try {
        return await attempt(token, call);
      } catch (error) {
        if (!isUnauthorized(error)) throw error;
        // A page that has just said that it has no token is not asked again, which may take as long as it did.
        const isFinal = token === undefined && answeredAt >= begunAt;
        const renewed = isFinal ? credentials : await tokens.renew(credentials, signal);
        if (renewed.token === undefined || renewed.token === token) {
          expire();
          throw error;
        }
        return attempt(renewed.token, call).catch((again: unknown) => {
          if (isUnauthorized(again)) expire();
          throw again;
        });
      }
    },
    forget() {
      hadToken = false;
      hasExpired = false;
      ends += 1;
    },
  };
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof BackendRefusal && error.status === 401;
}
