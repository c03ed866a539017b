import type { ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import { toUserId } from "../store/change-history.ts";
import { isAtOrAfter } from "../store/cursor.ts";
import type { Replica } from "../store/replica.ts";
import { toPieces, writeWithBackpressure } from "./backpressure.ts";
import type { ChangeTexts } from "./change-texts.ts";
import type { SharedText } from "./shared-text.ts";
import type { SnapshotText } from "./snapshot-text.ts";
import { formatCurrent, formatRetry, HEARTBEAT_TEXT } from "./sse-format.ts";

/** Open stream of one client. */
export interface StreamSubscriber {
  /**
   * Writes the change at a cursor, as text shared by all subscribers. Does nothing if the subscriber has not caught up
   * yet. The caller passes only changes of the subscriber's users.
   */
  send(text: SharedText, cursor: string): void;
  /** Supersedes everything written so far, and writes a new snapshot after this many milliseconds. */
  reset(delayMs: number): void;
  sendHeartbeat(): void;
  /** Sends a heartbeat at once if the subscriber has caught up, because the replica is current again. */
  confirm(): void;
  /** Closes the stream, with the delay before the client may reconnect if the delay matters. */
  close(retryMs?: number): void;
}

export interface StreamSubscriberOptions {
  readonly replica: Replica;
  /**
   * Formats the present snapshot of the subscriber's users, and calls `onFormatted` with the number of agents without a
   * text.
   */
  readonly formatSnapshot: (onFormatted: (agents: number) => void) => SnapshotText | Promise<SnapshotText>;
  /** Texts of missed changes, shared by the customer's subscribers. */
  readonly changeTexts: ChangeTexts;
  /** Called with the number of agents and changes that were formatted for the beginning of the stream. */
  readonly onFormatted: (count: number) => void;
  /** Users whose availabilities the stream carries; `undefined` for all users. */
  readonly userIds: ReadonlySet<number> | undefined;
  readonly response: ServerResponse;
  /** Cursor sent by the client in `Last-Event-ID`. */
  readonly lastEventId: string | undefined;
  readonly clock: Clock;
  /** Interval of heartbeats, in milliseconds. While the replica is stale for longer, no heartbeat is sent. */
  readonly heartbeatMs: number;
  /** Limit of bytes waiting to be sent to a live subscriber. Above it the subscriber is disconnected. */
  readonly maxBufferedBytes: number;
  readonly onDropped: () => void;
  /** Called with an unexpected error while writing. */
  readonly onDefect: (error: unknown) => void;
}

/** Starts a stream: sends the missing changes or a snapshot, and then every further change. */
export function createStreamSubscriber(options: StreamSubscriberOptions): StreamSubscriber {
  const {
    replica,
    formatSnapshot,
    changeTexts,
    userIds,
    response,
    lastEventId,
    clock,
    heartbeatMs,
    maxBufferedBytes,
    onDropped,
    onDefect,
  } = options;
  /** The client's `Last-Event-ID`, possibly ahead of this gateway's replica; cleared when the replica has caught up. */
  let resumeCursor = lastEventId;
  /** The last cursor that the client has, as far as it was written. */
  let lastCursor = lastEventId ?? "";
  /** True once everything up to the replica's cursor has been written. */
  let isLive = false;
  /** A reset of all subscribers is no subscriber's own request. */
  let onFormatted = options.onFormatted;
  /** Incremented when writing starts again or stops, so that an earlier write notices being superseded. */
  let generation = 0;
  /** True once something was written here, so that the head of the response is on its way. */
  let hasWritten = false;
  /** True if part of the missing data was sent since the last heartbeat. */
  let hasProgressed = true;

  function disconnect(): void {
    generation += 1;
    isLive = false;
    onDropped();
    response.destroy();
  }

  /** Writes the pieces until another generation supersedes the given one. */
  function write(pieces: Iterable<Uint8Array | string>, ownGeneration: number): Promise<boolean> {
    return writeWithBackpressure(response, pieces, {
      isCancelled: () => ownGeneration !== generation,
      onProgress: () => {
        hasProgressed = true;
        hasWritten = true;
      },
    });
  }

  /** Resumes at a cursor. The heartbeat tells the client at once that no change is missing, unless the replica is behind the client. */
  async function resume(from: string, ownGeneration: number): Promise<void> {
    await catchUp(from, ownGeneration);
    const isCaughtUp = isLive && ownGeneration === generation && isAtOrAfter(replica.cursor(), from);
    if (isCaughtUp) writeHeartbeat();
  }

  /**
   * Writes a heartbeat. A stream of some users carries no changes of others, so its cursor would become too old to resume
   * from: the heartbeat brings a recent one if the customer has later changes.
   *
   * A client takes a heartbeat as proof that it has every change. So no heartbeat is sent while the replica may lack
   * changes of more than one interval.
   */
  function writeHeartbeat(): void {
    if (clock.monotonicMs() - (replica.staleSinceMs() ?? Infinity) > heartbeatMs) return;
    if (!userIds || isAtOrAfter(lastCursor, replica.lastChangeCursor())) {
      response.write(HEARTBEAT_TEXT);
      return;
    }
    lastCursor = replica.cursor();
    response.write(formatCurrent(lastCursor) + HEARTBEAT_TEXT);
  }

  /** Writes all changes since a cursor, and then the changes made during the writing. */
  async function catchUp(from: string, ownGeneration: number): Promise<void> {
    for (let cursor = from; ; ) {
      const missed = replica.changesSince(cursor);
      if (!missed) return sendSnapshot(ownGeneration);
      if (missed.length === 0) break;
      cursor = missed.at(-1)?.cursor ?? cursor;
      const own = userIds ? missed.filter((change) => userIds.has(toUserId(change))) : missed;
      onFormatted(changeTexts.countMissing(own));
      lastCursor = own.at(-1)?.cursor ?? lastCursor;
      if (!(await write(toPieces(mapped(own, changeTexts.format)), ownGeneration))) return;
    }
    isLive = true;
  }

  async function sendSnapshot(ownGeneration: number): Promise<void> {
    resumeCursor = undefined;
    const formatted = formatSnapshot(onFormatted);
    const { pieces, cursor } = formatted instanceof Promise ? await formatted : formatted;
    if (ownGeneration !== generation) return;
    lastCursor = cursor;
    if (await write(pieces, ownGeneration)) await catchUp(cursor, ownGeneration);
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
      lastCursor = cursor;
      text.writeTo(response, hasWritten);
      hasWritten = true;
      if (response.writableLength > maxBufferedBytes) disconnect();
    },
    reset(delayMs) {
      onFormatted = () => {};
      generation += 1;
      isLive = false;
      hasProgressed = true;
      const ownGeneration = generation;
      if (delayMs === 0) start(undefined);
      else setTimeout(() => ownGeneration === generation && start(undefined), delayMs);
    },
    sendHeartbeat() {
      if (isLive) writeHeartbeat();
      // The missing data stays in memory until sent.
      else if (!hasProgressed && !response.destroyed) disconnect();
      hasProgressed = isLive;
    },
    confirm() {
      if (isLive) writeHeartbeat();
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
