import { setTimeout as delay } from "node:timers/promises";
import { type StoreLog, StoreUnavailableError } from "../availability-store.ts";
import { whenAborted } from "./abortable.ts";
import { ReadOnlyRedisError } from "./connection.ts";
import { createDeferred } from "./deferred.ts";
import type { RedisSession } from "./redis-session.ts";

/** Keeps a session with Redis open: opens the next session when a session has ended. */
export interface Reconnection {
  /** Returns the session, or `undefined` while no session is open. */
  current(): RedisSession | undefined;
  /**
   * Resolves with the open session, or with the next session if no session is open.
   *
   * @throws {StoreUnavailableError} with the reason if an attempt to open a session has failed and no attempt has
   * succeeded since.
   */
  session(): Promise<RedisSession>;
  /** Closes the session and stops reconnecting. */
  close(): Promise<void>;
}

export interface ReconnectionOptions {
  readonly open: () => Promise<RedisSession>;
  /** Called when a session has been opened. */
  readonly onConnected: () => void;
  /** Called when a session has ended. */
  readonly onDisconnected: (session: RedisSession) => void;
  /**
   * Maximum delay between two attempts, in milliseconds. Every delay has a random length, so that gateways connect at
   * different times.
   */
  readonly maxDelayMs: number;
  readonly monotonicMs: () => number;
  readonly log: StoreLog;
}

const CLOSING = "The gateway is closing";

/** Upper bound of the first delay, in milliseconds. Each failure doubles the bound. */
const BASE_DELAY_MS = 50;

/** Opens session after session until `close` is called. */
export function createReconnection(options: ReconnectionOptions): Reconnection {
  const { open, onConnected, onDisconnected, maxDelayMs, monotonicMs, log } = options;
  const closing = new AbortController();
  let current: RedisSession | undefined;
  /** The current session or the next one. Rejects once an attempt has failed, until an attempt succeeds. */
  let next = createDeferred<RedisSession>();
  let isDown = false;
  let failureCount = 0;

  function handleConnected(session: RedisSession): void {
    const { signal } = session.connection;
    if (signal.aborted) {
      handleDisconnected(session, signal.reason);
      return;
    }
    signal.addEventListener("abort", () => handleDisconnected(session, signal.reason), { once: true });
    current = session;
    if (next.isSettled()) next = createDeferred();
    next.resolve(session);
    onConnected();
    session.recovered.then(
      () => handleRecovered(session),
      () => {
        // The session ends with the error, which `handleDisconnected` reports.
      },
    );
  }

  /** Logs the end of an outage once no replica is stale, so that a session that fails before logs no line. */
  function handleRecovered(session: RedisSession): void {
    if (current !== session) return;
    if (isDown) log.line("Reconnected to Redis");
    isDown = false;
  }

  /** Runs synchronously, so that no caller gets an ended session. */
  function handleDisconnected(session: RedisSession, reason: Error): void {
    current = undefined;
    next = createDeferred();
    onDisconnected(session);
    if (closing.signal.aborted || reason instanceof ReadOnlyRedisError) return;
    if (!isDown) log.warning(`${reason.message}; reconnecting`);
    isDown = true;
  }

  function handleConnectError(error: unknown): void {
    failureCount += 1;
    const { message } = error instanceof Error ? error : new Error(String(error));
    if (!isDown && !closing.signal.aborted) log.warning(`${message}; retrying until it succeeds`);
    isDown = true;
    const failed =
      error instanceof StoreUnavailableError ? error : new StoreUnavailableError(message, { cause: error });
    if (next.isSettled()) next = createDeferred();
    next.reject(failed);
  }

  async function runSessions(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        const session = await open();
        const openedMs = monotonicMs();
        handleConnected(session);
        // `close` may have been called while the session was opened.
        if (closing.signal.aborted) session.connection.close(new StoreUnavailableError(CLOSING));
        await whenAborted(session.connection.signal);
        // An early end of a session counts as a failure.
        failureCount = monotonicMs() - openedMs > maxDelayMs ? 0 : failureCount + 1;
      } catch (error) {
        handleConnectError(error);
      }
      await waitBeforeRetry();
    }
    next.reject(new StoreUnavailableError(CLOSING));
  }

  async function waitBeforeRetry(): Promise<void> {
    const limitMs = Math.min(maxDelayMs, BASE_DELAY_MS * 2 ** Math.min(failureCount, 20));
    await delay(Math.random() * limitMs, undefined, { signal: closing.signal }).catch(() => {
      // Only `close` aborts the delay.
    });
  }

  const ended = runSessions();
  return {
    current: () => current,
    session: () => next.promise,
    async close() {
      closing.abort();
      current?.connection.close(new StoreUnavailableError(CLOSING));
      await ended;
    },
  };
}
