import type { ServerResponse } from "node:http";
import { type Clock, systemClock } from "../clock.ts";
import { onResponseClosed } from "../http/response-close.ts";
import type { Replica } from "../store/replica.ts";
import { formatChange } from "./sse-format.ts";
import { createStreamSubscriber, type StreamSubscriber } from "./stream-subscriber.ts";

/** Hears what the streams do, to be counted. */
export interface StreamObserver {
  /** A stream has been opened. What it returns is called when the stream is closed. */
  onStream(customer: string): () => void;
  /** A change has been written to every reader this long after the gateway had learnt of it, in milliseconds. */
  onFanOut(lagMs: number): void;
  /** A stream's reader was too slow to be kept. */
  onReaderDropped(customer: string): void;
}

/** Who asks for a stream, and where it is written. */
export interface StreamRequest {
  readonly customer: string;
  readonly replica: Replica;
  readonly response: ServerResponse;
  /** The cursor up to which the reader holds everything already. */
  readonly lastEventId: string | undefined;
  /** When the reader's token is refused for its age, in milliseconds since 1970. */
  readonly endsAtMs: number | undefined;
}

/** The open streams of a gateway. */
export interface StreamHub {
  /** Writes a stream to a response whose head has been sent, until one of the two sides ends it. */
  open(request: StreamRequest): void;
  /** Ends every stream, and spreads the readers' return over some time. What is opened later is ended at once. */
  close(): void;
}

export interface StreamHubOptions {
  readonly clock?: Clock;
  /** How often an open stream shows a sign of life, in milliseconds. @default 15000 */
  readonly heartbeatMs?: number;
  /** How much may wait to be sent to one reader, in bytes, before it is dropped. @default 262144 */
  readonly maxBufferedBytes?: number;
  readonly observer?: StreamObserver;
  /** Hears what was thrown by mistake while a reader was told. @default it is thrown once more, and ends the process */
  readonly onDefect?: (error: unknown) => void;
}

/** The readers of one customer come back within this time once a gateway has told them to go, in milliseconds. */
const RETURN_WITHIN_MS = 10_000;

/** Creates a hub without streams. Each change is made into text once, however many readers there are. */
export function createStreamHub(options: StreamHubOptions = {}): StreamHub {
  const { clock = systemClock, heartbeatMs = 15_000, maxBufferedBytes = 256 * 1024, observer } = options;
  const { onDefect = throwOnceMore } = options;
  const feeds = new Map<Replica, Feed>();
  const ends = new Map<StreamSubscriber, number>();
  let isClosed = false;

  const timer = setInterval(() => {
    for (const [reader, endsAtMs] of ends) {
      if (endsAtMs > clock.wallMs()) continue;
      ends.delete(reader);
      reader.end();
    }
    for (const { readers } of feeds.values()) for (const reader of readers) reader.beat();
  }, heartbeatMs);
  // It has nothing to do where nothing else keeps the process running.
  timer.unref();

  function join(replica: Replica): Feed {
    const feed = feeds.get(replica) ?? openFeed(replica, clock, observer);
    feeds.set(replica, feed);
    return feed;
  }

  function leave(replica: Replica, reader: StreamSubscriber): void {
    ends.delete(reader);
    const feed = feeds.get(replica);
    feed?.readers.delete(reader);
    if (feed?.readers.size !== 0) return;
    feed.close();
    feeds.delete(replica);
  }

  return {
    open({ customer, replica, response, lastEventId, endsAtMs }) {
      const onClosed = observer?.onStream(customer);
      const onDropped = (): void => observer?.onReaderDropped(customer);
      const reader = createStreamSubscriber({
        replica,
        response,
        lastEventId,
        clock,
        maxBufferedBytes,
        onDropped,
        onDefect,
      });
      join(replica).readers.add(reader);
      if (endsAtMs !== undefined) ends.set(reader, endsAtMs);
      onResponseClosed(response, () => {
        leave(replica, reader);
        onClosed?.();
      });
      if (isClosed) reader.end(Math.random() * RETURN_WITHIN_MS);
    },
    close() {
      isClosed = true;
      clearInterval(timer);
      for (const { readers } of feeds.values()) {
        for (const reader of readers) reader.end(Math.random() * RETURN_WITHIN_MS);
      }
    },
  };
}

function throwOnceMore(error: unknown): never {
  throw error;
}

/** All readers of one replica. */
interface Feed {
  readonly readers: Set<StreamSubscriber>;
  close(): void;
}

function openFeed(replica: Replica, clock: Clock, observer: StreamObserver | undefined): Feed {
  const readers = new Set<StreamSubscriber>();
  const close = replica.listen({
    onChange(change) {
      const learntAtMs = clock.monotonicMs();
      const text = Buffer.from(formatChange(change, learntAtMs));
      for (const reader of readers) reader.tell(text, change.cursor);
      observer?.onFanOut(clock.monotonicMs() - learntAtMs);
    },
    onReset() {
      for (const reader of readers) reader.reset();
    },
  });
  return { readers, close };
}
