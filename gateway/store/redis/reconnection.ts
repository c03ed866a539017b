import { setTimeout as elapse } from "node:timers/promises";
import { StoreUnavailable } from "../availability-store.ts";
import type { Session } from "./session.ts";
import { aborted, orAborted } from "./waiting.ts";

/** Keeps a session with Redis open, and opens the next one when it has ended. */
export interface Reconnection {
  /** The session, while there is one. */
  current(): Session | undefined;
  /**
   * The session; where there is none, the one that is being opened, unless that was tried in vain already.
   *
   * @throws {StoreUnavailable} with why it cannot be opened.
   */
  session(): Promise<Session>;
  /** Ends the session, and opens no more. */
  close(): Promise<void>;
}

export interface ReconnectionOptions {
  readonly open: () => Promise<Session>;
  /** Hears that there is a session. */
  readonly onFound: () => void;
  /** Hears that a session has ended. */
  readonly onLost: (session: Session) => void;
  /** The longest pause between two attempts. Each is of a random length, so that gateways do not all come at once. */
  readonly longestPauseMs: number;
  readonly monotonicMs: () => number;
  /** Tells the operator one line. */
  readonly report: (line: string) => void;
}

/** The pause after the first failure is at most this long, and at most twice as long after each further one. */
const SHORTEST_PAUSE_MS = 50;

/** Begins to open sessions, one after the other. */
export function createReconnection(options: ReconnectionOptions): Reconnection {
  const { open, onFound, onLost, longestPauseMs, monotonicMs, report } = options;
  const closing = new AbortController();
  let current: Session | undefined;
  /** Of the session that is there or comes next. Rejects once an attempt at it has failed, and stays so until it is there. */
  let next = createArrival<Session>();
  let isAway = false;
  let failures = 0;

  function arrive(session: Session): void {
    if (isAway) report("Redis is back");
    isAway = false;
    current = session;
    if (next.isSettled()) next = createArrival();
    next.resolve(session);
    onFound();
  }

  function leave(session: Session, livedMs: number): void {
    current = undefined;
    next = createArrival();
    onLost(session);
    // A session that ends as soon as it has begun is as good as none.
    failures = livedMs > longestPauseMs ? 0 : failures + 1;
  }

  function fail(error: unknown): void {
    failures += 1;
    const { message } = error instanceof Error ? error : new Error(String(error));
    if (!isAway) report(`${message}; trying again until it is back`);
    isAway = true;
    const failed = error instanceof StoreUnavailable ? error : new StoreUnavailable(message, { cause: error });
    if (next.isSettled()) next = createArrival();
    next.reject(failed);
  }

  async function keepOpen(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        const session = await open();
        const openedMs = monotonicMs();
        arrive(session);
        await Promise.race([aborted(session.connection.signal), aborted(closing.signal)]);
        session.connection.close(new StoreUnavailable("The gateway is closing"));
        leave(session, monotonicMs() - openedMs);
      } catch (error) {
        fail(error);
      }
      await pause();
    }
    next.reject(new StoreUnavailable("The gateway is closing"));
  }

  async function pause(): Promise<void> {
    const limitMs = failures === 0 ? 0 : Math.min(longestPauseMs, SHORTEST_PAUSE_MS * 2 ** Math.min(failures, 20));
    await orAborted(elapse(Math.random() * limitMs), closing.signal).catch(() => {
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
