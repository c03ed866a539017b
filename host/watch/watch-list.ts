import { type Envelope, isRejected, type Settlement } from "../../shared/protocol/envelope.ts";
import { toBusError } from "../../shared/protocol/errors.ts";
import { type TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { type ConnectorState } from "../connector.ts";
import { type Availability, type RequestType } from "../event-types.ts";
import { notifyEach, type Unsubscribe } from "../listeners.ts";
/**
 * List of the users that the page watches, and of the services that the page has started. The list outlives the widget:
 * the connector sends the list again after a reload.
 */

/** An availability as a listener of `watch` receives it. */
export type WatchedAvailability = Availability & {
  /** Time of the last change, in milliseconds since 1970. Absent if the widget has not sent the time. */
  readonly updatedAt?: number;
};

/** Sends a request of the connector's own. If no widget is connected, the connector looks for one. */
type SendRequest = (
  event: { readonly type: RequestType; readonly payload: unknown },
  options: { readonly signal: AbortSignal },
  onSettled?: (settlement: Settlement) => void,
) => void;

export interface WatchList {
  /** Subscribes a listener to one user's availability. @throws {TypeError} for a bad user id. */
  watch(userId: number, listener: (availability: WatchedAvailability) => void): Unsubscribe;
  /**
   * Handles an announcement, a fulfilled settlement, or a request of the page that was fulfilled. `carriesAvailabilities` is
   * true if the payload is an availability, or holds availabilities by user id.
   */
  handleEvent(event: Envelope, carriesAvailabilities: boolean): void;
  /**
   * Sends the watch list again: after a reconnect, or when the page becomes visible and the widget may have crashed unnoticed.
   * The request also starts the heartbeat.
   */
  resubscribe(): void;
}

interface WatchedUser {
  /** Listeners; each receives a version once. */
  readonly listeners: Set<(availability: WatchedAvailability) => void>;
  /** Latest availability of the user. */
  latest?: WatchedAvailability;
  /** Time of receiving the latest availability, on the monotonic clock. */
  receivedAt?: number;
}

const WATCH = "API.WATCH_AVAILABILITIES";

/** Value of `told` if two requests overlapped and the widget may have either list. */
const UNKNOWN_KEY = "?";

/** Creates an empty watch list for a connector. */
export function createWatchList(clock: TimerQueue, state: () => ConnectorState, sendRequest: SendRequest): WatchList {
  const users = new Map<number, WatchedUser>();
  const services = new Set<unknown>();
  /** Users that the page has listed by dispatching `API.WATCH_AVAILABILITIES` directly. */
  let pageUserIds: readonly number[] = [];
  /** List that the widget has received or rejected last, as text; `undefined` for a new widget. */
  let sentKey: string | undefined;
  let pendingSync: AbortController | undefined;
  let cancelRetry: (() => void) | undefined;
  let isScheduled = false;
  /** True if a user has joined the list since the last request: the page needs that user's availability. */
  let hasNewUsers = false;

  /** Batches all changes of one task into one request. */
  function scheduleSync(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      if (state() === "closed") return;
      for (const [userId, user] of users) {
        // Not in `unsubscribe` itself: a moved badge subscribes again in the same task and needs the latest availability.
        if (!user.listeners.size) users.delete(userId);
        else notifyListeners(user);
      }
      syncWidget();
    });
  }

  function syncWidget(): void {
    // One request at a time: its settlement calls this function again.
    if (pendingSync && state() === "ready") return;
    // A request that still waits for a widget is replaced.
    pendingSync?.abort();
    pendingSync = undefined;
    const userIds = toSortedIds([...users.keys(), ...pageUserIds]);
    const key = userIds.join();
    // An empty list alone is no reason to look for a widget.
    if (key || services.size ? key === sentKey && !hasNewUsers : !sentKey) return;
    hasNewUsers = false;
    const controller = new AbortController();
    pendingSync = controller;
    function sendUpdate(type: RequestType, payload: unknown, onSettled = (): void => {}): void {
      const event = { type, payload };
      sendRequest(event, controller, (settlement) => {
        if (controller.signal.aborted) return;
        if (isRejected(settlement)) {
          const { code, retryable } = toBusError(event, settlement);
          // Random between 10 s and 20 s, so that all pages do not return at once after an outage. After the removal of the
          // iframe there is no retry: a timer would keep an unused connector in memory.
          if (retryable && code !== "CONNECTION_CLOSED")
            cancelRetry ??= clock.schedule(20_000 * (1 - Math.random() / 2), resubscribe);
        }
        onSettled();
      });
    }

    if (sentKey === undefined && services.size) sendUpdate("BUS.INIT", { services: [...services] });
    sendUpdate(WATCH, { variables: { userIds } }, () => {
      pendingSync = undefined;
      sentKey = key;
      syncWidget();
    });
  }

  function resubscribe(): void {
    cancelRetry?.();
    cancelRetry = undefined;
    sentKey = undefined;
    scheduleSync();
  }

  function notifyListeners({ listeners, latest, receivedAt = 0 }: WatchedUser): void {
    if (!latest) return;
    const { wrapUpTimeTtl: remainingSeconds } = latest;
    // No queue: a listener that has received a newer version meanwhile skips this one.
    notifyEach(listeners, [
      {
        ...latest,
        ...(remainingSeconds && {
          wrapUpTimeTtl: Math.max(0, Math.ceil(remainingSeconds - (performance.now() - receivedAt) / 1_000)),
        }),
      },
    ]);
  }

  /** Applies a value if it is a newer availability of a watched user. The value is unchecked: the widget may be newer than this code. */
  function applyAvailability(value: unknown): void {
    const { userId, version } = Object(value);
    const user = users.get(userId);
    if (!user || !(version > (user.latest?.version ?? -1))) return;
    user.latest = value as WatchedAvailability;
    user.receivedAt = performance.now();
    notifyListeners(user);
  }

  return {
    resubscribe,
    watch(userId, listener) {
      if (!Number.isSafeInteger(userId) || userId < 1) {
        throw new TypeError("userId: expected a whole number from 1");
      }
      const user = users.get(userId) ?? { listeners: new Set() };
      hasNewUsers ||= !users.has(userId);
      users.set(userId, user);
      let lastVersion = -1;
      const notify = (availability: WatchedAvailability): void => {
        if (availability.version > lastVersion) {
          lastVersion = availability.version;
          listener(availability);
        }
      };
      user.listeners.add(notify);
      scheduleSync();
      return () => {
        user.listeners.delete(notify);
        scheduleSync();
      };
    },
    handleEvent({ type, payload }, carriesAvailabilities) {
      // The payload is one availability, or availabilities by user id.
      if (users.size && carriesAvailabilities) [payload, ...Object.values(Object(payload))].forEach(applyAvailability);
      // A request that the widget has fulfilled matches the contract.
      const { services: namedServices, variables } = Object(payload);
      if (type === "BUS.INIT") {
        for (const service of namedServices) services.add(service);
        sentKey ??= "";
      }
      // Availabilities of an expired session are dropped; the next session fetches all of them again.
      if (type === "AUTH.SESSION_EXPIRED") for (const [, user] of users) delete user.latest;
      if (type === "BUS.DESTROY") for (const service of namedServices) services.delete(service);
      if (type === WATCH) {
        pageUserIds = toSortedIds(variables.userIds);
        // The order of two overlapping lists in the widget is unknown.
        pendingSync?.abort();
        sentKey = pendingSync ? UNKNOWN_KEY : pageUserIds.join();
        pendingSync = undefined;
        scheduleSync();
      }
    },
  };
}

function toSortedIds(userIds: Iterable<number>): readonly number[] {
  return [...new Set(userIds)].sort((a, b) => a - b);
}
