/** Tests of a wrap-up time, from the feed through the timer to the next fetch. */
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { Availability } from "../../shared/contracts/availability.ts";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import { subtractElapsed } from "../gateway/elapsed-time.ts";
import type { FeedEvent } from "./change-feed.ts";
import { createLive, type Live } from "./live.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

const wrappingUp = (userId: number, version: number, wrapUpTimeTtl: number): Availability => {
  return { userId, status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl, version };
};

/** A live part subscribed to users 1 and 2, with a feed driven by the test and the list of refetched users. */
async function setUp(): Promise<{
  readonly live: Live;
  readonly emit: (availability: Availability, ageMs?: number) => void;
  /** Simulates a heartbeat of the gateway. */
  readonly emitHeartbeat: () => void;
  readonly refetched: number[];
  /** Versions and remaining wrap-up times of announced availabilities. */
  readonly announced: unknown[];
}> {
  let onEvent: (event: FeedEvent) => void = () => {};
  const refetched: number[] = [];
  const announced: unknown[] = [];
  const live = createLive({
    openFeed(options) {
      onEvent = options.onEvent;
      return { follow() {}, checkConnection() {}, retryNow() {}, close() {} };
    },
    announce(_type, payload) {
      const { version, wrapUpTimeTtl } = Object(payload);
      if (wrapUpTimeTtl !== undefined) announced.push([version, wrapUpTimeTtl]);
    },
    identify: () => Promise.resolve(undefined),
    async requestToken() {},
    isVisible: () => true,
    schedule: createTimerQueue().schedule,
    subtractElapsed,
    refetchUser: (userId) => void refetched.push(userId),
  });
  live.setSubscription({ allUsers: false, userIds: new Set([1, 2]) });
  await vi.advanceTimersByTimeAsync(0);
  const emit = (availability: Availability, ageMs = 0): void =>
    onEvent({ type: "availability", availability: { ...availability, updatedAt: 1 }, ageMs });
  const emitHeartbeat = (): void => onEvent({ type: "heartbeat", ageMs: 0 });
  onEvent({ type: "current" });
  return { live, emit, emitHeartbeat, refetched, announced };
}

test("fetches a user again once when the wrap-up time has expired, whatever the response", async () => {
  const { live, emit, refetched } = await setUp();
  emit(wrappingUp(1, 1, 5), 2_000);
  await vi.advanceTimersByTimeAsync(2_999);
  expect(refetched).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(refetched).toEqual([1]);
  // The other clock is slightly behind, and the response took time to arrive.
  expect(live.cache.merge(wrappingUp(1, 1, 1))).toEqual(wrappingUp(1, 1, 0));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(refetched).toEqual([1]);
});

test("applies the fetched availability by its version", async () => {
  const { live, emit } = await setUp();
  emit(wrappingUp(1, 3, 5));
  expect(live.cache.merge(wrappingUp(1, 2, 20))).toEqual(wrappingUp(1, 3, 5));
  expect(live.cache.merge(wrappingUp(1, 4, 20))).toEqual(wrappingUp(1, 4, 20));
  expect(live.cache.get(1)?.version).toBe(4);
});

test("does not fetch a user again after unwatching, or with a newer version stored", async () => {
  const { live, emit, refetched } = await setUp();
  emit(wrappingUp(1, 1, 5));
  emit(wrappingUp(2, 1, 5));
  emit(wrappingUp(2, 2, 9));
  live.setSubscription({ allUsers: false, userIds: new Set([2]) });
  await vi.advanceTimersByTimeAsync(8_999);
  expect(refetched).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(refetched).toEqual([2]);
});

test("stores no availability of unwatched users, even if fetched", async () => {
  const { live, emit, refetched } = await setUp();
  emit(wrappingUp(3, 1, 5));
  expect(live.cache.merge(wrappingUp(4, 1, 5))).toEqual(wrappingUp(4, 1, 5));
  expect([live.cache.get(3), live.cache.get(4)]).toEqual([undefined, undefined]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(refetched).toEqual([]);
});

test("announces a wrap-up time that ends sooner than the page knows with the time of the change, as soon as the feed has it", async () => {
  const { live, emit, announced } = await setUp();
  live.mergeForResponse([1], { 1: wrappingUp(1, 7, 300) }, 0);
  live.cache.merge(wrappingUp(1, 7, 50));
  expect(announced).toEqual([]);
  emit(wrappingUp(1, 7, 50));
  expect(announced).toEqual([[7, 50]]);
});

test("after a sleep in which the clock stood still, fetches who wraps up, and announces what ends sooner", async () => {
  const { live, emit, emitHeartbeat, refetched, announced } = await setUp();
  live.mergeForResponse([1, 2], {}, 0);
  emit(wrappingUp(1, 7, 300));
  emit(wrappingUp(2, 8, 0));
  vi.setSystemTime(Date.now() + 250_000);
  live.checkConnection();
  // The gateway cannot be reached yet.
  expect(refetched).toEqual([]);
  emitHeartbeat();
  expect(refetched).toEqual([1]);
  // Not cached, so that the response has the wrap-up time.
  expect(live.cache.get(1)).toBeUndefined();
  live.cache.merge(wrappingUp(1, 7, 50));
  live.cache.merge(wrappingUp(1, 7, 49));
  expect(announced).toEqual([
    [7, 300],
    [8, 0],
    [7, 50],
  ]);
});
