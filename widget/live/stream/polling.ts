/** Polls for snapshots while no stream gets through. */

import type { TimerQueue } from "../../../shared/runtime/timer-queue.ts";
import type { LiveApi, LiveSnapshot } from "./live-api.ts";
import { classifyError, type LiveFailure } from "./live-failure.ts";

/**
 * Polling interval in milliseconds, plus or minus a fifth. Clients that lost the stream together do not poll together.
 */
const INTERVAL_MS = 15_000;

export interface PollingOptions {
  readonly fetchSnapshot: LiveApi["fetchSnapshot"];
  readonly onSnapshot: (snapshot: LiveSnapshot) => void;
  /** Called after every response, also one without a change. */
  readonly onResponse: () => void;
  /** Receives the cause of a failed poll. The caller stops the polling after a 401. */
  readonly onFailure: (failure: LiveFailure) => void;
  readonly random: () => number;
  readonly schedule: TimerQueue["schedule"];
}

/** Polling that has started. */
export interface Polling {
  /** Resolves to true if the first poll with a result succeeded. A later poll replaces a pending one. */
  readonly firstResult: Promise<boolean>;
  /** Polls at once, except during the gateway's `Retry-After`. */
  pollNow(): void;
  /**
   * Polls at once after sleep. Otherwise polls if the last response is older than the interval, except during the
   * gateway's `Retry-After`.
   */
  pollIfStale(hasSlept: boolean): void;
  stop(): void;
}

/** Starts polling at once. */
export function startPolling(options: PollingOptions): Polling {
  const { fetchSnapshot, onSnapshot, onResponse, onFailure, random, schedule } = options;
  let controller = new AbortController();
  let cancelTimer = (): void => {};
  let etag: string | undefined;
  let lastResponseAt = Number.NEGATIVE_INFINITY;
  /** Time of the next poll, on the monotonic clock. */
  let nextPollAt = 0;
  /** True during the gateway's `Retry-After`. Resuming the page does not shorten the delay. */
  let mustWait = false;
  let resolveFirst = (_isAnswered: boolean): void => {};
  const firstResult = new Promise<boolean>((resolve) => {
    resolveFirst = resolve;
  });

  function schedulePoll(milliseconds: number): void {
    cancelTimer();
    nextPollAt = performance.now() + milliseconds;
    cancelTimer = schedule(milliseconds, () => {
      // The pending poll has taken too long.
      resolveFirst(false);
      void poll();
    });
  }

  /** Polls once. Aborts the previous request if still pending. */
  async function poll(): Promise<void> {
    controller.abort();
    controller = new AbortController();
    mustWait = false;
    const { signal } = controller;
    schedulePoll(INTERVAL_MS * (0.8 + 0.4 * random()));
    try {
      const snapshot = await fetchSnapshot(signal, etag);
      if (signal.aborted) return;
      lastResponseAt = performance.now();
      if (snapshot) {
        etag = snapshot.etag;
        onSnapshot(snapshot);
      }
      onResponse();
      resolveFirst(true);
    } catch (error) {
      if (!signal.aborted) handleFailure(classifyError(error));
    }
  }

  function handleFailure(failure: LiveFailure): void {
    mustWait = failure.retryAfterMs > 0;
    schedulePoll(Math.max(failure.retryAfterMs, nextPollAt - performance.now()));
    onFailure(failure);
    resolveFirst(false);
  }

  function stop(): void {
    cancelTimer();
    controller.abort();
    resolveFirst(false);
  }

  void poll();
  return {
    firstResult,
    pollNow() {
      if (!mustWait) void poll();
    },
    pollIfStale(hasSlept) {
      if (hasSlept || (!mustWait && performance.now() - lastResponseAt > INTERVAL_MS)) void poll();
    },
    stop,
  };
}
