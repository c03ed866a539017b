/** Subscriptions of the page. The live part of the widget is loaded with the first subscription. */
import { MAX_WATCHED, type WatchedAvailabilities } from "../../shared/contracts/availability.ts";
import type { Service } from "../../shared/contracts/bus.ts";
import { BridgeRejectionError, invalidRequestError } from "../../shared/protocol/rejection.ts";
import { createTimerQueue, type TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { unauthorizedError } from "../gateway/api-client.ts";
import type { CallOptions, GatewayClient } from "../gateway/gateway-client.ts";
import type { Live, Subscription, TeamObserver } from "./live.ts";

/** Change of the users watched by a page. */
export interface WatchedUsersChange {
  readonly added: readonly number[];
  readonly removed: readonly number[];
}

/** The announcements requested by a page. */
export interface LiveService {
  /**
   * Starts the announcements of services.
   *
   * @throws {BridgeRejectionError} `BACKEND_UNREACHABLE` if the live part cannot be loaded.
   */
  init(services: readonly Service[]): Promise<void>;
  /** Stops the announcements of services. */
  destroy(services: readonly Service[]): void;
  /**
   * Announces the changes of these users from now on, and replaces the users watched before.
   *
   * @returns the users' availabilities, and the errors of users that the gateway cannot read. @throws the errors of `init` and `GatewayClient.fetchAvailabilities`.
   */
  watch(userIds: readonly number[], options: CallOptions): Promise<WatchedAvailabilities>;
  /**
   * Adds users to those watched, and removes others.
   *
   * @returns the availabilities of the added users. @throws the errors of `watch`. @throws {BridgeRejectionError}
   * `INVALID_REQUEST` for too many users.
   */
  changeWatched(change: WatchedUsersChange, options: CallOptions): Promise<WatchedAvailabilities>;
  /**
   * Reports every agent to the widget's panel, until `reset`.
   *
   * @throws {BridgeRejectionError} `BACKEND_UNREACHABLE` if the live part cannot be loaded. It is loaded again later.
   */
  observe(observer: TeamObserver): Promise<unknown>;
  /** Checks the feed for missed events at once. After the end of the session, asks the page for a token. */
  checkConnection(): void;
  /** Handles the gateway's rejection of the page's tokens. */
  endSession(): void;
  /** Handles the gateway's acceptance of a token, maybe of the same one after the end of the session. */
  resumeSession(): void;
  /** Handles a new token of the page. */
  onTokenChanged(): void;
  /** Clears the subscription after the page has gone. */
  reset(): void;
}

export interface LiveServiceOptions {
  readonly gateway: GatewayClient;
  /** Loads the live part of the widget. */
  readonly load: () => Promise<Live>;
  /** @default a timer queue of its own */
  readonly schedule?: TimerQueue["schedule"];
  /** Receives the error if loading fails. */
  readonly onDefect: (error: unknown) => void;
  /** Loads the widget's document again, because it may name a file that a deployment has removed. The page connects anew. */
  readonly reloadDocument: () => void;
}

/** Timeout of loading the live part, in milliseconds. The network may have lost the request. */
const LOAD_TIMEOUT_MS = 10_000;

/** Failures in a row after which the document is loaded again. */
const MAX_LOAD_FAILURES = 2;

/**
 * Longest delay after a failure, in milliseconds; at least half of it passes. The connector waits as long before it repeats a watch, but
 * does not repeat a watch that the gateway has rejected finally.
 */
const LOAD_RETRY_MS = 8_000;

/** Creates a service for a page without a subscription. */
export function createLiveService(options: LiveServiceOptions): LiveService {
  const { gateway, load, schedule = createTimerQueue().schedule, onDefect, reloadDocument } = options;
  let allUsers = false;
  let userIds: ReadonlySet<number> = new Set();
  let observer: TeamObserver | undefined;
  let live: Live | undefined;
  let loading: Promise<Live> | undefined;
  let loadFailures = 0;
  let pendingWatches = 0;
  /** Time of the first subscription that waits for the live part, on the monotonic clock. What it follows has been fetched since. */
  let subscribedAt: number | undefined;
  let cancelRetry = (): void => {};
  /** End of the session before the live part was loaded. After `an earlier end` the gateway may accept the page's token. */
  let missed: "nothing" | "the end" | "an earlier end" = "nothing";
  /** Users of rejected requests, whom the live part has to announce once loaded. */
  const unanswered = new Set<number>();

  function subscription(): Subscription {
    return { allUsers, userIds, observer };
  }

  function hasSubscription(): boolean {
    return allUsers || userIds.size > 0 || !!observer;
  }

  async function loadLive(): Promise<Live> {
    cancelRetry();
    try {
      const loaded = await withTimeout(load(), schedule);
      live = loaded;
      gateway.useCache(loaded.cache);
      // Before the subscription the end closes no feed, but has the next session announced.
      if (missed === "an earlier end") loaded.endSession();
      const now = performance.now();
      loaded.setSubscription(subscription(), now - (subscribedAt ?? now));
      if (missed === "the end") loaded.endSession();
      if (unanswered.size > 0) loaded.announceAfterFailure([...unanswered], undefined);
      unanswered.clear();
      return loaded;
    } catch (error) {
      onDefect(error);
      loading = undefined;
      loadFailures += 1;
      if (loadFailures >= MAX_LOAD_FAILURES) reloadDocument();
      retryLater();
      throw new BridgeRejectionError("BACKEND_UNREACHABLE", "The widget's live part could not be loaded");
    }
  }

  /**
   * Loads the live part later for a page that may send no other request. Not while a watch is pending: the failure may load the document
   * again, and the page would send the watch anew, with its whole timeout.
   */
  function retryLater(): void {
    if (loading || pendingWatches > 0 || !hasSubscription()) return;
    cancelRetry = schedule(LOAD_RETRY_MS * (1 - Math.random() / 2), updateSubscription);
  }

  /** Applies the subscription, as soon as the live part is loaded. */
  function updateSubscription(): void {
    if (live) live.setSubscription(subscription());
    else if (hasSubscription()) {
      subscribedAt ??= performance.now();
      loading ??= loadLive();
      // The caller awaits `loading` and gets the error.
      loading.catch(() => {});
    } else {
      subscribedAt = undefined;
      cancelRetry();
      // The next subscription may come from another page, with a valid token.
      forgetEnd();
    }
  }

  function forgetEnd(): void {
    if (missed === "the end") missed = "an earlier end";
  }

  async function fetchWatched(ids: readonly number[], options: CallOptions): Promise<WatchedAvailabilities> {
    const missingUserIds = live ? live.withoutData(new Set(ids)) : [...new Set(ids)];
    // The variable is reset if loading fails, which may be before the fetch has ended.
    const liveLoading = loading;
    // Fetch the users while the live part is loading.
    const fetched = missingUserIds.length > 0 ? await gateway.fetchAvailabilities(missingUserIds, options) : {};
    const fetchedAt = performance.now();
    const loadedLive = live ?? (await liveLoading);
    // The request was aborted: the page has received no availability.
    options.signal.throwIfAborted();
    if (!loadedLive) return fetched;
    const merged = loadedLive.mergeForResponse(ids, fetched, performance.now() - fetchedAt);
    if (!merged) throw unauthorizedError();
    return merged;
  }

  /** Replaces the watched users, and returns the availabilities of some of them. */
  async function watchUsers(
    watched: ReadonlySet<number>,
    ids: readonly number[],
    options: CallOptions,
  ): Promise<WatchedAvailabilities> {
    userIds = watched;
    pendingWatches += 1;
    updateSubscription();
    try {
      return await fetchWatched(ids, options);
    } catch (error) {
      // The subscription stays in force. Announce the stored availabilities instead, also if the live part is still
      // loading.
      const deferAnnouncement = (): void => {
        for (const userId of ids) unanswered.add(userId);
      };
      if (loading) loading.then(({ announceAfterFailure }) => announceAfterFailure(ids, error), deferAnnouncement);
      else deferAnnouncement();
      throw error;
    } finally {
      pendingWatches -= 1;
      retryLater();
    }
  }

  return {
    async init(services) {
      allUsers ||= services.includes("USER");
      updateSubscription();
      await loading;
    },
    destroy(services) {
      if (services.includes("USER")) allUsers = false;
      updateSubscription();
    },
    watch: (ids, options) => watchUsers(new Set(ids), ids, options),
    async changeWatched({ added, removed }, options) {
      const watched = new Set(userIds);
      for (const userId of removed) watched.delete(userId);
      for (const userId of added) watched.add(userId);
      if (watched.size > MAX_WATCHED) {
        throw invalidRequestError("payload.variables.added", `up to ${MAX_WATCHED} watched user ids`);
      }
      return watchUsers(watched, added, options);
    },
    async observe(next) {
      observer = next;
      updateSubscription();
      await loading;
    },
    checkConnection: () => live?.checkConnection(),
    endSession() {
      if (live) live.endSession();
      else missed = hasSubscription() ? "the end" : "an earlier end";
    },
    resumeSession() {
      if (live) live.resumeSession();
      else forgetEnd();
    },
    onTokenChanged() {
      if (live) void live.onTokenChanged();
      else forgetEnd();
    },
    reset() {
      allUsers = false;
      userIds = new Set();
      observer = undefined;
      unanswered.clear();
      updateSubscription();
      missed = "nothing";
    },
  };
}

/** Rejects if the live part does not arrive in time. A part that arrives later is used by the next attempt. */
async function withTimeout(loading: Promise<Live>, schedule: TimerQueue["schedule"]): Promise<Live> {
  let cancelTimer = (): void => {};
  const timedOut = new Promise<never>((_resolve, reject) => {
    const error = new Error(`The live part of the widget did not arrive within ${LOAD_TIMEOUT_MS} ms`);
    cancelTimer = schedule(LOAD_TIMEOUT_MS, () => reject(error));
  });
  try {
    return await Promise.race([loading, timedOut]);
  } finally {
    cancelTimer();
  }
}
