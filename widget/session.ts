/** Calls that carry the page's token, and what becomes of the session when the backend takes it no more. */
import { BackendRefusal } from "../shared/rejection.ts";
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
}

/** Creates a session. `onExpired` is called once each time that the backend refuses a token and the one that came after it. */
export function createSession(tokens: TokenSource, onExpired: () => void): Session {
  /** Whether the last call that carried a token was taken. */
  let isTaken = true;

  async function attempt<Value>(
    token: string | undefined,
    call: (token: string | undefined) => Promise<Value>,
  ): Promise<Value> {
    const value = await call(token);
    if (token !== undefined) isTaken = true;
    return value;
  }

  function expire(): void {
    if (!isTaken) return;
    isTaken = false;
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
        // A page that has just said that it has no token is not asked again, which may take as long as it did.
        const isFinal = token === undefined && answeredAt >= begunAt;
        if (isFinal || !isUnauthorized(error)) throw error;
        const renewed = await tokens.renew(credentials, signal);
        if (renewed.token === undefined || renewed.token === token) {
          if (token !== undefined) expire();
          throw error;
        }
        return attempt(renewed.token, call).catch((again: unknown) => {
          if (isUnauthorized(again)) expire();
          throw again;
        });
      }
    },
  };
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof BackendRefusal && error.status === 401;
}
