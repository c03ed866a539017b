import { setTimeout as elapse } from "node:timers/promises";
import { type StoreLog, StoreUnavailableError } from "../availability-store.ts";
import { whenAborted } from "./abortable.ts";
import type { RedisSession } from "./redis-session.ts";

/** Keeps a session with Redis open: opens the next one when a session has ended. */
export interface Reconnection {
  /** The session, while there is one. */
  current(): RedisSession | undefined;
  /**
   * Resolves with the session; while there is none, with the one that is being opened.
   *
   * @throws {StoreUnavailable} with the reason if an attempt to open it has failed and none has succeeded since.
   */
  session(): Promise<RedisSession>;
  /** Ends the session, and opens no more. */
  close(): Promise<void>;
}

export interface ReconnectionOptions {
  readonly open: () => Promise<RedisSession>;
  /** Called when a session has been opened. */
  readonly onFound: () => void;
  /** Called when a session has ended. */
  readonly onLost: (session: RedisSession) => void;
  /** Longest pause between two attempts, in milliseconds. Each pause is of a random length, so that gateways do not all connect at once. */
  readonly longestPauseMs: number;
  readonly monotonicMs: () => number;
  readonly log: StoreLog;
}

/** Upper bound of the first pause, in milliseconds. Each failure doubles the bound. */
const SHORTEST_PAUSE_MS = 50;

/** Opens sessions, one after the other, until it is closed. */
export function createReconnection(options: ReconnectionOptions): Reconnection {
  const { open, onFound, onLost, longestPauseMs, monotonicMs, log } = options;
  const closing = new AbortController();
  let current: RedisSession | undefined;
  /** The current session or the next one. Rejects once an attempt has failed, until an attempt succeeds. */
  let next = createArrival<RedisSession>();
  let isAway = false;
  let failures = 0;

  function arrive(session: RedisSession): void {
    const { signal } = session.connection;
    if (signal.aborted) {
      leave(session, signal.reason);
      return;
    }
    signal.addEventListener("abort", () => leave(session, signal.reason), { once: true });
    if (isAway) log.line("Reconnected to Redis");
    isAway = false;
    current = session;
    if (next.isSettled()) next = createArrival();
    next.resolve(session);
    onFound();
  }

  /** Runs at once, so that no caller gets a session that has ended. */
  function leave(session: RedisSession, reason: Error): void {
    current = undefined;
    next = createArrival();
    onLost(session);
    if (closing.signal.aborted) return;
    if (!isAway) log.warning(`${reason.message}; reconnecting`);
    isAway = true;
  }

  function fail(error: unknown): void {
    failures += 1;
    const { message } = error instanceof Error ? error : new Error(String(error));
    if (!isAway && !closing.signal.aborted) log.warning(`${message}; retrying until it succeeds`);
    isAway = true;
    const failed =
      error instanceof StoreUnavailableError ? error : new StoreUnavailableError(message, { cause: error });
    if (next.isSettled()) next = createArrival();
    next.reject(failed);
  }

  async function keepOpen(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        const session = await open();
        const openedMs = monotonicMs();
        arrive(session);
        await Promise.race([whenAborted(session.connection.signal), whenAborted(closing.signal)]);
        session.connection.close(new StoreUnavailableError("The gateway is closing"));
        // A session that ends as soon as it was opened counts as a failure.
        failures = monotonicMs() - openedMs > longestPauseMs ? 0 : failures + 1;
      } catch (error) {
        fail(error);
      }
      await pause();
    }
    next.reject(new StoreUnavailableError("The gateway is closing"));
  }

  async function pause(): Promise<void> {
    const limitMs = Math.min(longestPauseMs, SHORTEST_PAUSE_MS * 2 ** Math.min(failures, 20));
    await elapse(Math.random() * limitMs, undefined, { signal: closing.signal }).catch(() => {
      // Only `close` aborts a pause.
    });
  }

  const ended = keepOpen();
  return {
    current: () => current,
    session: () => next.promise,
    async close() {
      closing.abort();
      await ended;
    },
  };
}

/** A promise that is settled from outside, possibly before a caller waits for it. */
function createArrival<Value>() {
  let isSettled = false;
  let resolve!: (value: Value) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => {
    // Each caller that waits gets the rejection; without a caller it is no unhandled one.
  });
  return {
    promise,
    isSettled: () => isSettled,
    resolve(value: Value) {
      isSettled = true;
      resolve(value);
    },
    reject(reason: Error) {
      isSettled = true;
      reject(reason);
    },
  };
}
