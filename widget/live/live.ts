/**
 * The live part of the widget: subscribes to the agents watched by the page, and announces changes. The live part is a
 * separate file, so a page without subscriptions never loads it. The widget's document passes in the shared parts.
 */

import type { Availability, UserError, WatchedAvailabilities } from "../../shared/contracts/availability.ts";
import type { AnnouncedPayloadOf } from "../../shared/contracts/contract.ts";
import type { Announcements } from "../../shared/contracts/index.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { SubtractElapsed } from "../gateway/elapsed-time.ts";
import type { AvailabilityCache } from "../gateway/gateway-client.ts";
import type { ChangeFeed, FeedEvent, OpenFeed } from "./change-feed.ts";
import { createFreshnessMonitor } from "./freshness-monitor.ts";
import { createLiveStore } from "./live-store.ts";
import { createBackoff } from "./stream/backoff.ts";
import { createWatchWarnings } from "./watch-warnings.ts";
import { createWrapUpTimers } from "./wrap-up-timers.ts";

/** The page's subscription, and the widget's own panel beside it. */
export interface Subscription {
  /** True if the page subscribes to every agent visible to the token. */
  readonly allUsers: boolean;
  readonly userIds: ReadonlySet<number>;
  /** The widget's panel, which follows all agents visible to the token. The page receives no news of agents of the panel alone. @default no panel */
  readonly observer?: TeamObserver | undefined;
}

type LiveState = "live" | "stale";

/** Receives the availabilities of all agents from the live part. */
export interface TeamObserver {
  /** The feed opens with a token of `subject`. After a change of the subject all earlier availabilities are invalid. */
  onSession(subject: string | undefined): void;
  /** An agent's latest availability, with the remaining wrap-up time. May come more than once. */
  onAvailability(availability: Availability): void;
  /** The agent is gone, or the gateway cannot read the availability at present. */
  onRemoval(userId: number, isUnreadable: boolean): void;
  /** The snapshot is complete: every agent has been reported. */
  onCurrent(): void;
  /** Changes no longer come, or come again. `ageMs` is the age of the latest sign of life, in milliseconds. */
  onState(state: LiveState, ageMs: number): void;
  /** The gateway rejects the page's tokens. All earlier availabilities are invalid. */
  onSessionEnded(): void;
}

export interface LiveOptions {
  /** Opens the feed of a page that follows agents, with the page's current token. */
  readonly openFeed: OpenFeed;
  /**
   * Opens the feed while only the panel follows agents. Must not keep Chromium from replacing a hung widget: no shared worker, no listener to `pagehide` or `visibilitychange`. The first watch of the page switches to `openFeed`.
   *
   * @default openFeed
   */
  readonly openPanelFeed?: OpenFeed;
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
   * Asks the page for a new token after the gateway rejected the current token, and resolves after the answer. `onTokenChanged` is
   * called before if the page gives another one.
   */
  readonly requestToken: () => Promise<void>;
  /** True while the page is visible. A hidden page is asked for a token when `checkConnection` is called. */
  readonly isVisible: () => boolean;
  readonly schedule: TimerQueue["schedule"];
  readonly subtractElapsed: SubtractElapsed;
  /** Fetches an agent again when the wrap-up time has expired. The response goes to `cache`. */
  readonly refetchUser: (userId: number) => void;
}

/** The live part of the widget. */
export interface Live {
  /**
   * Replaces the subscription. An empty subscription closes the feed.
   *
   * @param ageMs age of the page's oldest availabilities, in milliseconds, if this subscription opens the first feed. @default 0
   */
  setSubscription(subscription: Subscription, ageMs?: number): void;
  /** Returns the given users without a stored availability. The caller has to fetch them. */
  withoutData(userIds: Iterable<number>): readonly number[];
  /**
   * Merges availabilities fetched `ageMs` milliseconds ago into the store, and returns the newest availability of each
   * user, or the user's error. For users newly watched by the page, the response replaces the first announcement. Returns
   * `undefined`, and stores nothing, for users of an ended session.
   */
  mergeForResponse(
    userIds: readonly number[],
    read: WatchedAvailabilities,
    ageMs: number,
  ): WatchedAvailabilities | undefined;
  /** Announces the stored availabilities of users after their watch request has failed with this error. */
  announceAfterFailure(userIds: Iterable<number>, error: unknown): void;
  /** Closes the feed and clears the store until `onTokenChanged` or `resumeSession`, because the gateway rejects the page's tokens. */
  endSession(): void;
  /** Opens the feed again if the session had ended: the gateway has accepted a token, maybe the same one. */
  resumeSession(): void;
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

const NO_SUBSCRIPTION: Subscription = { allUsers: false, userIds: new Set() };

/** Creates a live part without a subscription. */
export function createLive(options: LiveOptions): Live {
  const { openFeed, openPanelFeed = openFeed, announce, identify, requestToken, isVisible } = options;
  const { schedule, subtractElapsed, refetchUser } = options;
  const store = createLiveStore({ wrapUpTimers: createWrapUpTimers(schedule, refetchUser), subtractElapsed });
  const warnings = createWatchWarnings();
  /** The latest state of announcements, for a panel or a page that comes later. */
  let liveState: LiveState = "live";
  /** The state known to the page; `undefined` if the next page may have a different state. */
  let knownState: LiveState | undefined = "live";
  /** Time of the latest sign of life when the state changed, on the monotonic clock. */
  let lastHeardAt = 0;
  const freshness = createFreshnessMonitor({
    schedule,
    onChange(state, ageMs) {
      liveState = state;
      lastHeardAt = performance.now() - ageMs;
      announceState();
      subscription.observer?.onState(state, ageMs);
      // The machine may have slept, and the feed sends an agent whose wrap-up time alone has passed no more.
      if (state === "live") for (const userId of store.distrustWrapUpTimes()) refetchUser(userId);
    },
    onSleep: () => feed?.checkConnection(true),
  });
  let subscription = NO_SUBSCRIPTION;
  /** True once the page has followed agents. */
  let hasPageFollowed = false;
  let feed: ChangeFeed | undefined;
  /** Incremented when a feed is closed, so that a pending `open` can detect the cancellation. */
  let generation = 0;
  /** True while a feed is open or being opened. */
  let isOpen = false;
  /** The subject of the token when the last feed was opened, or of a later token without a subscription; null before both. */
  let subject: string | undefined | null = null;
  /** True after the gateway rejected the page's tokens, until the page gives a new token or the gateway accepts the old one. */
  let hasEnded = false;
  /** True after the end of a session, until the next session's agents are complete. */
  let mustAnnounceSession = false;
  let cancelTokenRequest = (): void => {};
  // At least half of each delay passes, because each request is a call of the page's own backend.
  const tokenBackoff = createBackoff(() => 1 - Math.random() / 2);
  /** Newly watched users. The response to the page's request will carry their availability. */
  const pendingUsers = new Set<number>();
  /** Users named by the current snapshot, watched or not; `undefined` outside a snapshot. */
  let namedUsers: Set<number> | undefined;
  /** Versions that the page received with another subject's token. The store has dropped these users; the end of the next snapshot drops the versions. */
  const formerVersions = new Map<number, number>();
  /**
   * Watched users that are missing from the last snapshot and from every event since. They stay when the page no longer watches them: a
   * read from before the snapshot may still come when it watches them again, for which the feed may send no other snapshot.
   */
  const absentUsers = new Set<number>();
  /** True between the end of a snapshot and the next `reset`: a heartbeat in a snapshot does not prove that it is complete. */
  let isComplete = false;

  /** Announces the state of announcements if the page follows agents, and has a different state. */
  function announceState(): void {
    if (!isPageFollowing() || knownState === liveState) return;
    knownState = liveState;
    announce("LIVE.STATE_CHANGED", { state: liveState, ageMs: Math.round(performance.now() - lastHeardAt) });
  }

  function isPageFollowing(): boolean {
    return subscription.allUsers || subscription.userIds.size > 0;
  }

  /** True if the page wants the user. */
  function isSubscribed(userId: number): boolean {
    return subscription.allUsers || subscription.userIds.has(userId);
  }

  /** True if the feed has every user, for the page or for the panel. */
  function followsAll(): boolean {
    return subscription.allUsers || subscription.observer !== undefined;
  }

  function isFollowed(userId: number): boolean {
    return followsAll() || subscription.userIds.has(userId);
  }

  function reportToObserver(userId: number): void {
    const { observer } = subscription;
    const stored = observer && store.get(userId);
    if (stored) observer.onAvailability(stored.availability);
  }

  function announceIfNewer(userId: number): void {
    reportToObserver(userId);
    const stored = isSubscribed(userId) ? store.get(userId) : undefined;
    if (!stored || stored.updatedAt === undefined || pendingUsers.has(userId)) return;
    const { availability, updatedAt } = stored;
    if (!store.markAnnounced(userId)) return;
    const type = String(userId) === subject ? "USER.AVAILABILITY_CHANGED" : "USER.TEAMMATE_AVAILABILITY_CHANGED";
    announce(type, { ...availability, updatedAt });
  }

  function onEvent(event: FeedEvent): void {
    switch (event.type) {
      case "availability": {
        const { availability, ageMs } = event;
        const { updatedAt, ...bare } = availability;
        namedUsers?.add(bare.userId);
        absentUsers.delete(bare.userId);
        if (!isFollowed(bare.userId)) return;
        store.merge(bare, ageMs, updatedAt);
        announceIfNewer(bare.userId);
        return;
      }
      case "removal":
        if (!isFollowed(event.userId)) return;
        formerVersions.delete(event.userId);
        store.remove(event.userId, event.version);
        announceRemoval(event.userId, event.version);
        return;
      case "unreadable":
        namedUsers?.add(event.userId);
        announceMissing(event.userId, true);
        return;
      case "reset":
        namedUsers = new Set();
        isComplete = false;
        // The snapshot may lack them because the page does not watch them.
        for (const userId of absentUsers) if (!isSubscribed(userId)) absentUsers.delete(userId);
        return;
      case "current":
        announceUnnamed();
        isComplete = true;
        subscription.observer?.onCurrent();
        return;
      case "heartbeat":
        if (!isComplete) return;
        freshness.recordHeartbeat(event.ageMs);
        announceNewSession(event.ageMs);
        return;
      case "stale":
        freshness.markStale();
        return;
      case "unauthorized":
        endSession();
    }
  }

  /** Announces that the page's tokens count again: a page that watches only unknown agents receives no other announcement. */
  function announceNewSession(ageMs: number): void {
    if (!mustAnnounceSession) return;
    mustAnnounceSession = false;
    tokenBackoff.reset();
    announce("LIVE.STATE_CHANGED", { state: "live", ageMs });
  }

  function announceRemoval(userId: number, version: number): void {
    if (store.get(userId)) return;
    subscription.observer?.onRemoval(userId, false);
    if (isSubscribed(userId) && store.markAnnounced(userId)) announce("USER.AVAILABILITY_REMOVED", { userId, version });
  }

  /** Ends a snapshot: every stored or watched user that it has not named is missing. */
  function announceUnnamed(): void {
    if (!namedUsers) return;
    for (const userId of new Set([...store.userIds(), ...subscription.userIds, ...formerVersions.keys()])) {
      if (!namedUsers.has(userId)) announceMissing(userId, false);
    }
    namedUsers = undefined;
    formerVersions.clear();
  }

  /**
   * Removes a user without an availability in a snapshot. The stored version can restore the user: it may be newer than the
   * snapshot. The page requests an unreadable user again: the answer has the gateway's error, or a new availability.
   */
  function announceMissing(userId: number, isUnreadable: boolean): void {
    if (isUnreadable) absentUsers.delete(userId);
    else absentUsers.add(userId);
    const formerVersion = formerVersions.get(userId);
    const version = store.markMissing(userId) ?? (formerVersion && formerVersion - 1);
    formerVersions.delete(userId);
    // The panel may have the user from the list, unknown to the store.
    if (!store.get(userId)) subscription.observer?.onRemoval(userId, isUnreadable);
    if (version === undefined || !isSubscribed(userId)) return;
    const removed = { userId, version: Math.max(0, version) };
    announce("USER.AVAILABILITY_REMOVED", isUnreadable ? { ...removed, isUnreadable } : removed);
  }

  /** True if the feed has said that there is no such user. A response that has one was fetched before. */
  function isAbsent(userId: number): boolean {
    return absentUsers.has(userId) || (followsAll() && isComplete && !store.get(userId));
  }

  /** Stores an availability fetched `ageMs` milliseconds ago. */
  function storeAvailability(availability: Availability, ageMs: number): void {
    const { userId } = availability;
    // No feed would follow an availability of an ended session.
    if (hasEnded || !isFollowed(userId) || isAbsent(userId)) return;
    store.merge(availability, ageMs);
    reportToObserver(userId);
  }

  function close(): void {
    generation += 1;
    isOpen = false;
    feed?.close();
    feed = undefined;
    isComplete = false;
    namedUsers = undefined;
    absentUsers.clear();
  }

  async function open(ageMs = 0): Promise<void> {
    const ownGeneration = generation;
    isOpen = true;
    freshness.start(ageMs);
    const current = await identify();
    if (ownGeneration !== generation) return;
    // Before the first feed, the page received responses for the same token: the store stays valid.
    // An agent's page must not receive another agent's data.
    if (subject !== null && current !== subject) {
      for (const userId of store.userIds()) formerVersions.set(userId, store.get(userId)?.availability.version ?? 0);
      store.clear();
    }
    subject = current;
    subscription.observer?.onSession(subject);
    feed = (hasPageFollowed ? openFeed : openPanelFeed)({ onEvent, userIds: followedUsers() });
  }

  function followedUsers(): ReadonlySet<number> | undefined {
    return followsAll() ? undefined : subscription.userIds;
  }

  function endSession(): void {
    // A later request must get the gateway's rejection instead of a stored availability. The page treats earlier
    // availabilities as outdated after the end of the session.
    store.clear();
    formerVersions.clear();
    mustAnnounceSession = true;
    freshness.reset();
    liveState = "live";
    knownState = "live";
    subscription.observer?.onSessionEnded();
    // The feed of the next subscription finds out whether the gateway accepts the page's token by then.
    if (isIdle()) return;
    hasEnded = true;
    close();
    scheduleTokenRequest();
  }

  /** Asks the page for another token again and again, because a function that failed may work again. */
  function scheduleTokenRequest(): void {
    cancelTokenRequest();
    cancelTokenRequest = schedule(tokenBackoff.nextDelayMs(), () => {
      if (hasEnded && isVisible()) requestTokenAgain();
    });
  }

  /** Without another token the gateway is asked with the same one: its clock or its keys may have been wrong. */
  function requestTokenAgain(): void {
    void requestToken().then(resumeSession);
    scheduleTokenRequest();
  }

  function resumeSession(): void {
    if (hasEnded) void onTokenChanged();
  }

  function isIdle(): boolean {
    return !isPageFollowing() && subscription.observer === undefined;
  }

  async function onTokenChanged(): Promise<void> {
    hasEnded = false;
    if (isIdle()) {
      // The store is empty: what it receives from now on belongs to the new subject.
      if (subject !== null) subject = await identify();
      return;
    }
    const ownGeneration = generation;
    // The feed may wait after a request that failed with the earlier token, or because the page gave none.
    if (feed && (await identify()) === subject) return feed?.retryNow();
    if (ownGeneration !== generation) return;
    close();
    void open();
  }

  return {
    setSubscription(next, ageMs) {
      for (const userId of next.userIds) if (!isSubscribed(userId)) pendingUsers.add(userId);
      // A panel needs the end of a snapshot, whoever follows all agents already.
      const addsAllUsers =
        (next.allUsers && !subscription.allUsers) ||
        (next.observer !== undefined && next.observer !== subscription.observer);
      if (next.observer !== subscription.observer && liveState === "stale") next.observer?.onState(liveState, 0);
      subscription = next;
      const leavesPanelFeed = isPageFollowing() && !hasPageFollowed && openPanelFeed !== openFeed;
      hasPageFollowed ||= isPageFollowing();
      for (const userId of pendingUsers) if (!next.userIds.has(userId)) pendingUsers.delete(userId);
      store.retain(isFollowed);
      for (const userId of formerVersions.keys()) if (!isSubscribed(userId)) formerVersions.delete(userId);
      // For a page with a later watch of the user, the first availability is news.
      if (next.observer) store.forgetAnnounced((userId) => !isSubscribed(userId));
      if (isIdle()) {
        close();
        freshness.stop();
        liveState = "live";
        if (knownState === "stale") knownState = undefined;
        // The next subscription may come from another page, with a valid token.
        hasEnded = false;
      } else if (hasEnded) return;
      else if (!isOpen) void open(ageMs);
      else if (addsAllUsers || leavesPanelFeed) {
        // The feed's events for other users were dropped, or the feed was the panel's own. A new feed begins with a snapshot.
        close();
        void open();
      } else feed?.follow(followedUsers());
      announceState();
    },
    withoutData: (userIds) => [...userIds].filter((userId) => store.get(userId) === undefined),
    mergeForResponse(userIds, read, ageMs) {
      if (hasEnded && userIds.length > 0) return undefined;
      const merged: Record<string, Availability | UserError> = {};
      for (const value of Object.values(read)) if (!("error" in value)) storeAvailability(value, ageMs);
      for (const userId of userIds) {
        pendingUsers.delete(userId);
        const fetched = read[userId];
        const stored = store.get(userId)?.availability;
        if (!fetched && !stored) warnings.warnOfUnknownAgent(userId);
        store.markAnnounced(userId);
        // A concurrent request has ended the watch of this user: return the fetched availability without storing it. An
        // availability of a watched user that is not stored is older than the user's removal.
        const value = stored ?? (isFollowed(userId) && fetched && !("error" in fetched) ? undefined : fetched);
        if (value) merged[userId] = value;
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
    onTokenChanged,
    resumeSession,
    checkConnection() {
      if (hasEnded) requestTokenAgain();
      else {
        freshness.check();
        feed?.checkConnection();
      }
    },
    cache: {
      get: store.getCached,
      merge(availability) {
        const { userId } = availability;
        storeAvailability(availability, 0);
        // The page does not have the stored version if this response has corrected its wrap-up time. The feed announces a newer one.
        announceIfNewer(userId);
        return store.get(userId)?.availability ?? availability;
      },
    },
  };
}
