/** Subscriptions of the page. The live part of the widget is loaded with the first subscription. */
import { type Availabilities, MAX_WATCHED } from "../../shared/contracts/availability.ts";
import type { Service } from "../../shared/contracts/bus.ts";
import { BridgeRejectionError, invalidRequestError } from "../../shared/protocol/rejection.ts";
import type { CallOptions, GatewayClient } from "../gateway/gateway-client.ts";
import type { Live, Subscription } from "./live.ts";

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
   * @returns the users' availabilities. @throws the errors of `init` and `GatewayClient.fetchAvailabilities`.
   */
  watch(userIds: readonly number[], options: CallOptions): Promise<Availabilities>;
  /**
   * Adds users to those watched, and removes others.
   *
   * @returns the availabilities of the added users. @throws the errors of `watch`. @throws {BridgeRejectionError}
   * `INVALID_REQUEST` for too many users.
   */
  changeWatched(change: WatchedUsersChange, options: CallOptions): Promise<Availabilities>;
  /** Handles the gateway's rejection of the page's tokens. */
  endSession(): void;
  /** Handles a new token of the page. */
  onTokenChanged(): void;
  /** Clears the subscription after the page has gone. */
  reset(): void;
}

export interface LiveServiceOptions {
  readonly gateway: GatewayClient;
  /** Loads the live part of the widget. */
  readonly load: () => Promise<Live>;
  /** Receives the error if loading fails. */
  readonly onDefect: (error: unknown) => void;
  /** Loads the widget's document again, because it may name a file that a deployment has removed. The page connects anew. */
  readonly reloadDocument: () => void;
}

/** Timeout of loading the live part, in milliseconds. The network may have lost the request. */
const LOAD_TIMEOUT_MS = 10_000;

/** Failures in a row after which the document is loaded again. The page repeats its request after each, with a delay. */
const MAX_LOAD_FAILURES = 2;

/** Creates a service for a page without a subscription. */
export function createLiveService({ gateway, load, onDefect, reloadDocument }: LiveServiceOptions): LiveService {
  let allUsers = false;
  let userIds: ReadonlySet<number> = new Set();
  let live: Live | undefined;
  let loading: Promise<Live> | undefined;
  let loadFailures = 0;
  /** Users of rejected requests, whom the live part has to announce once loaded. */
  const unanswered = new Set<number>();

  function subscription(): Subscription {
    return { allUsers, userIds };
  }

  async function loadLive(): Promise<Live> {
    try {
      const loaded = await withTimeout(load());
      live = loaded;
      gateway.useCache(loaded.cache);
      loaded.setSubscription(subscription());
      if (unanswered.size > 0) loaded.announceAfterFailure([...unanswered], undefined);
      unanswered.clear();
      return loaded;
    } catch (error) {
      onDefect(error);
      loading = undefined;
      loadFailures += 1;
      if (loadFailures >= MAX_LOAD_FAILURES) reloadDocument();
      throw new BridgeRejectionError("BACKEND_UNREACHABLE", "The widget's live part could not be loaded");
    }
  }

  /** Applies the subscription, as soon as the live part is loaded. */
  function updateSubscription(): void {
    if (live) live.setSubscription(subscription());
    else if (allUsers || userIds.size > 0) {
      loading ??= loadLive();
      // The caller awaits `loading` and gets the error.
      loading.catch(() => {});
    }
  }

  async function fetchWatched(ids: readonly number[], options: CallOptions): Promise<Availabilities> {
    const missingUserIds = live ? live.withoutData(new Set(ids)) : [...new Set(ids)];
    // The variable is reset if loading fails, which may be before the fetch has ended.
    const liveLoading = loading;
    // Fetch the users while the live part is loading.
    const fetched = missingUserIds.length > 0 ? await gateway.fetchAvailabilities(missingUserIds, options) : {};
    const fetchedAt = performance.now();
    const loadedLive = live ?? (await liveLoading);
    // The request was aborted: the page has received no availability.
    options.signal.throwIfAborted();
    return loadedLive?.mergeForResponse(ids, fetched, performance.now() - fetchedAt) ?? fetched;
  }

  /** Replaces the watched users, and returns the availabilities of some of them. */
  async function watchUsers(
    watched: ReadonlySet<number>,
    ids: readonly number[],
    options: CallOptions,
  ): Promise<Availabilities> {
    userIds = watched;
    updateSubscription();
    try {
      return await fetchWatched(ids, options);
    } catch (error) {
      // The subscription stays in force. Announce the stored availabilities instead, also if the live part is still
      // loading.
      if (loading) loading.then(({ announceAfterFailure }) => announceAfterFailure(ids, error)).catch(() => {});
      else for (const userId of ids) unanswered.add(userId);
      throw error;
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
    endSession: () => live?.endSession(),
    onTokenChanged: () => void live?.onTokenChanged(),
    reset() {
      allUsers = false;
      userIds = new Set();
      unanswered.clear();
      updateSubscription();
    },
  };
}

/** Rejects if the live part does not arrive in time. A part that arrives later is used by the next attempt. */
async function withTimeout(loading: Promise<Live>): Promise<Live> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timedOut = new Promise<never>((_resolve, reject) => {
    const error = new Error(`The live part of the widget did not arrive within ${LOAD_TIMEOUT_MS} ms`);
    timer = setTimeout(() => reject(error), LOAD_TIMEOUT_MS);
  });
  try {
    return await Promise.race([loading, timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
