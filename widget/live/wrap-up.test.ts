/** What becomes of a wrap-up time, from the feed through the clock to another read. */
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { Availability } from "../../shared/contracts/availability.ts";
import { createAlarmClock } from "../../shared/runtime/alarm-clock.ts";
import type { FeedEvent } from "./feed.ts";
import { createLive, type Live } from "./live.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

const wrappingUp = (userId: number, version: number, wrapUpTimeTtl: number): Availability => {
  return { userId, status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl, version };
};

/** A live part that follows users 1 and 2, how to tell it what its feed brings, and whom it has read again. */
async function setUp(): Promise<{
  readonly live: Live;
  readonly tell: (availability: Availability, ageMs?: number) => void;
  readonly readAgain: number[];
}> {
  let onEvent: (event: FeedEvent) => void = () => {};
  const readAgain: number[] = [];
  const live = createLive({
    openFeed(options) {
      onEvent = options.onEvent;
      return { wake() {}, close() {} };
    },
    announce() {},
    identify: () => Promise.resolve(undefined),
    askForToken() {},
    ringIn: createAlarmClock().ringIn,
    readAgain: (userId) => void readAgain.push(userId),
  });
  live.follow({ everyone: false, userIds: new Set([1, 2]) });
  await vi.advanceTimersByTimeAsync(0);
  const tell = (availability: Availability, ageMs = 0): void =>
    onEvent({ type: "availability", availability: { ...availability, updatedAt: 1 }, ageMs });
  return { live, tell, readAgain };
}

test("reads a user again once, when the wrap-up time has run down, whatever that brings", async () => {
  const { live, tell, readAgain } = await setUp();
  tell(wrappingUp(1, 1, 5), 2_000);
  await vi.advanceTimersByTimeAsync(2_999);
  expect(readAgain).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(readAgain).toEqual([1]);
  // Another clock is a little behind, and the answer was under way for a while.
  expect(live.known.newest(wrappingUp(1, 1, 1))).toEqual(wrappingUp(1, 1, 0));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(readAgain).toEqual([1]);
});

test("takes what it reads for what it is by its version", async () => {
  const { live, tell } = await setUp();
  tell(wrappingUp(1, 3, 5));
  expect(live.known.newest(wrappingUp(1, 2, 20))).toEqual(wrappingUp(1, 3, 5));
  expect(live.known.newest(wrappingUp(1, 4, 20))).toEqual(wrappingUp(1, 4, 20));
  expect(live.known.find(1)?.version).toBe(4);
});

test("reads nobody again who is watched no more, or of whom something newer is known", async () => {
  const { live, tell, readAgain } = await setUp();
  tell(wrappingUp(1, 1, 5));
  tell(wrappingUp(2, 1, 5));
  tell(wrappingUp(2, 2, 9));
  live.follow({ everyone: false, userIds: new Set([2]) });
  await vi.advanceTimersByTimeAsync(8_999);
  expect(readAgain).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(readAgain).toEqual([2]);
});

test("knows nothing of users who are not watched, be it that they are read", async () => {
  const { live, tell, readAgain } = await setUp();
  tell(wrappingUp(3, 1, 5));
  expect(live.known.newest(wrappingUp(4, 1, 5))).toEqual(wrappingUp(4, 1, 5));
  expect([live.known.find(3), live.known.find(4)]).toEqual([undefined, undefined]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(readAgain).toEqual([]);
});
