/** Tests of the panel's own observation beside the page's subscription. */
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { Availability } from "../../shared/contracts/availability.ts";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import { subtractElapsed } from "../gateway/elapsed-time.ts";
import type { FeedEvent } from "./change-feed.ts";
import { createLive, type Live, type Subscription, type TeamObserver } from "./live.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

const inCall = (userId: number, version: number): Availability => ({ userId, status: "in_call", version });

const NOBODY: Subscription = { allUsers: false, userIds: new Set() };

interface World {
  readonly live: Live;
  /** What the page has received, as type and version. */
  readonly announced: unknown[];
  /** What the observer has received. */
  readonly observed: unknown[];
  readonly observer: TeamObserver;
  /** The users of each opened feed; `undefined` for all, `panel` for all by the panel's own feed. */
  readonly opened: unknown[];
  emit(event: FeedEvent): void;
}

/** A live part without a subscription, over a feed that the test drives. */
function setUp(subject?: string): World {
  let onEvent: (event: FeedEvent) => void = () => {};
  const announced: unknown[] = [];
  const observed: unknown[] = [];
  const opened: unknown[] = [];
  const live = createLive({
    openFeed(options) {
      onEvent = options.onEvent;
      opened.push(options.userIds && [...options.userIds]);
      return { follow() {}, checkConnection() {}, retryNow() {}, close() {} };
    },
    openPanelFeed(options) {
      onEvent = options.onEvent;
      opened.push(options.userIds ?? "panel");
      return { follow() {}, checkConnection() {}, retryNow() {}, close() {} };
    },
    announce(type, payload) {
      const { userId, version, state } = Object(payload);
      announced.push(state ?? [type, userId, version]);
    },
    identify: () => Promise.resolve(subject),
    requestToken: () => Promise.resolve(),
    isVisible: () => true,
    schedule: createTimerQueue().schedule,
    subtractElapsed,
    refetchUser() {},
  });
  const observer: TeamObserver = {
    onSession: (current) => observed.push(["session", current]),
    onAvailability: ({ userId, version }) => observed.push([userId, version]),
    onRemoval: (userId, isUnreadable) => observed.push(["removal", userId, isUnreadable]),
    onCurrent: () => observed.push("current"),
    onState: (state) => observed.push(state),
    onSessionEnded: () => observed.push("ended"),
  };
  return { live, announced, observed, observer, opened, emit: (event) => onEvent(event) };
}

const open = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

/** Plays a snapshot of users at version 1. */
function playSnapshot({ emit }: World, ...userIds: readonly number[]): void {
  emit({ type: "reset" });
  for (const userId of userIds)
    emit({ type: "availability", availability: { ...inCall(userId, 1), updatedAt: 1 }, ageMs: 0 });
  emit({ type: "current" });
}

test("reports every agent to the panel, and none to a page that watches nobody", async () => {
  const world = setUp("2");
  world.live.setSubscription({ ...NOBODY, observer: world.observer });
  await open();
  playSnapshot(world, 1, 2);
  world.emit({ type: "availability", availability: { ...inCall(1, 2), updatedAt: 2 }, ageMs: 0 });
  world.emit({ type: "removal", userId: 2, version: 3 });
  expect(world.observed).toEqual([["session", "2"], [1, 1], [2, 1], "current", [1, 2], ["removal", 2, false]]);
  expect(world.announced).toEqual([]);
  expect(world.opened).toEqual(["panel"]);
});

test("announces to the page the agents that it watches, and reports each agent to the panel as well", async () => {
  const world = setUp();
  world.live.setSubscription({ allUsers: false, userIds: new Set([1]), observer: world.observer });
  world.live.mergeForResponse([1], {}, 0);
  await open();
  playSnapshot(world, 1, 2);
  expect(world.announced).toEqual([["USER.TEAMMATE_AVAILABILITY_CHANGED", 1, 1]]);
  expect(world.observed).toContainEqual([2, 1]);
});

test("announces a stored agent as news to a page that watches it later, and again after a pause", async () => {
  const world = setUp();
  const panel = { ...NOBODY, observer: world.observer };
  world.live.setSubscription(panel);
  await open();
  playSnapshot(world, 1);
  for (let count = 0; count < 2; count += 1) {
    world.announced.length = 0;
    world.live.setSubscription({ ...panel, allUsers: true });
    await open();
    playSnapshot(world, 1);
    expect(world.announced).toEqual([["USER.TEAMMATE_AVAILABILITY_CHANGED", 1, 1]]);
    world.live.setSubscription(panel);
  }
});

test("opens the feed once for the panel, and keeps it when the page's watch ends", async () => {
  const world = setUp();
  world.live.setSubscription({ allUsers: false, userIds: new Set([1]) });
  await open();
  world.live.setSubscription({ allUsers: false, userIds: new Set([1]), observer: world.observer });
  await open();
  world.live.setSubscription({ ...NOBODY, observer: world.observer });
  await open();
  expect(world.opened).toEqual([[1], undefined]);
});

test("leaves the panel's own feed for the page's with its first watch, and keeps the page's from then on", async () => {
  const world = setUp();
  const panel = { ...NOBODY, observer: world.observer };
  world.live.setSubscription(panel);
  await open();
  playSnapshot(world, 1);
  for (const userIds of [new Set([1]), new Set([1, 2])]) {
    world.live.setSubscription({ ...panel, userIds });
    await open();
  }
  playSnapshot(world, 1, 2);
  expect(world.opened).toEqual(["panel", undefined]);
  world.live.setSubscription(NOBODY);
  world.live.setSubscription(panel);
  await open();
  expect(world.opened).toEqual(["panel", undefined, undefined]);
});

test("announces a change of the live state once to a page that follows agents, and later to a page that did not", async () => {
  const world = setUp();
  const panel = { ...NOBODY, observer: world.observer };
  const watching = { ...panel, userIds: new Set([2]) };
  world.live.setSubscription(panel);
  await open();
  playSnapshot(world, 1);
  world.emit({ type: "stale" });
  expect(world.announced).toEqual([]);
  world.live.setSubscription(watching);
  expect(world.announced).toEqual(["stale"]);
  await open();
  playSnapshot(world, 1);
  world.live.setSubscription(panel);
  world.emit({ type: "heartbeat", ageMs: 0 });
  expect(world.announced).toEqual(["stale"]);
  world.live.setSubscription(watching);
  expect(world.announced).toEqual(["stale", "live"]);
});

test("reports an agent that a snapshot lacks, although no store had it: the panel may have it from a list", async () => {
  const world = setUp();
  world.live.setSubscription({ ...NOBODY, observer: world.observer });
  await open();
  playSnapshot(world, 1, 2);
  world.observed.length = 0;
  world.emit({ type: "reset" });
  world.emit({ type: "availability", availability: { ...inCall(1, 1), updatedAt: 1 }, ageMs: 0 });
  world.emit({ type: "unreadable", userId: 3 });
  world.emit({ type: "current" });
  expect(world.observed).toEqual([[1, 1], ["removal", 3, true], ["removal", 2, false], "current"]);
});

test("reports a response about any agent to the panel, and the end of the session", async () => {
  const world = setUp();
  world.live.setSubscription({ ...NOBODY, observer: world.observer });
  await open();
  playSnapshot(world, 1);
  world.live.cache.merge(inCall(1, 5));
  world.emit({ type: "unauthorized" });
  expect(world.observed.slice(-2)).toEqual([[1, 5], "ended"]);
  expect(world.announced).toEqual([]);
});

test("reports that changes may be missing, also to a panel that comes after that", async () => {
  const world = setUp();
  world.live.setSubscription({ allUsers: true, userIds: new Set() });
  await open();
  playSnapshot(world, 1);
  world.emit({ type: "stale" });
  world.live.setSubscription({ allUsers: true, userIds: new Set(), observer: world.observer });
  await open();
  expect(world.observed).toEqual(["stale", ["session", undefined]]);
  playSnapshot(world, 1);
  world.emit({ type: "heartbeat", ageMs: 0 });
  expect(world.observed.at(-1)).toBe("live");
});
