/**
 * List of the users that the page watches, and of the services that the page has started. The list outlives the widget:
 * the connector sends the list again after a reload.
 */
import { type Envelope, isRejected, type Settlement } from "../../shared/protocol/envelope.ts";
import { toBusError } from "../../shared/protocol/errors.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { ConnectorState } from "../connector.ts";
import type { RequestType, WatchedAvailability } from "../event-types.ts";
import { notifyEach, type Unsubscribe } from "../listeners.ts";

/** Sends a request of the connector itself. Starts to connect if no widget is connected. */
type SendRequest = (
  event: { readonly type: RequestType; readonly payload: unknown },
  options: { readonly signal: AbortSignal },
  onSettled?: (settlement: Settlement) => void,
) => void;

export interface WatchList {
  /** Subscribes a listener to a user's availability. @throws {TypeError} for a bad user id. */
  watch(userId: number, listener: (availability: WatchedAvailability) => void): Unsubscribe;
  /**
   * Handles an announcement, a fulfilled settlement, or a fulfilled request of the page. `carriesAvailabilities` is true if
   * the payload is an availability, or an object of availabilities by user id.
   */
  handleEvent(event: Envelope, carriesAvailabilities: boolean): void;
  /** True while the page watches a user or has started a service. */
  isActive(): boolean;
  /**
   * Sends the watch list again: after a reconnect, or when the page becomes visible and the widget may have crashed unnoticed.
   * The request also starts the heartbeat.
   */
  resubscribe(): void;
}

interface WatchedUser {
  /** Listeners; a listener receives a version once. */
  readonly listeners: Set<(availability: WatchedAvailability) => void>;
  /** Latest availability of the user. */
  latest?: WatchedAvailability;
  /** Time of receiving the latest availability, on the monotonic clock. */
  receivedAt?: number;
}

const WATCH = "API.WATCH_AVAILABILITIES";

/** Value of `sentKey` if two requests overlapped and the widget may have either list. */
const UNKNOWN_KEY = "?";

/** Creates an empty watch list for a connector. */
export function createWatchList(clock: TimerQueue, state: () => ConnectorState, sendRequest: SendRequest): WatchList {
  const users = new Map<number, WatchedUser>();
  const services = new Set<unknown>();
  /** Users that the page has listed by dispatching `API.WATCH_AVAILABILITIES` directly. */
  let pageUserIds: readonly number[] = [];
  /** Latest list that the widget has received or rejected, as text; `undefined` for a new widget. */
  let sentKey: string | undefined;
  let pendingSync: AbortController | undefined;
  let cancelRetry: (() => void) | undefined;
  let isScheduled = false;
  /** True if a user has joined the list since the last request: the page needs the new user's availability. */
  let hasNewUsers = false;

  /** Batches all changes of a task into a single request. */
  function scheduleSync(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      if (state() === "closed") return;
      for (const [userId, user] of users) {
        // Not in `unsubscribe`: a moved badge subscribes again in the current task and needs the latest availability.
        if (!user.listeners.size) users.delete(userId);
        else notifyListeners(user);
      }
      syncWidget();
    });
  }

  function syncWidget(): void {
    // A single request at a time: the settlement calls `syncWidget` again.
    if (pendingSync && state() === "ready") return;
    // A queued request is replaced.
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
    // No queue: a listener skips a version that is older than the listener's latest.
    notifyEach(listeners, [
      {
        ...latest,
        ...(remainingSeconds && {
          wrapUpTimeTtl: Math.max(0, Math.ceil(remainingSeconds - (performance.now() - receivedAt) / 1_000)),
        }),
      },
    ]);
  }

  /** Applies a newer availability of a watched user. The value is not validated: the widget may be newer than the connector. */
  function applyAvailability(value: unknown): void {
    const { userId, version } = Object(value);
    const user = users.get(userId);
    if (!user || !(version > (user.latest?.version ?? -1))) return;
    user.latest = value as WatchedAvailability;
    user.receivedAt = performance.now();
    notifyListeners(user);
  }

  return {
    isActive: () => users.size + pageUserIds.length + services.size > 0,
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
      // The payload is an availability, or an object of availabilities by user id.
      if (users.size && carriesAvailabilities) [payload, ...Object.values(Object(payload))].forEach(applyAvailability);
      // A request that the widget has fulfilled matches the contract.
      const { services: namedServices, variables } = Object(payload);
      if (type === "BUS.INIT") {
        for (const service of namedServices) services.add(service);
        sentKey ??= "";
      }
      // Drops the availabilities of an expired session; the next session fetches every availability again.
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
