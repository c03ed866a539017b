/** Asks for everything again and again, while no stream comes through. */

import { type Failure, readFailure } from "./failure.ts";
import type { FeedCalls, Overview } from "./feed-calls.ts";

/** How often to ask, in milliseconds, give or take a fifth: else all who lost their stream at once would ask at once. */
const INTERVAL_MS = 15_000;

export interface PollingOptions {
  readonly readOverview: FeedCalls["readOverview"];
  readonly onOverview: (overview: Overview) => void;
  /** Hears why there is no answer this time. Where the token is refused, it is not asked again. */
  readonly onFailure: (failure: Failure) => void;
  readonly random: () => number;
}

/** Asks from now on, until it is stopped. */
export interface Polling {
  /** Whether the first call has been answered. */
  readonly first: Promise<boolean>;
  /** Asks at once, unless the last answer is newer than the next is due, or the backend has asked to be left alone. */
  wake(hasSlept: boolean): void;
  stop(): void;
}

/** Begins to ask. */
export function startPolling({ readOverview, onOverview, onFailure, random }: PollingOptions): Polling {
  let call = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let etag: string | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;
  /** Whether the backend has asked to be left alone, be it that somebody looks at the page. */
  let isToWait = false;

  function askIn(milliseconds: number): void {
    clearTimeout(timer);
    timer = setTimeout(ask, milliseconds);
  }

  /** Asks once. A call that is still out when the next is due is given up. */
  async function ask(): Promise<boolean> {
    call.abort();
    call = new AbortController();
    isToWait = false;
    const { signal } = call;
    askIn(INTERVAL_MS * (0.8 + 0.4 * random()));
    try {
      const overview = await readOverview(signal, etag);
      if (signal.aborted) return false;
      answeredAt = performance.now();
      if (overview) {
        etag = overview.etag;
        onOverview(overview);
      }
      return true;
    } catch (error) {
      if (!signal.aborted) giveUp(readFailure(error));
      return false;
    }
  }

  function giveUp(failure: Failure): void {
    isToWait = failure.retryAfterMs > 0;
    if (failure.isRefusal) stop();
    else if (failure.retryAfterMs > INTERVAL_MS) askIn(failure.retryAfterMs);
    onFailure(failure);
  }

  function stop(): void {
    clearTimeout(timer);
    call.abort();
  }

  return {
    first: ask(),
    wake(hasSlept) {
      if (hasSlept || (!isToWait && performance.now() - answeredAt > INTERVAL_MS)) void ask();
    },
    stop,
  };
}
