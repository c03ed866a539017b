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
  onSubscriberDropped(customer: string): void;
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
const RECONNECT_SPREAD_MS = 10_000;

/** Creates a hub without streams. Each change is made into text once, however many readers there are. */
export function createStreamHub(options: StreamHubOptions = {}): StreamHub {
  const { clock = systemClock, heartbeatMs = 15_000, maxBufferedBytes = 256 * 1024, observer } = options;
  const { onDefect = rethrow } = options;
  const groups = new Map<Replica, SubscriberGroup>();
  const expiryTimes = new Map<StreamSubscriber, number>();
  let isClosed = false;

  const timer = setInterval(() => {
    for (const [reader, endsAtMs] of expiryTimes) {
      if (endsAtMs > clock.wallMs()) continue;
      expiryTimes.delete(reader);
      reader.close();
    }
    for (const { subscribers } of groups.values()) for (const reader of subscribers) reader.sendHeartbeat();
  }, heartbeatMs);
  // It has nothing to do where nothing else keeps the process running.
  timer.unref();

  function getGroup(replica: Replica): SubscriberGroup {
    const feed = groups.get(replica) ?? openGroup(replica, clock, observer);
    groups.set(replica, feed);
    return feed;
  }

  function removeSubscriber(replica: Replica, reader: StreamSubscriber): void {
    expiryTimes.delete(reader);
    const feed = groups.get(replica);
    feed?.subscribers.delete(reader);
    if (feed?.subscribers.size !== 0) return;
    feed.close();
    groups.delete(replica);
  }

  return {
    open({ customer, replica, response, lastEventId, endsAtMs }) {
      const onClosed = observer?.onStream(customer);
      const onDropped = (): void => observer?.onSubscriberDropped(customer);
      const reader = createStreamSubscriber({
        replica,
        response,
        lastEventId,
        clock,
        maxBufferedBytes,
        onDropped,
        onDefect,
      });
      getGroup(replica).subscribers.add(reader);
      if (endsAtMs !== undefined) expiryTimes.set(reader, endsAtMs);
      onResponseClosed(response, () => {
        removeSubscriber(replica, reader);
        onClosed?.();
      });
      if (isClosed) reader.close(Math.random() * RECONNECT_SPREAD_MS);
    },
    close() {
      isClosed = true;
      clearInterval(timer);
      for (const { subscribers } of groups.values()) {
        for (const reader of subscribers) reader.close(Math.random() * RECONNECT_SPREAD_MS);
      }
    },
  };
}

function rethrow(error: unknown): never {
  throw error;
}

/** All readers of one replica. */
interface SubscriberGroup {
  readonly subscribers: Set<StreamSubscriber>;
  close(): void;
}

function openGroup(replica: Replica, clock: Clock, observer: StreamObserver | undefined): SubscriberGroup {
  const subscribers = new Set<StreamSubscriber>();
  const close = replica.listen({
    onChange(change) {
      const receivedAtMs = clock.monotonicMs();
      const text = Buffer.from(formatChange(change, receivedAtMs));
      for (const reader of subscribers) reader.send(text, change.cursor);
      observer?.onFanOut(clock.monotonicMs() - receivedAtMs);
    },
    onReset() {
      for (const reader of subscribers) reader.reset();
    },
  });
  return { subscribers, close };
}
