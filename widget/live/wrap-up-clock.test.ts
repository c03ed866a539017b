import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createAlarmClock } from "../../shared/runtime/alarm-clock.ts";
import { createWrapUpClock, type WrapUpClock } from "./wrap-up-clock.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

function setUp(): { readonly clock: WrapUpClock; readonly told: number[] } {
  const told: number[] = [];
  return { clock: createWrapUpClock(createAlarmClock().ringIn, (userId) => told.push(userId)), told };
}

test("tells once when each user's wrap-up time has run down, and not before", async () => {
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

test("has one timer for all of them", () => {
  const { clock } = setUp();
  for (let userId = 1; userId <= 100; userId += 1) clock.set(userId, 1_000 * userId);
  expect(vi.getTimerCount()).toBe(1);
});

test("goes by what was said of a user last, and tells nothing of one that was cancelled", async () => {
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

test("does not take a wrap-up time that is longer than a timer for one that has run down", async () => {
  const { clock, told } = setUp();
  clock.set(1, Number.MAX_SAFE_INTEGER);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual([]);
});
