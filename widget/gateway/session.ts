/** Calls with the page's token, and the end of the session when the backend accepts no token any more. */
import { BackendResponseError } from "../../shared/protocol/rejection.ts";
import type { TokenSource } from "./token-source.ts";

/** Maximum number of calls after the first one, each with another token. The page is asked for one token: concurrent refused calls share it. */
const MAX_REPEATS = 2;

/** The page's session with the backend. */
export interface TokenSession {
  /**
   * Calls with the page's token. After a 401, refreshes the token and calls once more. If the page has given yet another
   * token by the time of the second 401, that says nothing of the present session: calls a third time.
   *
   * @throws {BackendResponseError} and every other error of `call`.
   * @throws The signal's reason when the signal aborts.
   */
  withToken<Value>(signal: AbortSignal, call: CallWithToken<Value>): Promise<Value>;
  /** Starts a new session, for the next page. */
  reset(): void;
}

/** A call with a token. `hasEnded` returns true if the session has ended since the call: a read answered then counts as a 401. */
export type CallWithToken<Value> = (token: string | undefined, hasEnded?: () => boolean) => Promise<Value>;

/**
 * Creates a session. `onExpired` is called when the backend rejects a page's token and the refreshed token too: once, until
 * a token is accepted again. `onAccepted` is called with each accepted call that was sent in the present session or after the end of
 * the last one, also if the page gives the same token as before.
 */
export function createTokenSession(
  tokens: TokenSource,
  onExpired: () => void,
  onAccepted: () => void = () => {},
): TokenSession {
  /** True if the page has ever had a token, or the backend has served it without one. Every other page has no session to lose. */
  let hasBegun = false;
  let hasExpired = false;
  /** Incremented when the session expires or is reset. The success of an earlier call does not revive the session. */
  let generation = 0;

  async function callWithToken<Value>(
    token: string | undefined,
    signal: AbortSignal,
    call: CallWithToken<Value>,
  ): Promise<Value> {
    const ownGeneration = generation;
    const hasEnded = (): boolean => ownGeneration !== generation;
    hasBegun ||= token !== undefined;
    const value = await call(token, hasEnded);
    // An aborted call may resolve without an answer of the backend.
    if (!hasEnded() && !signal.aborted) {
      hasBegun = true;
      hasExpired = false;
      onAccepted();
    }
    return value;
  }

  function expire(): void {
    if (!hasBegun || hasExpired) return;
    hasExpired = true;
    generation += 1;
    onExpired();
  }

  async function withToken<Value>(signal: AbortSignal, call: CallWithToken<Value>): Promise<Value> {
    const startedAt = performance.now();
    let credentials = await tokens.get(signal);
    for (let repeatsLeft = MAX_REPEATS; ; repeatsLeft -= 1) {
      const { token, receivedAt } = credentials;
      const ownGeneration = generation;
      try {
        return await callWithToken(token, signal, call);
      } catch (error) {
        if (!isUnauthorized(error)) throw error;
        // The session has ended and begun again since the call: the rejection says nothing of the present session.
        if (ownGeneration !== generation && !hasExpired) return withToken(signal, call);
        // A page that has reported during this call that it has no token is not asked again: the request could take 5 s.
        const isAsked = repeatsLeft < MAX_REPEATS || (token === undefined && receivedAt >= startedAt);
        const latest = await (isAsked ? tokens.get(signal) : tokens.refresh(credentials, signal)).catch(
          rethrowAbort(signal),
        );
        if (!repeatsLeft || latest?.token === undefined || latest.token === token) {
          expire();
          throw error;
        }
        credentials = latest;
      }
    }
  }

  return {
    withToken,
    reset() {
      hasBegun = false;
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
