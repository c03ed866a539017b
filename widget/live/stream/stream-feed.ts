/**
 * A change feed over the gateway's stream of server-sent events. It outlives the streams, and polls if a proxy buffers them.
 *
 * Requirements:
 *
 * 1. The feed reports every change of the followed users in the gateway's order. A change during a break comes with the
 *    next stream, which resumes from the cursor of the last event, or begins with a `reset` and a snapshot.
 * 2. A snapshot ends with `current` only if it has every followed user: an absent user counts as removed. A cursor is used
 *    only if the feed has reported all followed users up to it.
 * 3. The address of a stream or a poll has the followed users, up to 100; more users take all of the customer's. Users that
 *    join need another stream or poll within 50 ms, and users that leave need none.
 * 4. A dead connection is noticed: no byte within 30 s, no event or comment within 45 s, a sleep of the machine, or no
 *    heartbeat within 15 s before the page resumes.
 * 5. Subscribers that were cut off together come back apart, within 8 s: each delay is random, and its limit doubles from 1 s
 *    to 8 s with each failure in a row. A stream with progress and without defects resets the limit. A delay that the gateway
 *    asks for is waited for in addition, up to 5 min, and a resumed page does not shorten it. Both together are at most 8 s if
 *    the gateway asks for 7 s at most, and 9 s if it asks for less than 8 s.
 * 6. A proxy that buffers the stream shows only by silence, as does a network that was down for a while. After a silent stream
 *    the feed polls. If the gateway answers, the feed tries the stream once more at once. The proxy is proven by a second stream
 *    that is silent while the gateway answers polls, with none in between that delivered: the feed then tries the stream every
 *    5 min. A stream and a poll never report at the same time.
 * 7. The first response that no gateway sends is reported as a defect.
 * 8. After a 401 the feed reports `unauthorized`, and nothing more. A 403, a 404, and a poll without a response after a silent
 *    stream are reported as `stale` at once.
 * 9. A closed feed has no request and no timer.
 *
 * States, each a step of `run`:
 *
 *   opening    A stream is requested: with the cursor, or without one by requirement 2. The first event → streaming. Silence
 *              for 30 s → polling. An error → waiting.
 *   streaming  The stream delivers. Its end, or silence for 45 s → waiting, but silence within a snapshot → polling. A sleep, an
 *              overdue heartbeat when the page resumes, or an added user → opening, without a delay.
 *   waiting    The delay of requirement 5 runs. Its end, or the page resumes → opening.
 *   polling    Polls are sent every 15 s. If the first one fails → waiting. Its answer, or 5 min if a proxy is proven, or a resumed
 *              page → opening, while polling goes on: the first event or comment of the stream ends it.
 *   closed     By the caller, or by a 401 in any state. No event leads out of this state.
 */

import type { TimerQueue } from "../../../shared/runtime/timer-queue.ts";
import type { ChangeFeed, FeedEvent, FeedOptions, OpenFeed } from "../change-feed.ts";
import { concerns, covers, type FollowedUsers, toStreamed } from "../followed-users.ts";
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
  /** Creates the timers of one feed. */
  readonly createTimers: () => TimerQueue;
  /** @default Math.random */
  readonly random?: () => number;
}

/** Delay before the next stream after a proxy has buffered a stream, in milliseconds. */
const STREAM_RETRY_MS = 300_000;

/** Number of silent streams that prove the proxy. After the first one the network may have been down. */
const PROVING_STREAMS = 2;

/** Delay before a stream for added users, in milliseconds. All users added by then need one stream. */
const FOLLOW_DELAY_MS = 50;

/** Creates a function that opens feeds, each over a stream of its own. */
export function createStreamFeed(options: StreamFeedOptions): OpenFeed {
  return (feedOptions) => openStreamFeed(options, feedOptions);
}

function openStreamFeed(options: StreamFeedOptions, feedOptions: FeedOptions): ChangeFeed {
  const { onEvent, cursor: resumeFrom, userIds } = feedOptions;
  const { openStream, fetchSnapshot, parseEvent, onDefect, createTimers, random = Math.random } = options;
  const timers = createTimers();
  const { schedule } = timers;
  const backoff = createBackoff(random);
  const hasSlept = createSleepDetector();
  const delay = createCancellableDelay(schedule);
  /** The followed users. */
  let followed: FollowedUsers = userIds;
  let cursor = resumeFrom;
  /** The users whose events up to `cursor` have been reported. */
  let covered: FollowedUsers = userIds;
  let stream: StreamConnection | undefined;
  let polling: Polling | undefined;
  let isClosed = false;
  let hasReported = false;
  /** True during the gateway's `Retry-After`. Resuming the page does not shorten the delay. */
  let mustWait = false;
  /**
   * Silent streams in a row, if the gateway has answered a poll during or after each. A position, or a heartbeat after a position, ends
   * the row.
   */
  let silentStreams = 0;
  /** True if the gateway has answered a poll since the latest stream was requested. */
  let isPollAnswered = false;
  /** The users of the latest stream. */
  let streamed: FollowedUsers;
  /** The users of the latest poll. */
  let polled: FollowedUsers;
  /** True if the latest stream has ended its snapshot without a followed user. */
  let isPartial = false;

  function close(): void {
    isClosed = true;
    stream?.close();
    stopPolling();
    timers.clear();
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

  function follow(next: FollowedUsers): void {
    followed = next;
    if (isClosed) return;
    schedule(FOLLOW_DELAY_MS, () => {
      if (isPartial || !covers(streamed, followed)) stream?.reconnect();
      if (!covers(polled, followed)) polling?.pollNow();
    });
  }

  function reportStreamed(event: FeedEvent): void {
    // A gateway of an older release sends every user.
    if (!concerns(event, streamed)) return;
    if (event.type === "current" && !covers(streamed, followed)) {
      isPartial = true;
      // The next stream begins with another snapshot.
      cursor = undefined;
      return;
    }
    onEvent({ ...event, ...(cursor !== undefined && { cursor }) });
    if (event.type === "current") reportHeartbeat();
  }

  async function followStream(): Promise<StreamEnd> {
    streamed = toStreamed(followed);
    isPartial = false;
    isPollAnswered = false;
    if (!covers(covered, streamed)) cursor = undefined;
    const users = streamed;
    stream = connectStream({
      openStream: (signal, from) => openStream(signal, from, users),
      parseEvent,
      cursor,
      schedule,
      hasSlept,
      // Stream and polling together would interleave two snapshots.
      onHeartbeat: stopPolling,
      onEvent(event, next) {
        // A proxy may pass on the begin of each snapshot, and hold back the end with the position.
        if (next !== undefined) silentStreams = 0;
        cursor = isPartial ? undefined : next;
        covered = streamed;
        if (event) reportStreamed(event);
      },
      onComment() {
        if (cursor !== undefined) silentStreams = 0;
        reportHeartbeat();
      },
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
    let toEvents = createSnapshotDiff();
    const started = startPolling({
      fetchSnapshot(signal, etag) {
        const users = toStreamed(followed);
        // Users that have left the followed users are not removed, so nothing is compared.
        if (users !== polled) toEvents = createSnapshotDiff();
        polled = users;
        return fetchSnapshot(signal, etag, users);
      },
      onFailure: handleFailure,
      random,
      schedule,
      onSnapshot(snapshot) {
        // The next poll, which is due at once, has the added users.
        if (!covers(polled, followed)) return;
        for (const event of toEvents(snapshot, cursor)) onEvent(event);
        cursor = snapshot.cursor;
        covered = polled;
        // The events before no longer count. A stream that is opening goes on with the users of the poll, without those who have left.
        if (covers(streamed, polled)) streamed = polled;
      },
      onResponse() {
        isPollAnswered = true;
        // A list that lacks added users was not reported: it proves nothing about the others.
        if (covers(polled, followed)) reportHeartbeat();
      },
    });
    polling = started;
    const isAnswered = await started.firstResult;
    if (!isAnswered) {
      stopPolling();
      if (!isClosed) onEvent({ type: "stale" });
    }
    return isAnswered;
  }

  /** Polls after a silent stream. Resolves when another stream is due, while polling goes on, or to false if the first poll fails. */
  async function pollUntilRetry(): Promise<boolean> {
    if (!(await poll())) return false;
    // Without an answer the network is silent, not the stream.
    if (isPollAnswered) silentStreams += 1;
    if (silentStreams < PROVING_STREAMS) return true;
    if (silentStreams === PROVING_STREAMS)
      console.warn("availability-bridge: a proxy buffers the gateway's event stream; polling every 15 s instead");
    await delay.wait(STREAM_RETRY_MS);
    return true;
  }

  function stopPolling(): void {
    polling?.stop();
    polling = undefined;
  }

  async function waitToRetry({ retryMs, failure }: StreamEnd): Promise<void> {
    mustWait = failure !== undefined && failure.retryAfterMs > 0;
    const minDelayMs = Math.max(failure?.retryAfterMs ?? 0, Math.min(retryMs, MAX_RETRY_AFTER_MS));
    await delay.wait(minDelayMs + backoff.nextDelayMs(minDelayMs));
    mustWait = false;
  }

  async function run(): Promise<void> {
    while (!isClosed) {
      const streamEnd = await followStream();
      if (isClosed || streamEnd.reason === "resync") continue;
      const isPolled = streamEnd.reason === "buffered" && (await pollUntilRetry());
      if (isClosed || isPolled) continue;
      await waitToRetry(streamEnd);
    }
  }

  void run();
  return {
    follow,
    checkConnection(callerHasSlept = false) {
      const slept = hasSlept() || callerHasSlept;
      polling?.pollIfStale(slept);
      if (stream) stream.reconnectIfStale(slept);
      else if (slept || !mustWait) delay.cancel();
    },
    retryNow() {
      if (!mustWait) delay.cancel();
    },
    close,
  };
}
