import { setTimeout as elapse } from "node:timers/promises";
import { StoreUnavailableError } from "../availability-store.ts";
import { whenAborted } from "./abortable.ts";
import type { RedisSession } from "./redis-session.ts";

/** Keeps a session with Redis open, and opens the next one when it has ended. */
export interface Reconnection {
  /** The session, while there is one. */
  current(): RedisSession | undefined;
  /**
   * The session; where there is none, the one that is being opened, unless that was tried in vain already.
   *
   * @throws {StoreUnavailableError} with why it cannot be opened.
   */
  session(): Promise<RedisSession>;
  /** Ends the session, and opens no more. */
  close(): Promise<void>;
}

export interface ReconnectionOptions {
  readonly open: () => Promise<RedisSession>;
  /** Hears that there is a session. */
  readonly onFound: () => void;
  /** Hears that a session has ended. */
  readonly onLost: (session: RedisSession) => void;
  /** The longest pause between two attempts. Each is of a random length, so that gateways do not all come at once. */
  readonly longestPauseMs: number;
  readonly monotonicMs: () => number;
  /** Tells the operator one line. */
  readonly report: (line: string) => void;
}

/** The first pause is at most this long, and each that follows on a failure at most twice as long as the one before. */
const SHORTEST_PAUSE_MS = 50;

/** Begins to open sessions, one after the other. */
export function createReconnection(options: ReconnectionOptions): Reconnection {
  const { open, onFound, onLost, longestPauseMs, monotonicMs, report } = options;
  const closing = new AbortController();
  let current: RedisSession | undefined;
  /** Of the session that is there or comes next. Rejects once an attempt at it has failed, and stays so until it is there. */
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
    if (isAway) report("Redis is back");
    isAway = false;
    current = session;
    if (next.isSettled()) next = createArrival();
    next.resolve(session);
    onFound();
  }

  /** At once, so that nobody is given a session that has ended. */
  function leave(session: RedisSession, reason: Error): void {
    current = undefined;
    next = createArrival();
    onLost(session);
    if (closing.signal.aborted) return;
    if (!isAway) report(`${reason.message}; connecting again`);
    isAway = true;
  }

  function fail(error: unknown): void {
    failures += 1;
    const { message } = error instanceof Error ? error : new Error(String(error));
    if (!isAway && !closing.signal.aborted) report(`${message}; trying again until it is there`);
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
        // A session that ends as soon as it has begun is as good as none.
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
      // Nothing but the end of it all cuts a pause short.
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

/** A promise that is settled from outside, and may well be settled before anybody waits for it. */
function createArrival<Value>() {
  let isSettled = false;
  let resolve!: (value: Value) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => {
    // Whoever waits for it hears of the rejection; nobody need.
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
