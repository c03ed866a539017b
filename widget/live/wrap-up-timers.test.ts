import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import { createWrapUpTimers, type WrapUpTimers } from "./wrap-up-timers.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

function setUp(): { readonly clock: WrapUpTimers; readonly told: number[] } {
  const told: number[] = [];
  return { clock: createWrapUpTimers(createTimerQueue().schedule, (userId) => told.push(userId)), told };
}

test("calls back once per user when the wrap-up time has expired, and not before", async () => {
  const { clock, told } = setUp();
  clock.set(1, 2_000);
  clock.set(2, 1_000);
  await vi.advanceTimersByTimeAsync(999);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual([2]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual([2, 1]);
});

test("uses one timer for all users", () => {
  const { clock } = setUp();
  for (let userId = 1; userId <= 100; userId += 1) clock.set(userId, 1_000 * userId);
  expect(vi.getTimerCount()).toBe(1);
});

test("uses the last time set for a user, and does not call back after a cancellation", async () => {
  const { clock, told } = setUp();
  clock.set(1, 1_000);
  clock.set(1, 3_000);
  clock.set(2, 1_000);
  clock.cancel(2);
  clock.set(3, 1_000);
  clock.set(3, 0);
  await vi.advanceTimersByTimeAsync(2_999);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual([1]);
});

test.each([
  [2 ** 31 - 1, 1],
  [2 ** 31, 0],
  [Number.MAX_SAFE_INTEGER, 0],
])(
  "sets a timer for a wrap-up time of %d ms only if a browser's timer can last as long: %d",
  async (remainingMs, timers) => {
    const { clock, told } = setUp();
    clock.set(1, remainingMs);
    expect(vi.getTimerCount()).toBe(timers);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toEqual([]);
  },
);
