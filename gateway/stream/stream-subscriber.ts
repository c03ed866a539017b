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

/** One open stream. */
export interface StreamSubscriber {
  /** Tells the change at a cursor, whose text all readers share; not to one who has yet to hear what came before it. */
  send(text: Buffer, cursor: string): void;
  /** Everything that was told is void: tells it anew. */
  reset(): void;
  sendHeartbeat(): void;
  /** Ends the stream, and says after how long the reader may come back, where that matters. */
  close(retryMs?: number): void;
}

export interface StreamSubscriberOptions {
  readonly replica: Replica;
  readonly response: ServerResponse;
  /** What the reader says that it holds. */
  readonly lastEventId: string | undefined;
  readonly clock: Clock;
  /** How much may wait to be sent to a reader that is live, in bytes, before it is dropped. */
  readonly maxBufferedBytes: number;
  readonly onDropped: () => void;
  /** Hears what was thrown by mistake while the reader was told. */
  readonly onDefect: (error: unknown) => void;
}

/** Begins to tell a reader what it lacks, and keeps it current from then on. */
export function createStreamSubscriber(options: StreamSubscriberOptions): StreamSubscriber {
  const { replica, response, lastEventId, clock, maxBufferedBytes, onDropped, onDefect } = options;
  /** What the reader has been told elsewhere, which may be more than is known here yet; `undefined` once it is not. */
  let resumeCursor = lastEventId;
  /** Whether everything up to the replica's cursor has been written. */
  let isLive = false;
  /** Counts the times that the reader was told anew, so that an earlier telling notices that it is void. */
  let generation = 0;
  /** Whether anything of what a reader lacks has left since the last heartbeat. */
  let hasProgressed = true;

  function disconnect(): void {
    generation += 1;
    isLive = false;
    onDropped();
    response.destroy();
  }

  /** Writes the texts, as long as the telling that they belong to is not void. */
  function write(texts: Iterable<string>, mine: number): Promise<boolean> {
    return writeWithBackpressure(response, texts, {
      isCancelled: () => mine !== generation,
      onProgress: () => {
        hasProgressed = true;
      },
    });
  }

  /** Tells everything that has changed since a cursor, which may take a while, and then what has changed meanwhile. */
  async function catchUp(from: string, mine: number): Promise<void> {
    for (let cursor = from; ; ) {
      const missed = replica.changesSince(cursor);
      if (!missed) return sendSnapshot(mine);
      if (missed.length === 0) break;
      const nowMs = clock.monotonicMs();
      cursor = missed.at(-1)?.cursor ?? cursor;
      const texts = mapped(missed, (change) => formatChange(change, nowMs));
      if (!(await write(texts, mine))) return;
    }
    isLive = true;
  }

  async function sendSnapshot(mine: number): Promise<void> {
    resumeCursor = undefined;
    // Both at one moment: what changes while the snapshot is on its way comes after the cursor.
    const agents = [...replica.agents()];
    const cursor = replica.cursor();
    const nowMs = clock.monotonicMs();
    const texts = mapped(agents, (agent) => formatAvailability(agent, nowMs));
    if (await write(withEnds(RESET_TEXT, texts, formatCurrent(cursor)), mine)) await catchUp(cursor, mine);
  }

  function start(cursor: string | undefined): void {
    generation += 1;
    isLive = false;
    const mine = generation;
    void (cursor === undefined ? sendSnapshot(mine) : catchUp(cursor, mine)).catch((error: unknown) => {
      // The reader must not go on as if it had been told all.
      response.destroy();
      onDefect(error);
    });
  }

  // Nobody's error: a reader may go at any time, also while something is written.
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
      // What it lacks is held in memory for as long as it takes.
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
