/** Polls for snapshots while no stream gets through. */

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
  /** Receives the cause of a failed poll. A 401 ends the polling. */
  readonly onFailure: (failure: LiveFailure) => void;
  readonly random: () => number;
}

/** Polling that has started. */
export interface Polling {
  /** Resolves to true if the first poll succeeded. */
  readonly firstResult: Promise<boolean>;
  /**
   * Polls at once after sleep. Otherwise polls if the last response is older than the interval, except during the
   * gateway's `Retry-After`.
   */
  pollIfStale(hasSlept: boolean): void;
  stop(): void;
}

/** Starts polling at once. */
export function startPolling(options: PollingOptions): Polling {
  const { fetchSnapshot, onSnapshot, onResponse, onFailure, random } = options;
  let controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let etag: string | undefined;
  let lastResponseAt = Number.NEGATIVE_INFINITY;
  /** True during the gateway's `Retry-After`. Resuming the page does not shorten the delay. */
  let mustWait = false;

  function schedulePoll(milliseconds: number): void {
    clearTimeout(timer);
    timer = setTimeout(poll, milliseconds);
  }

  /** Polls once. Aborts the previous request if still pending. */
  async function poll(): Promise<boolean> {
    controller.abort();
    controller = new AbortController();
    mustWait = false;
    const { signal } = controller;
    schedulePoll(INTERVAL_MS * (0.8 + 0.4 * random()));
    try {
      const snapshot = await fetchSnapshot(signal, etag);
      if (signal.aborted) return false;
      lastResponseAt = performance.now();
      if (snapshot) {
        etag = snapshot.etag;
        onSnapshot(snapshot);
      }
      onResponse();
      return true;
    } catch (error) {
      if (!signal.aborted) handleFailure(classifyError(error));
      return false;
    }
  }

  function handleFailure(failure: LiveFailure): void {
    mustWait = failure.retryAfterMs > 0;
    if (failure.isUnauthorized) stop();
    else if (failure.retryAfterMs > INTERVAL_MS) schedulePoll(failure.retryAfterMs);
    onFailure(failure);
  }

  function stop(): void {
    clearTimeout(timer);
    controller.abort();
  }

  return {
    firstResult: poll(),
    pollIfStale(hasSlept) {
      if (hasSlept || (!mustWait && performance.now() - lastResponseAt > INTERVAL_MS)) void poll();
    },
    stop,
  };
}
