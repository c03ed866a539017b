import type { ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import { isAtOrAfter } from "../store/cursor.ts";
import type { Replica } from "../store/replica.ts";
import { writeWithBackpressure } from "./backpressure.ts";
import {
  formatAvailability,
  formatChange,
  formatCurrent,
  formatRetry,
  HEARTBEAT_TEXT,
  RESET_TEXT,
} from "./sse-format.ts";

/** Open stream of one client. */
export interface StreamSubscriber {
  /**
   * Writes the change at a cursor, as text shared by all subscribers. Does nothing if the subscriber has not caught up
   * yet.
   */
  send(text: Buffer, cursor: string): void;
  /** Supersedes everything written so far and writes a new snapshot. */
  reset(): void;
  sendHeartbeat(): void;
  /** Closes the stream, with the delay before the client may reconnect if the delay matters. */
  close(retryMs?: number): void;
}

export interface StreamSubscriberOptions {
  readonly replica: Replica;
  readonly response: ServerResponse;
  /** Cursor sent by the client in `Last-Event-ID`. */
  readonly lastEventId: string | undefined;
  readonly clock: Clock;
  /** Limit of bytes waiting to be sent to a live subscriber. Above it the subscriber is disconnected. */
  readonly maxBufferedBytes: number;
  readonly onDropped: () => void;
  /** Called with an unexpected error while writing. */
  readonly onDefect: (error: unknown) => void;
}

/** Starts a stream: sends the missing changes or a snapshot, and then every further change. */
export function createStreamSubscriber(options: StreamSubscriberOptions): StreamSubscriber {
  const { replica, response, lastEventId, clock, maxBufferedBytes, onDropped, onDefect } = options;
  /** The client's `Last-Event-ID`, possibly ahead of this gateway's replica; cleared when the replica has caught up. */
  let resumeCursor = lastEventId;
  /** True once everything up to the replica's cursor has been written. */
  let isLive = false;
  /** Incremented when writing starts again or stops, so that an earlier write notices being superseded. */
  let generation = 0;
  /** True if part of the missing data was sent since the last heartbeat. */
  let hasProgressed = true;

  function disconnect(): void {
    generation += 1;
    isLive = false;
    onDropped();
    response.destroy();
  }

  /** Writes the texts until another generation supersedes the given one. */
  function write(texts: Iterable<string>, ownGeneration: number): Promise<boolean> {
    return writeWithBackpressure(response, texts, {
      isCancelled: () => ownGeneration !== generation,
      onProgress: () => {
        hasProgressed = true;
      },
    });
  }

  /** Resumes at a cursor. The heartbeat tells the client at once that no change is missing, unless the replica is behind the client. */
  async function resume(from: string, ownGeneration: number): Promise<void> {
    await catchUp(from, ownGeneration);
    const isCaughtUp = isLive && ownGeneration === generation && isAtOrAfter(replica.cursor(), from);
    if (isCaughtUp) response.write(HEARTBEAT_TEXT);
  }

  /** Writes all changes since a cursor, and then the changes made during the writing. */
  async function catchUp(from: string, ownGeneration: number): Promise<void> {
    for (let cursor = from; ; ) {
      const missed = replica.changesSince(cursor);
      if (!missed) return sendSnapshot(ownGeneration);
      if (missed.length === 0) break;
      const nowMs = clock.monotonicMs();
      cursor = missed.at(-1)?.cursor ?? cursor;
      const texts = mapped(missed, (change) => formatChange(change, nowMs));
      if (!(await write(texts, ownGeneration))) return;
    }
    isLive = true;
  }

  async function sendSnapshot(ownGeneration: number): Promise<void> {
    resumeCursor = undefined;
    // Read agents and cursor together: changes during the snapshot come after the cursor.
    const agents = [...replica.agents()];
    const cursor = replica.cursor();
    const nowMs = clock.monotonicMs();
    const texts = mapped(agents, (agent) => formatAvailability(agent, nowMs));
    if (await write(withEnds(RESET_TEXT, texts, formatCurrent(cursor)), ownGeneration))
      await catchUp(cursor, ownGeneration);
  }

  function start(cursor: string | undefined): void {
    generation += 1;
    isLive = false;
    const ownGeneration = generation;
    void (cursor === undefined ? sendSnapshot(ownGeneration) : resume(cursor, ownGeneration)).catch(
      (error: unknown) => {
        // The client must not continue with an incomplete state.
        response.destroy();
        onDefect(error);
      },
    );
  }

  // Expected: a client may disconnect at any time, also during a write.
  response.on("error", () => {});
  start(lastEventId);
  return {
    send(text, cursor) {
      if (!isLive || (resumeCursor !== undefined && isAtOrAfter(resumeCursor, cursor))) return;
      resumeCursor = undefined;
      response.write(text);
      if (response.writableLength > maxBufferedBytes) disconnect();
    },
    reset: () => start(undefined),
    sendHeartbeat() {
      if (isLive) response.write(HEARTBEAT_TEXT);
      // The missing data stays in memory until sent.
      else if (!hasProgressed && !response.destroyed) disconnect();
      hasProgressed = isLive;
    },
    close(retryMs) {
      generation += 1;
      isLive = false;
      response.end(retryMs === undefined ? "" : formatRetry(retryMs));
    },
  };
}

function* mapped<Item>(items: Iterable<Item>, toText: (item: Item) => string): Generator<string> {
  for (const item of items) yield toText(item);
}

function* withEnds(first: string, texts: Iterable<string>, last: string): Generator<string> {
  yield first;
  yield* texts;
  yield last;
}
