/** A fake gateway, feed and page for tests of the live part. The test decides the arrival and the order of events. */

import { onTestFinished } from "vitest";
import type {
  Availability,
  ChangedAvailability,
  RemovedAvailability,
  UserError,
  WatchedAvailabilities,
} from "../../shared/contracts/availability.ts";
import type { AnnouncedPayloadOf } from "../../shared/contracts/contract.ts";
import type { Announcements } from "../../shared/contracts/index.ts";
import { createDeadline } from "../../shared/runtime/deadline.ts";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import { subtractElapsed } from "../gateway/elapsed-time.ts";
import type { AvailabilityCache, GatewayClient } from "../gateway/gateway-client.ts";
import { unusedGateway } from "../test/test-gateway-client.ts";
import type { FeedEvent, OpenFeed } from "./change-feed.ts";
import { toStreamed } from "./followed-users.ts";
import { createLive, type Live, type LiveOptions } from "./live.ts";
import { createLiveService } from "./live-service.ts";

export type LiveWorld = ReturnType<typeof createLiveWorld>;

interface Announced {
  readonly type: string;
  readonly payload: ChangedAvailability;
}

interface PendingRead {
  readonly userIds: readonly number[];
  /** The users at the time of the request. */
  readonly atRequest: WatchedAvailabilities;
  readonly resolve: (availabilities: WatchedAvailabilities) => void;
  readonly reject: (error: unknown) => void;
}

export interface LiveWorldOptions {
  readonly ownUserId?: number | "operator";
  /** Time of the page's response with the token's subject. @default at once */
  readonly identifies?: "when told";
  /** Time of the live part's arrival. @default at once */
  readonly loads?: "when told";
}

/** The gateway's answer for an unreadable user. */
export const UNREADABLE: UserError = { error: { title: "Service Unavailable", status: 503 }, status: 503 };

/** Creates a world of the users 1 to 3, each at version 1. */
export function createLiveWorld({ ownUserId, identifies, loads }: LiveWorldOptions = {}) {
  const users = new Map<number, ChangedAvailability>();
  const removed = new Map<number, number>();
  /** Users whom the gateway has and cannot read. */
  const unreadable = new Set<number>();
  const log: FeedEvent[] = [];
  const pending: PendingRead[] = [];
  const reads: (readonly number[])[] = [];
  const announced: Announced[] = [];
  /** The last version of each user received by the page, in responses and announcements. */
  const seen = new Map<number, number>();
  const regressions: string[] = [];
  const removals: RemovedAvailability[] = [];
  /** Users whose latest announcement is a removal. */
  const gone = new Set<number>();
  /** Checks of the feed's connection, true for those after a sleep. */
  const checks: boolean[] = [];
  const states: AnnouncedPayloadOf<Announcements, "LIVE.STATE_CHANGED">[] = [];
  let owner = ownUserId;
  let versions = 1;
  let listener: ((event: FeedEvent) => void) | undefined;
  let openFeeds = 0;
  let openedFeeds = 0;
  let cache: AvailabilityCache | undefined;
  /** The users of the feed; `undefined` for all. */
  let followed: ReadonlySet<number> | undefined;
  let hasFollowed = false;
  /** Events not yet sent by the feed. */
  let queue: FeedEvent[] = [];
  let last: FeedEvent | undefined;
  let allUsers = false;
  let watched: readonly number[] = [];
  let isQueueing = false;
  /** True if the last watch has a response. */
  let isAnswered = true;

  function setUser(userId: number): void {
    versions += 1;
    const availability = { userId, status: "available" as const, version: versions, updatedAt: versions };
    removed.delete(userId);
    users.set(userId, availability);
    queueEvent({ type: "availability", availability, ageMs: 0 });
  }

  function queueEvent(event: FeedEvent): void {
    log.push(event);
    if (isQueueing && isFollowed(event)) queue.push(event);
  }

  for (const userId of [1, 2, 3]) setUser(userId);

  function isFollowed(event: FeedEvent): boolean {
    if (!followed) return true;
    if (event.type === "availability") return followed.has(event.availability.userId);
    return event.type !== "removal" || followed.has(event.userId);
  }

  function snapshot(): FeedEvent[] {
    const all = [...users.values()]
      .map((availability): FeedEvent => ({ type: "availability", availability, ageMs: 0 }))
      .filter(isFollowed);
    return [{ type: "reset" }, ...all, { type: "current" }, { type: "heartbeat", ageMs: 0 }];
  }

  /** Simulates the page's own store, which ignores older versions. */
  function recordVersion(userId: number, version: number, how: string): void {
    const before = seen.get(userId);
    // A response may repeat a version announced in the meantime.
    const least = how === "announced" ? (before ?? -1) + 1 : (before ?? 0);
    if (version < least) regressions.push(`${userId}: ${before} → ${version}`);
    seen.set(userId, Math.max(version, before ?? 0));
    gone.delete(userId);
  }

  let retries = 0;
  const openFeed: OpenFeed = ({ onEvent, userIds }) => {
    openFeeds += 1;
    openedFeeds += 1;
    followed = toStreamed(userIds);
    hasFollowed = true;
    listener = onEvent;
    isQueueing = true;
    queue = snapshot();
    if (world.rejectsFeeds) {
      queue = [];
      queueMicrotask(() => onEvent({ type: "unauthorized" }));
    }
    return {
      follow(next) {
        if (!followed || (next && [...next].every((userId) => followed?.has(userId)))) return;
        followed = toStreamed(next);
        queue = snapshot();
      },
      checkConnection: (hasSlept = false) => void checks.push(hasSlept),
      retryNow: () => void (retries += 1),
      close: () => {
        openFeeds -= 1;
        if (listener === onEvent) {
          listener = undefined;
          isQueueing = false;
          queue = [];
        }
      },
    };
  };

  const announce: LiveOptions["announce"] = (type, payload) => {
    if (type === "LIVE.STATE_CHANGED") states.push(payload as AnnouncedPayloadOf<Announcements, "LIVE.STATE_CHANGED">);
    else if (type === "USER.AVAILABILITY_REMOVED") {
      const { userId, version } = payload as RemovedAvailability;
      removals.push(payload as RemovedAvailability);
      gone.add(userId);
      seen.set(userId, version);
    } else {
      const changed = payload as ChangedAvailability;
      announced.push({ type, payload: changed });
      recordVersion(changed.userId, changed.version, "announced");
    }
  };

  function availabilitiesOf(userIds: readonly number[]): WatchedAvailabilities {
    const found = userIds.flatMap((userId) => users.get(userId) ?? []);
    const availabilities = found.map(({ updatedAt: _updatedAt, ...availability }) => availability);
    return Object.fromEntries(
      availabilities.map((availability): [number, Availability | UserError] => [
        availability.userId,
        unreadable.has(availability.userId) ? UNREADABLE : availability,
      ]),
    );
  }

  const gateway: GatewayClient = {
    ...unusedGateway,
    useCache(given) {
      cache = given;
    },
    fetchAvailabilities(userIds = []) {
      reads.push(userIds);
      return new Promise((resolve, reject) => {
        pending.push({ userIds, atRequest: availabilitiesOf(userIds), resolve, reject });
      });
    },
  };

  const requestToken = async (): Promise<void> => {
    tokenRequests.push(performance.now());
    await world.onTokenRequest();
  };
  let isTokenRejected = false;
  const tokenRequests: number[] = [];
  let answerIdentity = (): void => {};
  const identity = identifies ? new Promise<void>((resolve) => (answerIdentity = resolve)) : Promise.resolve();
  let finishLoading = (): void => {};
  const loading = loads ? new Promise<void>((resolve) => (finishLoading = resolve)) : Promise.resolve();
  const identify = async () => {
    await identity;
    return owner === undefined ? undefined : String(owner);
  };
  let live: Live | undefined;
  const { schedule, clear } = createTimerQueue();
  // A timer of the world must not fire in a later test, maybe with a fake clock.
  onTestFinished(clear);
  const service = createLiveService({
    gateway,
    schedule,
    async load() {
      await loading;
      live = createLive({
        openFeed,
        announce,
        identify,
        requestToken,
        isVisible: () => world.isVisible,
        schedule,
        subtractElapsed,
        refetchUser() {},
      });
      return live;
    },
    onDefect(error) {
      throw error;
    },
    reloadDocument() {},
  });

  function emit(event: FeedEvent): void {
    last = event;
    listener?.(event);
  }

  /** Runs all pending promise callbacks. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
  }

  function deliverOne(): boolean {
    const event = queue.shift();
    if (event) emit(event);
    return event !== undefined;
  }

  function respondToFetch(how?: "as at the request"): boolean {
    const read = pending.shift();
    read?.resolve(how ? read.atRequest : availabilitiesOf(read.userIds));
    return read !== undefined;
  }

  async function beginWatch(userIds: readonly number[]): Promise<WatchedAvailabilities> {
    for (const userId of watched) if (!allUsers && !userIds.includes(userId)) seen.delete(userId);
    watched = userIds;
    const signal = new AbortController().signal;
    isAnswered = false;
    const response = await service.watch(userIds, { signal, deadline: createDeadline(10_000) });
    if (userIds === watched) isAnswered = true;
    for (const userId of userIds === watched ? userIds : []) if (!response[userId]) gone.add(userId);
    for (const value of Object.values(response)) {
      if ("error" in value) continue;
      const { userId, version } = value;
      if (allUsers || watched.includes(userId)) recordVersion(userId, version, "answered");
    }
    return response;
  }

  const world = {
    /** True if the page is visible. */
    isVisible: true,
    /** True if the backend rejects the page's token for each feed. */
    rejectsFeeds: false,
    /** Called with each request for a token. By default the page gives the same token again. */
    onTokenRequest: async (): Promise<void> => {},
    /** Times of the requests for a token, on the monotonic clock. */
    tokenRequests,
    reads,
    unreadable,
    announced,
    removals,
    /** The announced states of the feed. */
    states,
    checks,
    /** Number of calls of the feed's `retryNow`. */
    retries: () => retries,
    /** True if the page shows the user: an availability has come, and no removal since. */
    isShown: (userId: number) => seen.has(userId) && !gone.has(userId),
    change: setUser,
    remove(userId: number) {
      versions += 1;
      if (!users.delete(userId)) return;
      removed.set(userId, versions);
      queueEvent({ type: "removal", userId, version: versions });
    },
    isRemoved: (userId: number) => removed.has(userId),
    latest(userId: number): ChangedAvailability {
      return users.get(userId) ?? { userId, status: "offline", version: 0, updatedAt: 0 };
    },
    subscribedUserIds: () => (allUsers ? [1, 2, 3] : watched),
    seen: (userId: number) => seen.get(userId),
    regressions: () => regressions,
    openFeeds: () => openFeeds,
    /** The number of feeds opened so far. */
    openedFeeds: () => openedFeeds,
    /** The gateway client's cached availability of a user. */
    cached: (userId: number) => cache?.get(userId)?.read(),
    /** The gateway client receives a user for another request of the page. Returns the availability for the request. */
    receive: (availability: Availability) => cache?.merge(availability),
    beginWatch,
    /** The users that the feed reports; `undefined` for all. */
    followed: () => followed,
    /** Simulates a page that repeats a rejected watch request. */
    repeatRejectedWatch: () => isAnswered || void beginWatch(watched),
    async watch(userIds: readonly number[]) {
      const watching = beginWatch(userIds);
      await settle();
      while (respondToFetch()) await settle();
      await watching;
      while (deliverOne());
      await settle();
    },
    async init() {
      allUsers = true;
      service.init(["USER"]).catch(() => {});
      await settle();
    },
    async destroy() {
      allUsers = false;
      for (const userId of seen.keys()) if (!watched.includes(userId)) seen.delete(userId);
      service.destroy(["USER"]);
      await settle();
    },
    async signIn(userId: number | "operator") {
      // Before the first feed, the page has received only responses to its own requests.
      if (owner !== userId && hasFollowed) seen.clear();
      owner = userId;
      isTokenRejected = false;
      service.onTokenChanged();
      await settle();
    },
    /** The page's next answer has the token of this agent, or none. */
    identifyAs(userId: number | undefined) {
      owner = userId;
    },
    isTokenRejected: () => isTokenRejected,
    /** The backend rejects the page's token, in the feed or in another request. */
    rejectToken() {
      isTokenRejected = true;
      // The page is notified of the end.
      seen.clear();
      service.endSession();
    },
    identify: () => answerIdentity(),
    finishLoading: () => finishLoading(),
    tokenRequestCount: () => tokenRequests.length,
    async checkConnection() {
      live?.checkConnection();
      await settle();
    },
    emit,
    settle,
    deliverOne,
    async deliverAll() {
      await settle();
      while (deliverOne());
      await settle();
    },
    repeatLast() {
      if (last?.type === "availability") listener?.(last);
    },
    respondToFetch,
    rejectFetch(error: unknown) {
      pending.shift()?.reject(error);
    },
    /**
     * The connection breaks: the last events and the pending events are sent again. An incomplete snapshot starts
     * again.
     */
    resume() {
      if (queue.some(({ type }) => type === "current")) queue = snapshot();
      else if (isQueueing) queue = log.filter(isFollowed).slice(-3 - queue.length);
    },
    /** The connection breaks, and a snapshot follows. The gateway may lack the last change. */
    restart(how?: "lagging") {
      if (!isQueueing) return;
      const all = snapshot();
      const missed = log.filter(isFollowed).at(-1);
      if (how !== "lagging" || missed?.type !== "availability") {
        queue = all;
        return;
      }
      queue = [
        ...all.filter((event) => event.type !== "availability" || event.availability !== missed.availability),
        missed,
      ];
    },
  };
  return world;
}
