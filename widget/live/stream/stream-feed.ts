/**
 * A feed from the gateway's stream of server-sent events, which is opened again whenever it ends; from polls where no stream
 * comes through.
 */

import type { Feed, FeedOptions, OpenFeed } from "../feed.ts";
import type { ReadFeedEvent } from "./event-stream.ts";
import { type Failure, LONGEST_WAIT_MS } from "./failure.ts";
import type { FeedCalls } from "./feed-calls.ts";
import { createOverviewChanges } from "./overview-changes.ts";
import { createPause } from "./pause.ts";
import { type Polling, startPolling } from "./polling.ts";
import { createRetryDelays } from "./retry-delays.ts";
import { createSleepDetector } from "./sleep.ts";
import { attemptStream, type Ending, type StreamAttempt } from "./stream-attempt.ts";

export interface StreamFeedOptions extends FeedCalls {
  readonly readEvent: ReadFeedEvent;
  /** Hears, once in a feed's life, that what came is none of the gateway's answers. */
  readonly onDefect: (error: unknown) => void;
  /** @default Math.random */
  readonly random?: () => number;
}

/** How long after a stream was held back on its way the next is tried, in milliseconds. */
const STREAM_RETRY_MS = 300_000;

/** Creates what opens a feed over a stream of its own. */
export function createStreamFeed(options: StreamFeedOptions): OpenFeed {
  return (feedOptions) => openStreamFeed(options, feedOptions);
}

function openStreamFeed(options: StreamFeedOptions, { onEvent, cursor: resumeFrom }: FeedOptions): Feed {
  const { openStream, readOverview, readEvent, onDefect, random = Math.random } = options;
  const delays = createRetryDelays(random);
  const hasSlept = createSleepDetector();
  const pause = createPause();
  let cursor = resumeFrom;
  let stream: StreamAttempt | undefined;
  let polling: Polling | undefined;
  let isClosed = false;
  let hasReported = false;
  /** Whether the gateway has asked to be left alone, be it that somebody looks at the page. */
  let isToWait = false;

  function close(): void {
    isClosed = true;
    stream?.giveUp();
    stopPolling();
    pause.end();
  }

  function fail({ isRefusal, defect }: Failure): void {
    if (defect !== undefined && !hasReported) {
      hasReported = true;
      onDefect(defect);
    }
    if (!isRefusal) return;
    close();
    onEvent({ type: "refused" });
  }

  async function followStream(): Promise<Ending> {
    stream = attemptStream({
      openStream,
      readEvent,
      cursor,
      hasSlept,
      // Both at once would tell of two snapshots, one within the other.
      onLife: stopPolling,
      onEvent(event, next) {
        cursor = next;
        if (event) onEvent({ ...event, ...(next !== undefined && { cursor: next }) });
      },
    });
    const ending = await stream.ended;
    stream = undefined;
    if (ending.failure && !isClosed) fail(ending.failure);
    // What brings nothing but a part each time, or ends in noise, is not asked for at ever the same pace.
    if (ending.hasProgressed && ending.failure?.defect === undefined) delays.reset();
    return ending;
  }

  /** Asks for everything from now on. Resolves to whether there was an answer: where none comes, no stream could. */
  async function poll(): Promise<boolean> {
    if (polling) return true;
    const toEvents = createOverviewChanges();
    const begun = startPolling({
      readOverview,
      onFailure: fail,
      random,
      onOverview(overview) {
        for (const event of toEvents(overview, cursor)) onEvent(event);
        cursor = overview.cursor;
      },
    });
    polling = begun;
    const isAnswered = await begun.first;
    if (!isAnswered) stopPolling();
    else
      console.warn(
        "availability-bridge: the gateway's stream is held back on its way here; asking again and again instead",
      );
    return isAnswered;
  }

  function stopPolling(): void {
    polling?.stop();
    polling = undefined;
  }

  async function waitToRetry({ retryMs, failure }: Ending): Promise<void> {
    isToWait = failure !== undefined && failure.retryAfterMs > 0;
    const askedMs = Math.max(failure?.retryAfterMs ?? 0, Math.min(retryMs, LONGEST_WAIT_MS));
    await pause.take(askedMs + delays.next());
    isToWait = false;
  }

  async function run(): Promise<void> {
    while (!isClosed) {
      const ending = await followStream();
      if (isClosed || ending.reason === "woken") continue;
      const isPolled = ending.reason === "held back" && (await poll());
      if (isClosed) continue;
      await (isPolled ? pause.take(STREAM_RETRY_MS) : waitToRetry(ending));
    }
  }

  void run();
  return {
    wake() {
      const slept = hasSlept();
      polling?.wake(slept);
      if (stream) stream.wake(slept);
      else if (slept || !isToWait) pause.end();
    },
    close,
  };
}
