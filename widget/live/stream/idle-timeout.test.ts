/** The timeout of a stream that delivers nothing. */
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createTimerQueue } from "../../../shared/runtime/timer-queue.ts";
import { startIdleTimeout } from "./idle-timeout.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

function setUp() {
  const onTick = vi.fn();
  const timeout = startIdleTimeout(createTimerQueue().schedule, onTick);
  return { timeout, onTick, ticks: () => onTick.mock.calls.flat() };
}

test("reports silence 30 s after the opening, and sets no timer from then on", async () => {
  const { ticks } = setUp();
  await vi.advanceTimersByTimeAsync(29_999);
  expect(ticks()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect([ticks(), vi.getTimerCount()]).toEqual([[true], 0]);
});

test("reports silence 45 s after the last activity, however much there was before", async () => {
  const { timeout, ticks } = setUp();
  await vi.advanceTimersByTimeAsync(20_000);
  timeout.touch();
  await vi.advanceTimersByTimeAsync(44_999);
  expect(ticks()).not.toContain(true);
  await vi.advanceTimersByTimeAsync(1);
  expect([ticks().at(-1), vi.getTimerCount()]).toEqual([true, 0]);
});

test("is overdue after more than 15 s without activity, but not before the first activity", async () => {
  const { timeout } = setUp();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(timeout.isOverdue()).toBe(false);
  timeout.touch();
  await vi.advanceTimersByTimeAsync(15_000);
  expect(timeout.isOverdue()).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(timeout.isOverdue()).toBe(true);
});

test("reports nothing after it is stopped", async () => {
  const { timeout, onTick } = setUp();
  timeout.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(onTick).not.toHaveBeenCalled();
});
