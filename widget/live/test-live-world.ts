/** A gateway, a feed and a page for tests of the live part, in which what arrives, and when, is the test's to say. */

import type { Availabilities, ChangedAvailability } from "../../shared/contracts/availability.ts";
import { createAlarmClock } from "../../shared/runtime/alarm-clock.ts";
import { deadlineIn } from "../../shared/runtime/deadline.ts";
import type { GatewayClient } from "../gateway/gateway-client.ts";
import { unaskedGateway } from "../test/test-gateway-client.ts";
import type { FeedEvent, OpenFeed } from "./feed.ts";
import { createLive, type Live } from "./live.ts";
import { createLiveService } from "./live-service.ts";

export type LiveWorld = ReturnType<typeof createLiveWorld>;

interface Announced {
  readonly type: string;
  readonly payload: ChangedAvailability;
}

interface PendingRead {
  readonly userIds: readonly number[];
  /** The users as they were when the read began. */
  readonly asAsked: Availabilities;
  readonly resolve: (answer: Availabilities) => void;
  readonly reject: (error: unknown) => void;
}

export interface LiveWorldOptions {
  readonly ownUserId?: number | "operator";
  /** When the page says whose its token is. @default at once */
  readonly identifies?: "when told";
  /** When the live part is there. @default at once */
  readonly loads?: "when told";
}

/** Creates a world of the users 1 to 3, at version 1 each. */
export function createLiveWorld({ ownUserId, identifies, loads }: LiveWorldOptions = {}) {
  const users = new Map<number, ChangedAvailability>();
  const removed = new Map<number, number>();
  const log: FeedEvent[] = [];
  const pending: PendingRead[] = [];
  const reads: (readonly number[])[] = [];
  const announced: Announced[] = [];
  /** What the page has been told last of each user, by answers and announcements alike. */
  const seen = new Map<number, number>();
  const regressions: string[] = [];
  let owner = ownUserId;
  let versions = 1;
  let listener: ((event: FeedEvent) => void) | undefined;
  let openFeeds = 0;
  let hasFollowed = false;
  /** What the feed has yet to tell. */
  let queue: FeedEvent[] = [];
  let last: FeedEvent | undefined;
  let everyone = false;
  let watched: readonly number[] = [];
  let isQueueing = false;
  /** Whether the last watch has been answered. */
  let isAnswered = true;

  function put(userId: number): void {
    versions += 1;
    const availability = { userId, status: "available" as const, version: versions, updatedAt: versions };
    removed.delete(userId);
    users.set(userId, availability);
    tellLater({ type: "availability", availability, ageMs: 0 });
  }

  function tellLater(event: FeedEvent): void {
    log.push(event);
    if (isQueueing) queue.push(event);
  }

  for (const userId of [1, 2, 3]) put(userId);

  function snapshot(): FeedEvent[] {
    const all = [...users.values()].map(
      (availability): FeedEvent => ({ type: "availability", availability, ageMs: 0 }),
    );
    return [{ type: "reset" }, ...all, { type: "current" }];
  }

  /** What the page itself keeps: it drops whatever is older than what it holds. */
  function see(userId: number, version: number, how: string): void {
    const before = seen.get(userId);
    // An answer may say again what was announced while it was under way.
    const least = how === "announced" ? (before ?? -1) + 1 : (before ?? 0);
    if (version < least) regressions.push(`${userId}: ${before} → ${version}`);
    seen.set(userId, Math.max(version, before ?? 0));
  }

  const openFeed: OpenFeed = ({ onEvent }) => {
    openFeeds += 1;
    hasFollowed = true;
    listener = onEvent;
    isQueueing = true;
    queue = snapshot();
    return {
      wake: () => {},
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

  function announce(type: string, payload: ChangedAvailability): void {
    announced.push({ type, payload });
    see(payload.userId, payload.version, "announced");
  }

  function pick(userIds: readonly number[]): Availabilities {
    const found = userIds.flatMap((userId) => users.get(userId) ?? []);
    return Object.fromEntries(
      found.map(({ updatedAt: _updatedAt, ...availability }) => [availability.userId, availability]),
    );
  }

  const gateway: GatewayClient = {
    ...unaskedGateway,
    fetchAvailabilities(userIds = []) {
      reads.push(userIds);
      return new Promise((resolve, reject) => {
        pending.push({ userIds, asAsked: pick(userIds), resolve, reject });
      });
    },
  };

  const askForToken = (): void => {
    timesAskedForToken += 1;
  };
  let isRefused = false;
  let timesAskedForToken = 0;
  let answerIdentity = (): void => {};
  const identity = identifies ? new Promise<void>((resolve) => (answerIdentity = resolve)) : Promise.resolve();
  let finishLoading = (): void => {};
  const loading = loads ? new Promise<void>((resolve) => (finishLoading = resolve)) : Promise.resolve();
  const identify = async () => {
    await identity;
    return owner === undefined ? undefined : String(owner);
  };
  let live: Live | undefined;
  const service = createLiveService({
    gateway,
    async load() {
      await loading;
      const { ringIn } = createAlarmClock();
      live = createLive({ openFeed, announce, identify, askForToken, ringIn, readAgain() {} });
      return live;
    },
    onDefect(error) {
      throw error;
    },
  });

  function tell(event: FeedEvent): void {
    last = event;
    listener?.(event);
  }

  /** Lets everything happen that needs nobody. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
  }

  function deliverOne(): boolean {
    const event = queue.shift();
    if (event) tell(event);
    return event !== undefined;
  }

  function answerRead(how?: "as it was when asked"): boolean {
    const read = pending.shift();
    read?.resolve(how ? read.asAsked : pick(read.userIds));
    return read !== undefined;
  }

  async function beginWatch(userIds: readonly number[]): Promise<Availabilities> {
    for (const userId of watched) if (!everyone && !userIds.includes(userId)) seen.delete(userId);
    watched = userIds;
    const signal = new AbortController().signal;
    isAnswered = false;
    const answer = await service.watch(userIds, { signal, deadline: deadlineIn(10_000) });
    if (userIds === watched) isAnswered = true;
    for (const { userId, version } of Object.values(answer)) {
      if (everyone || watched.includes(userId)) see(userId, version, "answered");
    }
    return answer;
  }

  return {
    reads,
    announced,
    change: put,
    remove(userId: number) {
      versions += 1;
      if (!users.delete(userId)) return;
      removed.set(userId, versions);
      tellLater({ type: "removal", userId, version: versions });
    },
    isRemoved: (userId: number) => removed.has(userId),
    latest(userId: number): ChangedAvailability {
      return users.get(userId) ?? { userId, status: "offline", version: 0, updatedAt: 0 };
    },
    wanted: () => (everyone ? [1, 2, 3] : watched),
    seen: (userId: number) => seen.get(userId),
    regressions: () => regressions,
    openFeeds: () => openFeeds,
    beginWatch,
    /** What a page does whose request to watch was rejected. */
    repeatRefusedWatch: () => isAnswered || void beginWatch(watched),
    async watch(userIds: readonly number[]) {
      const watching = beginWatch(userIds);
      await settle();
      while (answerRead()) await settle();
      await watching;
      while (deliverOne());
      await settle();
    },
    async init() {
      everyone = true;
      service.init(["USER"]).catch(() => {});
      await settle();
    },
    async destroy() {
      everyone = false;
      for (const userId of seen.keys()) if (!watched.includes(userId)) seen.delete(userId);
      service.destroy(["USER"]);
      await settle();
    },
    async signIn(userId: number | "operator") {
      // Who has followed nothing yet has been told by answers alone, which the page itself has asked for.
      if (owner !== userId && hasFollowed) seen.clear();
      owner = userId;
      isRefused = false;
      service.renew();
      await settle();
    },
    isRefused: () => isRefused,
    /** The backend refuses the page's token, by the feed or by any other call. */
    refuseToken() {
      isRefused = true;
      // It is told of the end.
      seen.clear();
      service.end();
    },
    identify: () => answerIdentity(),
    finishLoading: () => finishLoading(),
    timesAskedForToken: () => timesAskedForToken,
    async wake() {
      live?.wake();
      await settle();
    },
    tell,
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
    answerRead,
    refuseRead(error: unknown) {
      pending.shift()?.reject(error);
    },
    /** The connection breaks: what was told last, and what was on its way, is told once more. Half a snapshot begins anew. */
    resume() {
      if (queue.some(({ type }) => type === "current")) queue = snapshot();
      else if (isQueueing) queue = log.slice(-3 - queue.length);
    },
    /** The connection breaks, and a snapshot follows, of a gateway that may not know the last change yet. */
    restart(how?: "lagging") {
      if (!isQueueing) return;
      const all = snapshot();
      const missed = log.at(-1);
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
}
