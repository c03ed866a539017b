/**
 * What the page wants to hear of as it happens: the users that it watches, and the services whose announcements it has
 * started. All of it outlives the widget, which is told again when it has been loaded anew.
 */

import { type Envelope, isRejected, type Settlement } from "../../shared/protocol/envelope.ts";
import { toBusError } from "../../shared/protocol/errors.ts";
import type { AlarmClock } from "../../shared/runtime/alarm-clock.ts";
import type { RequestType, WatchedAvailability } from "../bus-types.ts";
import type { ConnectorState } from "../connector.ts";
import { callEach, type Unsubscribe } from "../listeners.ts";

/** Sends a request on the connector's own account. Where no widget is connected, one is sought. */
type Submit = (
  event: { readonly type: RequestType; readonly payload: unknown },
  options: { readonly signal: AbortSignal },
  onSettled?: (settlement: Settlement) => void,
) => void;

export interface Watches {
  watch(userId: number, listener: (availability: WatchedAvailability) => void): Unsubscribe;
  /**
   * Learns from what the widget announces, from what it fulfils, whoever asked, and from each request of the page's own that
   * was fulfilled.
   */
  learn(event: Envelope): void;
  /** Another widget has connected, which knows nothing, or has to be found, or the last one may have gone unnoticed. */
  renew(): void;
}

interface WatchedUser {
  /** Each hears a version once. */
  readonly listeners: Set<(availability: WatchedAvailability) => void>;
  /** The newest that was told of the user. */
  news?: WatchedAvailability;
  /** When that was learnt, on the monotonic clock. */
  learntAt?: number;
}

const WATCH = "API.WATCH_AVAILABILITIES";

/** In place of a set, where it is not certain which one the widget has. */
const UNSURE = "?";

/** Creates the watches of a connector: none. */
export function createWatches(clock: AlarmClock, state: () => ConnectorState, submit: Submit): Watches {
  const users = new Map<number, WatchedUser>();
  const services = new Set<unknown>();
  /** The users that the page has named by an event of its own. */
  let named: readonly number[] = [];
  /** The set that the widget was told last, or would not take; `undefined` where it knows nothing. */
  let told: string | undefined;
  let asking: AbortController | undefined;
  let cancelRetry: (() => void) | undefined;
  let isScheduled = false;
  /** Whether somebody is watched for the first time since the widget was asked: what was told of a user before is not kept. */
  let hasNew = false;

  /** Everything that happens in one task is told at once. */
  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      if (state() === "closed") return;
      for (const [userId, user] of users) {
        // Not as the last listener leaves: one that moves comes back at once, and wants what is known.
        if (!user.listeners.size) users.delete(userId);
        else tellListeners(user);
      }
      tellWidget();
    });
  }

  function tellWidget(): void {
    // What is under way is answered first, and then this is called again.
    if (asking && state() === "ready") return;
    // What no widget has seen yet is replaced.
    asking?.abort();
    asking = undefined;
    const userIds = toSet([...users.keys(), ...named]);
    const set = userIds.join();
    // No widget is sought to be told of nothing.
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
          // Half of the 20 s is left to chance, so that the pages of a backend that was down do not come back all at once. Where
          // the frame was taken out of the page, an alarm would keep alive what the page may have forgotten.
          if (retryable && code !== "CONNECTION_CLOSED")
            cancelRetry ??= clock.ringIn(20_000 * (1 - Math.random() / 2), renew);
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
    // Without a queue: whoever was told newer news meanwhile does not hear these any more.
    callEach(listeners, [
      {
        ...news,
        ...(left && { wrapUpTimeTtl: Math.max(0, Math.ceil(left - (performance.now() - learntAt) / 1_000)) }),
      },
    ]);
  }

  /** Takes what may be an availability. The widget may be newer than this code. */
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
    learn({ type, payload }) {
      // It is one availability, or a map of them.
      if (users.size && type.includes("AVAILABILIT")) [payload, ...Object.values(Object(payload))].forEach(offer);
      // What was fulfilled is what the contract says.
      const { services: listed, variables } = Object(payload);
      if (type === "BUS.INIT") {
        for (const service of listed) services.add(service);
        told ??= "";
      }
      // What was known was for a session that has ended: the next one is told everything anew.
      if (type === "AUTH.SESSION_EXPIRED") for (const [, user] of users) delete user.news;
      if (type === "BUS.DESTROY") for (const service of listed) services.delete(service);
      if (type === WATCH) {
        named = toSet(variables.userIds);
        // Which of two sets the widget heard last, nobody knows.
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
