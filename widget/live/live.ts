/**
 * The live part of the widget: subscribes to the agents watched by the page, and announces changes. The live part is a
 * separate file, so a page without subscriptions never loads it. The widget's document passes in the shared parts.
 */

import type { Availabilities, Availability } from "../../shared/contracts/availability.ts";
import type { AnnouncedPayloadOf } from "../../shared/contracts/contract.ts";
import type { Announcements } from "../../shared/contracts/index.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { AvailabilityCache } from "../gateway/gateway-client.ts";
import type { ChangeFeed, FeedEvent, OpenFeed } from "./change-feed.ts";
import { createFreshnessMonitor } from "./freshness-monitor.ts";
import { createLiveStore } from "./live-store.ts";
import { createWatchWarnings } from "./watch-warnings.ts";
import { createWrapUpTimers } from "./wrap-up-timers.ts";

/** The page's subscription. */
export interface Subscription {
  /** True if the page subscribes to every agent visible to the token. */
  readonly allUsers: boolean;
  readonly userIds: ReadonlySet<number>;
}

export interface LiveOptions {
  /** Opens the feed with the page's current token. */
  readonly openFeed: OpenFeed;
  /** Announces an event to the page. */
  readonly announce: <Type extends keyof Announcements>(
    type: Type,
    payload: AnnouncedPayloadOf<Announcements, Type>,
  ) => void;
  /**
   * Resolves with the subject of the page's token, once the page has replied: an agent's id, the operator, or
   * `undefined` without a token.
   */
  readonly identify: () => Promise<string | undefined>;
  /**
   * Asks the page for a new token after the gateway rejected the current token. `onTokenChanged` is called when the
   * page gives one.
   */
  readonly requestToken: () => unknown;
  readonly schedule: TimerQueue["schedule"];
  /** Fetches an agent again when the wrap-up time has expired. The response goes to `cache`. */
  readonly refetchUser: (userId: number) => void;
}

/** The live part of the widget. */
export interface Live {
  /** Replaces the subscription. An empty subscription closes the feed. */
  setSubscription(subscription: Subscription): void;
  /** Returns the given users without a stored availability. The caller has to fetch them. */
  withoutData(userIds: Iterable<number>): readonly number[];
  /**
   * Merges availabilities fetched `ageMs` milliseconds ago into the store, and returns the newest availability of each
   * user. For users newly watched by the page, the response replaces the first announcement.
   */
  mergeForResponse(userIds: Iterable<number>, read: Availabilities, ageMs: number): Availabilities;
  /** Announces the stored availabilities of users after their watch request has failed with this error. */
  announceAfterFailure(userIds: Iterable<number>, error: unknown): void;
  /** Closes the feed and clears the store until `onTokenChanged`, because the gateway rejects the page's tokens. */
  endSession(): void;
  /** Handles a new token of the page. Opens the feed again if the subject has changed or the session had ended. */
  onTokenChanged(): Promise<void>;
  /**
   * Checks the feed for missed events, for example after sleep. After the end of the session, asks the page for a
   * token: the agent may have signed in again.
   */
  checkConnection(): void;
  /** The stored availabilities of subscribed users. */
  readonly cache: AvailabilityCache;
}

/** Delay of the first token request after the end of a session, in milliseconds. Each further delay is twice as long. */
const FIRST_TOKEN_REQUEST_MS = 2_000;

/** Maximum delay between two token requests after the end of a session, in milliseconds. */
const MAX_TOKEN_REQUEST_MS = 60_000;

const NO_SUBSCRIPTION: Subscription = { allUsers: false, userIds: new Set() };

/** Creates a live part without a subscription. */
export function createLive(options: LiveOptions): Live {
  const { openFeed, announce, identify, requestToken, schedule, refetchUser } = options;
  const store = createLiveStore({ wrapUpTimers: createWrapUpTimers(schedule, refetchUser) });
  const warnings = createWatchWarnings();
  const freshness = createFreshnessMonitor({
    schedule,
    onChange: (state, ageMs) => announce("LIVE.STATE_CHANGED", { state, ageMs }),
  });
  /** The latest announced version of each user. */
  const announced = new Map<number, number>();
  let subscription = NO_SUBSCRIPTION;
  let feed: ChangeFeed | undefined;
  /** Incremented when a feed is closed, so that a pending `open` can detect the cancellation. */
  let generation = 0;
  let isOpening = false;
  /** The subject of the token when the last feed was opened; null before the first feed. */
  let subject: string | undefined | null = null;
  /** True after the gateway rejected the page's tokens, until the page gives a new token. */
  let hasEnded = false;
  let cancelTokenRequest = (): void => {};
  /** Newly watched users. The response to the page's request will carry their availability. */
  const pendingUsers = new Set<number>();
  /** Users named by the current snapshot, also those that nobody watches yet; `undefined` outside a snapshot. */
  let namedUsers: Set<number> | undefined;
  /** Watched users whom the last snapshot and every event since lack. */
  const absentUsers = new Set<number>();
  /** True between the end of a snapshot and the next `reset`: a heartbeat in a snapshot does not prove that it is complete. */
  let isComplete = false;

  function isSubscribed(userId: number): boolean {
    return subscription.allUsers || subscription.userIds.has(userId);
  }

  function announceIfNewer(userId: number): void {
    const stored = store.get(userId);
    if (!stored || stored.updatedAt === undefined || pendingUsers.has(userId)) return;
    const { availability, updatedAt } = stored;
    if (availability.version <= (announced.get(userId) ?? -1)) return;
    markAnnounced(userId, availability.version);
    const type = String(userId) === subject ? "USER.AVAILABILITY_CHANGED" : "USER.TEAMMATE_AVAILABILITY_CHANGED";
    announce(type, { ...availability, updatedAt });
  }

  function onEvent(event: FeedEvent): void {
    switch (event.type) {
      case "availability": {
        const { availability, ageMs } = event;
        const { updatedAt, ...bare } = availability;
        namedUsers?.add(bare.userId);
        if (!isSubscribed(bare.userId)) return;
        store.merge(bare, ageMs, updatedAt);
        absentUsers.delete(bare.userId);
        announceIfNewer(bare.userId);
        return;
      }
      case "removal":
        if (!isSubscribed(event.userId)) return;
        store.remove(event.userId, event.version);
        announceRemoval(event.userId, event.version);
        return;
      case "reset":
        namedUsers = new Set();
        isComplete = false;
        return;
      case "current":
        announceUnnamed();
        isComplete = true;
        return;
      case "heartbeat":
        if (isComplete) freshness.recordHeartbeat(event.ageMs);
        return;
      case "stale":
        freshness.markStale();
        return;
      case "unauthorized":
        endSession();
    }
  }

  function announceRemoval(userId: number, version: number): void {
    if (store.get(userId) || version <= (announced.get(userId) ?? -1)) return;
    // A pending fetch may still return the availability from before the removal.
    markAnnounced(userId, version);
    announce("USER.AVAILABILITY_REMOVED", { userId, version });
  }

  /** Ends a snapshot: every stored or watched user that it has not named is missing. */
  function announceUnnamed(): void {
    if (!namedUsers) return;
    for (const userId of new Set([...store.userIds(), ...subscription.userIds])) {
      if (!namedUsers.has(userId)) announceMissing(userId);
    }
    namedUsers = undefined;
  }

  /** Removes a user missing from a snapshot. The stored version can restore the user: it may be newer than the snapshot. */
  function announceMissing(userId: number): void {
    const stored = store.get(userId);
    absentUsers.add(userId);
    store.markMissing(userId);
    if (!stored) return;
    const version = Math.max(0, stored.availability.version - 1);
    announced.set(userId, version);
    announce("USER.AVAILABILITY_REMOVED", { userId, version });
  }

  function markAnnounced(userId: number, version: number): void {
    announced.set(userId, Math.max(version, announced.get(userId) ?? -1));
  }

  /** True if the feed has said that there is no such user. A response that has one was fetched before. */
  function isAbsent(userId: number): boolean {
    return absentUsers.has(userId) || (subscription.allUsers && isComplete && !store.get(userId));
  }

  /** Stores an availability fetched `ageMs` milliseconds ago. */
  function storeAvailability(availability: Availability, ageMs: number): void {
    const { userId, version } = availability;
    if (!isSubscribed(userId) || isAbsent(userId)) return;
    if (version >= (announced.get(userId) ?? 0)) store.merge(availability, ageMs);
  }

  function close(): void {
    generation += 1;
    isOpening = false;
    feed?.close();
    feed = undefined;
    isComplete = false;
    namedUsers = undefined;
    absentUsers.clear();
  }

  async function open(): Promise<void> {
    const ownGeneration = generation;
    isOpening = true;
    freshness.start();
    const current = await identify();
    if (ownGeneration !== generation) return;
    isOpening = false;
    // Before the first feed, the page received responses for the same token: the store stays valid.
    if (subject !== null && current !== subject) clearStore();
    subject = current;
    feed = openFeed({ onEvent });
  }

  /** Clears the store and the announced versions, because an agent's page must not receive another agent's data. */
  function clearStore(): void {
    store.clear();
    announced.clear();
  }

  function endSession(): void {
    hasEnded = true;
    close();
    freshness.stop();
    scheduleTokenRequest(FIRST_TOKEN_REQUEST_MS);
    // A later request must get the gateway's rejection instead of a stored availability. The page treats earlier
    // availabilities as outdated after the end of the session.
    clearStore();
  }

  /** Asks the page for another token again and again, because a function that failed may work again. */
  function scheduleTokenRequest(delayMs: number): void {
    cancelTokenRequest();
    cancelTokenRequest = schedule(delayMs, () => {
      if (!hasEnded || isIdle()) return;
      requestToken();
      scheduleTokenRequest(Math.min(MAX_TOKEN_REQUEST_MS, delayMs * 2));
    });
  }

  function isIdle(): boolean {
    return !subscription.allUsers && subscription.userIds.size === 0;
  }

  return {
    setSubscription(next) {
      for (const userId of next.userIds) if (!isSubscribed(userId)) pendingUsers.add(userId);
      const addsAllUsers = next.allUsers && !subscription.allUsers;
      subscription = next;
      for (const userId of pendingUsers) if (!next.userIds.has(userId)) pendingUsers.delete(userId);
      store.retain(isSubscribed);
      for (const userId of announced.keys()) if (!isSubscribed(userId)) announced.delete(userId);
      for (const userId of absentUsers) if (!isSubscribed(userId)) absentUsers.delete(userId);
      if (isIdle()) {
        close();
        freshness.stop();
        // The next subscription may come from another page, with a valid token.
        hasEnded = false;
      } else if (hasEnded) return;
      else if (!feed && !isOpening) void open();
      else if (addsAllUsers && feed) {
        // The feed's events for other users were dropped. A new feed begins with a snapshot.
        close();
        void open();
      }
    },
    withoutData: (userIds) => [...userIds].filter((userId) => store.get(userId) === undefined),
    mergeForResponse(userIds, read, ageMs) {
      const merged: Record<string, Availability> = {};
      for (const availability of Object.values(read)) storeAvailability(availability, ageMs);
      for (const userId of userIds) {
        pendingUsers.delete(userId);
        // A concurrent request has ended the watch of this user: return the fetched availability without storing it.
        const availability = isSubscribed(userId) ? store.get(userId)?.availability : read[userId];
        if (!availability) {
          // A read that is older than the removal of its user has an availability all the same.
          if (!read[userId]) warnings.warnOfUnknownAgent(userId);
          continue;
        }
        merged[userId] = availability;
        if (isSubscribed(userId)) markAnnounced(userId, availability.version);
      }
      return merged;
    },
    announceAfterFailure(userIds, error) {
      warnings.warnOfRejection(error);
      for (const userId of userIds) {
        pendingUsers.delete(userId);
        announceIfNewer(userId);
      }
    },
    endSession,
    async onTokenChanged() {
      hasEnded = false;
      // A feed that is being opened identifies the subject at the last moment.
      if (isOpening) return;
      if (isIdle()) {
        // The store is empty: what it receives from now on belongs to the new subject.
        if (subject !== null) subject = await identify();
        return;
      }
      const ownGeneration = generation;
      if (feed && (await identify()) === subject) return;
      if (ownGeneration !== generation) return;
      close();
      void open();
    },
    checkConnection() {
      if (hasEnded && !isIdle()) requestToken();
      else {
        freshness.check();
        feed?.checkConnection();
      }
    },
    cache: {
      get: store.getCached,
      merge(availability) {
        storeAvailability(availability, 0);
        return store.get(availability.userId)?.availability ?? availability;
      },
    },
  };
}
