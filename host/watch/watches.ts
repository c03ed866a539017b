import { type Envelope, isRejected, type Settlement } from "../../shared/protocol/envelope.ts";
import { toBusError } from "../../shared/protocol/errors.ts";
import { type TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { type Availability, type RequestType } from "../bus-types.ts";
import { type ConnectorState } from "../connector.ts";
import { callEach, type Unsubscribe } from "../listeners.ts";
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
type Submit = (
  event: { readonly type: RequestType; readonly payload: unknown },
  options: { readonly signal: AbortSignal },
  onSettled?: (settlement: Settlement) => void,
) => void;

export interface Watches {
  /** Subscribes a listener to one user's availability. @throws {TypeError} for a bad user id. */
  watch(userId: number, listener: (availability: WatchedAvailability) => void): Unsubscribe;
  /**
   * Handles an announcement, a fulfilled settlement, or a request of the page that was fulfilled. `carriesAvailabilities` is
   * true if the payload is an availability, or holds availabilities by user id.
   */
  learn(event: Envelope, carriesAvailabilities: boolean): void;
  /**
   * Sends the watch list again: after a reconnect, or when the page becomes visible and the widget may have crashed unnoticed.
   * The request also starts the heartbeat.
   */
  renew(): void;
}

interface WatchedUser {
  /** Listeners; each receives a version once. */
  readonly listeners: Set<(availability: WatchedAvailability) => void>;
  /** Latest availability of the user. */
  news?: WatchedAvailability;
  /** Time of receiving the latest availability, on the monotonic clock. */
  learntAt?: number;
}

const WATCH = "API.WATCH_AVAILABILITIES";

/** Value of `told` if two requests overlapped and the widget may have either list. */
const UNSURE = "?";

/** Creates an empty watch list for a connector. */
export function createWatches(clock: TimerQueue, state: () => ConnectorState, submit: Submit): Watches {
  const users = new Map<number, WatchedUser>();
  const services = new Set<unknown>();
  /** Users that the page has listed by dispatching `API.WATCH_AVAILABILITIES` directly. */
  let named: readonly number[] = [];
  /** List that the widget has received or rejected last, as text; `undefined` for a new widget. */
  let told: string | undefined;
  let asking: AbortController | undefined;
  let cancelRetry: (() => void) | undefined;
  let isScheduled = false;
  /** True if a user has joined the list since the last request: the page needs that user's availability. */
  let hasNew = false;

  /** Batches all changes of one task into one request. */
  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      if (state() === "closed") return;
      for (const [userId, user] of users) {
        // Not in `unsubscribe` itself: a moved badge subscribes again in the same task and needs the latest availability.
        if (!user.listeners.size) users.delete(userId);
        else tellListeners(user);
      }
      tellWidget();
    });
  }

  function tellWidget(): void {
    // One request at a time: its settlement calls this function again.
    if (asking && state() === "ready") return;
    // A request that still waits for a widget is replaced.
    asking?.abort();
    asking = undefined;
    const userIds = toSet([...users.keys(), ...named]);
    const set = userIds.join();
    // An empty list alone is no reason to look for a widget.
    if (set || services.size ? set === told && !hasNew : !told) return;
    hasNew = false;
    const mine = new AbortController();
    asking = mine;
    function tell(type: RequestType, payload: unknown, onAnswered = (): void => {}): void {
      const event = { type, payload };
      submit(event, mine, (settlement) => {
        if (mine.signal.aborted) return;
        if (isRejected(settlement)) {
          const { code, retryable } = toBusError(event, settlement);
          // Random between 10 s and 20 s, so that all pages do not return at once after an outage. After the removal of the
          // iframe there is no retry: a timer would keep an unused connector in memory.
          if (retryable && code !== "CONNECTION_CLOSED")
            cancelRetry ??= clock.schedule(20_000 * (1 - Math.random() / 2), renew);
        }
        onAnswered();
      });
    }

    if (told === undefined && services.size) tell("BUS.INIT", { services: [...services] });
    tell(WATCH, { variables: { userIds } }, () => {
      asking = undefined;
      told = set;
      tellWidget();
    });
  }

  function renew(): void {
    cancelRetry?.();
    cancelRetry = undefined;
    told = undefined;
    schedule();
  }

  function tellListeners({ listeners, news, learntAt = 0 }: WatchedUser): void {
    if (!news) return;
    const { wrapUpTimeTtl: left } = news;
    // No queue: a listener that has received a newer version meanwhile skips this one.
    callEach(listeners, [
      {
        ...news,
        ...(left && { wrapUpTimeTtl: Math.max(0, Math.ceil(left - (performance.now() - learntAt) / 1_000)) }),
      },
    ]);
  }

  /** Applies a value if it is a newer availability of a watched user. The value is unchecked: the widget may be newer than this code. */
  function offer(given: unknown): void {
    const { userId, version } = Object(given);
    const user = users.get(userId);
    if (!user || !(version > (user.news?.version ?? -1))) return;
    user.news = given as WatchedAvailability;
    user.learntAt = performance.now();
    tellListeners(user);
  }

  return {
    renew,
    watch(userId, listener) {
      if (!Number.isSafeInteger(userId) || userId < 1) {
        throw new TypeError("userId: expected a whole number from 1");
      }
      const user = users.get(userId) ?? { listeners: new Set() };
      hasNew ||= !users.has(userId);
      users.set(userId, user);
      let seen = -1;
      const hear = (availability: WatchedAvailability): void => {
        if (availability.version > seen) {
          seen = availability.version;
          listener(availability);
        }
      };
      user.listeners.add(hear);
      schedule();
      return () => {
        user.listeners.delete(hear);
        schedule();
      };
    },
    learn({ type, payload }, carriesAvailabilities) {
      // The payload is one availability, or availabilities by user id.
      if (users.size && carriesAvailabilities) [payload, ...Object.values(Object(payload))].forEach(offer);
      // A request that the widget has fulfilled matches the contract.
      const { services: listed, variables } = Object(payload);
      if (type === "BUS.INIT") {
        for (const service of listed) services.add(service);
        told ??= "";
      }
      // Availabilities of an expired session are dropped; the next session fetches all of them again.
      if (type === "AUTH.SESSION_EXPIRED") for (const [, user] of users) delete user.news;
      if (type === "BUS.DESTROY") for (const service of listed) services.delete(service);
      if (type === WATCH) {
        named = toSet(variables.userIds);
        // The order of two overlapping lists in the widget is unknown.
        asking?.abort();
        told = asking ? UNSURE : named.join();
        asking = undefined;
        schedule();
      }
    },
  };
}

function toSet(userIds: Iterable<number>): readonly number[] {
  return [...new Set(userIds)].sort((a, b) => a - b);
}
