import type { ServerResponse } from "node:http";
import { type Clock, systemClock } from "../clock.ts";
import { onResponseClosed } from "../http/response-close.ts";
import type { Replica } from "../store/replica.ts";
import { formatChange } from "./sse-format.ts";
import { createStreamSubscriber, type StreamSubscriber } from "./stream-subscriber.ts";

/** Callbacks for the metrics of streams. */
export interface StreamObserver {
  /** Called when a stream opens. The returned function is called when the stream closes. */
  onStream(customer: string): () => void;
  /**
   * Called when a change has been written to every subscriber, with the milliseconds since the gateway received the
   * change.
   */
  onFanOut(lagMs: number): void;
  /** Called when a subscriber was disconnected for being too slow. */
  onSubscriberDropped(customer: string): void;
}

/** Request for a stream, with the response to write to. */
export interface StreamRequest {
  readonly customer: string;
  readonly replica: Replica;
  readonly response: ServerResponse;
  /** Cursor sent by the client, up to which the client has everything. */
  readonly lastEventId: string | undefined;
  /** Time from which the subscriber's token is expired, in milliseconds since 1970. */
  readonly endsAtMs: number | undefined;
}

/** Open streams of a gateway. */
export interface StreamHub {
  /** Writes a stream to a response with sent headers, until the client or the gateway closes the stream. */
  open(request: StreamRequest): void;
  /** Closes every stream and spreads the reconnections over some time. Streams opened later are closed at once. */
  close(): void;
}

export interface StreamHubOptions {
  readonly clock?: Clock;
  /** Interval of heartbeats on an open stream, in milliseconds. @default 15000 */
  readonly heartbeatMs?: number;
  /** Limit of bytes waiting to be sent to a subscriber. Above it the subscriber is disconnected. @default 262144 */
  readonly maxBufferedBytes?: number;
  readonly observer?: StreamObserver;
  /**
   * Called with an unexpected error while writing to a subscriber. @default rethrows the error, which ends the process
   */
  readonly onDefect?: (error: unknown) => void;
}

/** Time over which subscribers reconnect after a gateway has closed their streams, in milliseconds. */
const RECONNECT_SPREAD_MS = 10_000;

/** Creates a hub without streams. Every change is formatted once for all subscribers. */
export function createStreamHub(options: StreamHubOptions = {}): StreamHub {
  const { clock = systemClock, heartbeatMs = 15_000, maxBufferedBytes = 256 * 1024, observer } = options;
  const { onDefect = rethrow } = options;
  const groups = new Map<Replica, SubscriberGroup>();
  const expiryTimes = new Map<StreamSubscriber, number>();
  let isClosed = false;

  const timer = setInterval(() => {
    for (const [subscriber, endsAtMs] of expiryTimes) {
      if (endsAtMs > clock.wallMs()) continue;
      expiryTimes.delete(subscriber);
      subscriber.close();
    }
    for (const { subscribers } of groups.values()) for (const subscriber of subscribers) subscriber.sendHeartbeat();
  }, heartbeatMs);
  // Heartbeats alone must not keep the process running.
  timer.unref();

  function getGroup(replica: Replica): SubscriberGroup {
    const group = groups.get(replica) ?? openGroup(replica, clock, observer);
    groups.set(replica, group);
    return group;
  }

  function removeSubscriber(replica: Replica, subscriber: StreamSubscriber): void {
    expiryTimes.delete(subscriber);
    const group = groups.get(replica);
    group?.subscribers.delete(subscriber);
    if (group?.subscribers.size !== 0) return;
    group.close();
    groups.delete(replica);
  }

  return {
    open({ customer, replica, response, lastEventId, endsAtMs }) {
      const onClosed = observer?.onStream(customer);
      const onDropped = (): void => observer?.onSubscriberDropped(customer);
      const subscriber = createStreamSubscriber({
        replica,
        response,
        lastEventId,
        clock,
        maxBufferedBytes,
        onDropped,
        onDefect,
      });
      getGroup(replica).subscribers.add(subscriber);
      if (endsAtMs !== undefined) expiryTimes.set(subscriber, endsAtMs);
      onResponseClosed(response, () => {
        removeSubscriber(replica, subscriber);
        onClosed?.();
      });
      if (isClosed) subscriber.close(Math.random() * RECONNECT_SPREAD_MS);
    },
    close() {
      isClosed = true;
      clearInterval(timer);
      for (const { subscribers } of groups.values()) {
        for (const subscriber of subscribers) subscriber.close(Math.random() * RECONNECT_SPREAD_MS);
      }
    },
  };
}

function rethrow(error: unknown): never {
  throw error;
}

/** Subscribers of a replica. */
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
      for (const subscriber of subscribers) subscriber.send(text, change.cursor);
      observer?.onFanOut(clock.monotonicMs() - receivedAtMs);
    },
    onReset() {
      for (const subscriber of subscribers) subscriber.reset();
    },
  });
  return { subscribers, close };
}
