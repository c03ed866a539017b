/**
 * A change feed over the gateway's stream of server-sent events. The feed reconnects whenever the stream ends, and
 * polls if a proxy buffers the stream.
 */

import type { ChangeFeed, FeedOptions, OpenFeed } from "../change-feed.ts";
import { createBackoff } from "./backoff.ts";
import { createCancellableDelay } from "./cancellable-delay.ts";
import type { ParseFeedEvent } from "./event-stream.ts";
import type { LiveApi } from "./live-api.ts";
import { type LiveFailure, MAX_RETRY_AFTER_MS } from "./live-failure.ts";
import { type Polling, startPolling } from "./polling.ts";
import { createSleepDetector } from "./sleep-detector.ts";
import { createSnapshotDiff } from "./snapshot-diff.ts";
import { connectStream, type StreamConnection, type StreamEnd } from "./stream-connection.ts";

export interface StreamFeedOptions extends LiveApi {
  readonly parseEvent: ParseFeedEvent;
  /** Receives the first malformed response of a feed. */
  readonly onDefect: (error: unknown) => void;
  /** @default Math.random */
  readonly random?: () => number;
}

/** Delay before the next stream after a proxy has buffered a stream, in milliseconds. */
const STREAM_RETRY_MS = 300_000;

/** Creates a function that opens feeds, each over a stream of its own. */
export function createStreamFeed(options: StreamFeedOptions): OpenFeed {
  return (feedOptions) => openStreamFeed(options, feedOptions);
}

function openStreamFeed(options: StreamFeedOptions, { onEvent, cursor: resumeFrom }: FeedOptions): ChangeFeed {
  const { openStream, fetchSnapshot, parseEvent, onDefect, random = Math.random } = options;
  const backoff = createBackoff(random);
  const hasSlept = createSleepDetector();
  const delay = createCancellableDelay();
  let cursor = resumeFrom;
  let stream: StreamConnection | undefined;
  let polling: Polling | undefined;
  let isClosed = false;
  let hasReported = false;
  /** True during the gateway's `Retry-After`. Resuming the page does not shorten the delay. */
  let mustWait = false;

  function close(): void {
    isClosed = true;
    stream?.close();
    stopPolling();
    delay.cancel();
  }

  function reportHeartbeat(): void {
    onEvent({ type: "heartbeat", ageMs: 0 });
  }

  function handleFailure({ isUnauthorized, isForbidden, defect }: LiveFailure): void {
    if (defect !== undefined && !hasReported) {
      hasReported = true;
      onDefect(defect);
    }
    if (isForbidden) onEvent({ type: "stale" });
    if (!isUnauthorized) return;
    close();
    onEvent({ type: "unauthorized" });
  }

  async function followStream(): Promise<StreamEnd> {
    stream = connectStream({
      openStream,
      parseEvent,
      cursor,
      hasSlept,
      // Stream and polling together would interleave two snapshots.
      onHeartbeat: stopPolling,
      onEvent(event, next) {
        cursor = next;
        if (event) onEvent({ ...event, ...(next !== undefined && { cursor: next }) });
        if (event?.type === "current") reportHeartbeat();
      },
      onComment: reportHeartbeat,
    });
    const streamEnd = await stream.ended;
    stream = undefined;
    if (streamEnd.failure && !isClosed) handleFailure(streamEnd.failure);
    // Streams that end within the snapshot, or with malformed data, must not reconnect at a constant rate.
    if (streamEnd.hasProgressed && streamEnd.failure?.defect === undefined) backoff.reset();
    return streamEnd;
  }

  /** Starts polling. Resolves to false if the first poll fails: a stream would fail too. */
  async function poll(): Promise<boolean> {
    if (polling) return true;
    const toEvents = createSnapshotDiff();
    const started = startPolling({
      fetchSnapshot,
      onFailure: handleFailure,
      random,
      onSnapshot(snapshot) {
        for (const event of toEvents(snapshot, cursor)) onEvent(event);
        cursor = snapshot.cursor;
      },
      onResponse: reportHeartbeat,
    });
    polling = started;
    const isAnswered = await started.firstResult;
    if (!isAnswered) {
      stopPolling();
      if (!isClosed) onEvent({ type: "stale" });
    } else console.warn("availability-bridge: a proxy buffers the gateway's event stream; polling every 15 s instead");
    return isAnswered;
  }

  function stopPolling(): void {
    polling?.stop();
    polling = undefined;
  }

  async function waitToRetry({ retryMs, failure }: StreamEnd): Promise<void> {
    mustWait = failure !== undefined && failure.retryAfterMs > 0;
    const minDelayMs = Math.max(failure?.retryAfterMs ?? 0, Math.min(retryMs, MAX_RETRY_AFTER_MS));
    await delay.wait(minDelayMs + backoff.nextDelayMs());
    mustWait = false;
  }

  async function run(): Promise<void> {
    while (!isClosed) {
      const streamEnd = await followStream();
      if (isClosed || streamEnd.reason === "resync") continue;
      const isPolled = streamEnd.reason === "buffered" && (await poll());
      if (isClosed) continue;
      await (isPolled ? delay.wait(STREAM_RETRY_MS) : waitToRetry(streamEnd));
    }
  }

  void run();
  return {
    checkConnection() {
      const slept = hasSlept();
      polling?.pollIfStale(slept);
      if (stream) stream.reconnectIfStale(slept);
      else if (slept || !mustWait) delay.cancel();
    },
    close,
  };
}
