import type { ServerResponse } from "node:http";
import { type Clock, systemClock } from "../clock.ts";
import { onResponseClosed } from "../http/response-close.ts";
import { type Change, toUserId } from "../store/change-history.ts";
import type { Replica } from "../store/replica.ts";
import { eventLoopTurns } from "../turns.ts";
import { type ChangeTexts, createChangeTexts } from "./change-texts.ts";
import { createSharedText } from "./shared-text.ts";
import {
  createSharedSnapshot,
  formatSnapshot,
  type SharedSnapshot,
  type SharedSnapshotOptions,
} from "./snapshot-text.ts";
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
  /** Users whose changes the stream carries. @default all users */
  readonly userIds?: ReadonlySet<number> | undefined;
  readonly response: ServerResponse;
  /** Cursor sent by the client, up to which the client has everything. */
  readonly lastEventId: string | undefined;
  /** Time from which the subscriber's token is expired, in milliseconds since 1970. */
  readonly endsAtMs: number | undefined;
  /** Called with the number of agents and changes that were formatted for the beginning of the stream. @default none */
  readonly onFormatted?: ((count: number) => void) | undefined;
  /** True while the gateway serves the customer and accepts the token. @default always true */
  readonly isAllowed?: () => boolean;
}

/** Open streams of a gateway. */
export interface StreamHub {
  /** Writes a stream to a response with sent headers, until the client or the gateway closes the stream. */
  open(request: StreamRequest): void;
  /** Returns the number of open streams. */
  count(): number;
  /** Closes every stream that is no longer allowed, and spreads the reconnections over some time. */
  closeForbidden(): void;
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

/**
 * Time over which the subscribers of a customer start again after a reset, in milliseconds: other customers' requests are
 * answered in between, and every subscriber is right again within 10 s.
 */
const RESET_SPREAD_MS = 3_000;

/** Time between two batches of subscribers that start again, in milliseconds. */
const RESET_BATCH_MS = 50;

/** Number of subscribers in a batch, if the customer has no more than fit into the spread. */
const MIN_RESET_BATCH = 50;

/**
 * Creates a hub without streams. Every change is formatted once for all subscribers. A change costs nothing for the
 * streams of other users.
 */
export function createStreamHub(options: StreamHubOptions = {}): StreamHub {
  const { clock = systemClock, heartbeatMs = 15_000, maxBufferedBytes = 256 * 1024, observer } = options;
  const { onDefect = rethrow } = options;
  const groups = new Map<Replica, SubscriberGroup>();
  const permissions = new Map<StreamSubscriber, Pick<StreamRequest, "endsAtMs" | "isAllowed">>();
  let isClosed = false;

  const timer = setInterval(() => {
    for (const [subscriber, { endsAtMs = Infinity }] of permissions) {
      if (endsAtMs > clock.wallMs()) continue;
      permissions.delete(subscriber);
      subscriber.close();
    }
    for (const group of groups.values()) {
      group.snapshot.clearUnread();
      group.changeTexts.clear();
      for (const subscriber of group.subscribers()) subscriber.sendHeartbeat();
    }
  }, heartbeatMs);
  // Heartbeats alone must not keep the process running.
  timer.unref();

  function getGroup(replica: Replica, customer: string): SubscriberGroup {
    const takeTurn = () => eventLoopTurns.take(customer);
    const group = groups.get(replica) ?? openGroup({ replica, clock, observer, takeTurn });
    groups.set(replica, group);
    return group;
  }

  function removeSubscriber(replica: Replica, subscriber: StreamSubscriber): void {
    permissions.delete(subscriber);
    const group = groups.get(replica);
    group?.remove(subscriber);
    if (!group?.isEmpty()) return;
    group.close();
    groups.delete(replica);
  }

  function closeLater(subscriber: StreamSubscriber): void {
    subscriber.close(Math.random() * RECONNECT_SPREAD_MS);
  }

  return {
    open({ customer, replica, userIds, response, lastEventId, endsAtMs, isAllowed, onFormatted = () => {} }) {
      const onClosed = observer?.onStream(customer);
      const onDropped = (): void => observer?.onSubscriberDropped(customer);
      const group = getGroup(replica, customer);
      const subscriber = createStreamSubscriber({
        replica,
        formatSnapshot: userIds ? formatOwn(replica, userIds, clock) : group.snapshot.read,
        changeTexts: group.changeTexts,
        onFormatted,
        userIds,
        response,
        lastEventId,
        clock,
        heartbeatMs,
        maxBufferedBytes,
        onDropped,
        onDefect,
      });
      group.add(subscriber, userIds);
      permissions.set(subscriber, { endsAtMs, ...(isAllowed && { isAllowed }) });
      onResponseClosed(response, () => {
        removeSubscriber(replica, subscriber);
        onClosed?.();
      });
      // A reload may have come since the token was verified.
      if (isClosed || isAllowed?.() === false) closeLater(subscriber);
    },
    count: () => permissions.size,
    closeForbidden() {
      for (const [subscriber, { isAllowed }] of permissions) if (isAllowed?.() === false) closeLater(subscriber);
    },
    close() {
      isClosed = true;
      clearInterval(timer);
      for (const group of groups.values()) {
        for (const subscriber of group.subscribers()) closeLater(subscriber);
      }
    },
  };
}

/** Creates the formatter of a snapshot of some users. */
function formatOwn(replica: Replica, userIds: ReadonlySet<number>, clock: Clock) {
  return (onFormatted: (agents: number) => void) => {
    onFormatted(userIds.size);
    return formatSnapshot(replica, userIds, clock.monotonicMs());
  };
}

function rethrow(error: unknown): never {
  throw error;
}

/** Subscribers of a replica. */
interface SubscriberGroup {
  /** The snapshot of all users. */
  readonly snapshot: SharedSnapshot;
  /** Texts of the changes that returning subscribers have missed. */
  readonly changeTexts: ChangeTexts;
  subscribers(): Iterable<StreamSubscriber>;
  isEmpty(): boolean;
  /** Adds a subscriber to the changes of these users, or of all. */
  add(subscriber: StreamSubscriber, userIds: ReadonlySet<number> | undefined): void;
  remove(subscriber: StreamSubscriber): void;
  close(): void;
}

interface GroupOptions extends Pick<SharedSnapshotOptions, "replica" | "takeTurn"> {
  readonly clock: Clock;
  readonly observer: StreamObserver | undefined;
}

function openGroup({ replica, clock, observer, takeTurn }: GroupOptions): SubscriberGroup {
  /** Subscribers with the users whose changes they get; `undefined` for all users. */
  const subscribers = new Map<StreamSubscriber, ReadonlySet<number> | undefined>();
  const toAll = new Set<StreamSubscriber>();
  const toUser = new Map<number, Set<StreamSubscriber>>();
  const snapshot = createSharedSnapshot({ replica, nowMs: clock.monotonicMs, takeTurn });

  function send(change: Change): void {
    const toThisUser = toUser.get(toUserId(change));
    if (toAll.size === 0 && !toThisUser) return;
    const receivedAtMs = clock.monotonicMs();
    const text = createSharedText(formatChange(change, receivedAtMs));
    for (const subscriber of toAll) subscriber.send(text, change.cursor);
    if (toThisUser) for (const subscriber of toThisUser) subscriber.send(text, change.cursor);
    observer?.onFanOut(clock.monotonicMs() - receivedAtMs);
  }

  const close = replica.listen({
    onChange: send,
    onReset() {
      snapshot.clear();
      const perBatch = Math.max(MIN_RESET_BATCH, Math.ceil((subscribers.size * RESET_BATCH_MS) / RESET_SPREAD_MS));
      let index = 0;
      for (const subscriber of subscribers.keys()) {
        subscriber.reset(Math.floor(index / perBatch) * RESET_BATCH_MS);
        index += 1;
      }
    },
    onCurrent() {
      for (const subscriber of subscribers.keys()) subscriber.confirm();
    },
  });
  return {
    snapshot,
    changeTexts: createChangeTexts(clock.monotonicMs),
    subscribers: () => subscribers.keys(),
    isEmpty: () => subscribers.size === 0,
    add(subscriber, userIds) {
      subscribers.set(subscriber, userIds);
      if (!userIds) toAll.add(subscriber);
      for (const userId of userIds ?? []) {
        const ofUser = toUser.get(userId) ?? new Set();
        toUser.set(userId, ofUser.add(subscriber));
      }
    },
    remove(subscriber) {
      for (const userId of subscribers.get(subscriber) ?? []) {
        const ofUser = toUser.get(userId);
        ofUser?.delete(subscriber);
        if (ofUser?.size === 0) toUser.delete(userId);
      }
      toAll.delete(subscriber);
      subscribers.delete(subscriber);
    },
    close,
  };
}
