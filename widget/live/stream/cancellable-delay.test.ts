import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createTimerQueue } from "../../../shared/runtime/timer-queue.ts";
import { createCancellableDelay } from "./cancellable-delay.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

test("ends after the delay, and not before", async () => {
  const onEnd = vi.fn();
  void createCancellableDelay(createTimerQueue().schedule).wait(1_000).then(onEnd);
  await vi.advanceTimersByTimeAsync(999);
  expect(onEnd).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(onEnd).toHaveBeenCalledOnce();
});

test("ends at once when it is cancelled", async () => {
  const delay = createCancellableDelay(createTimerQueue().schedule);
  const onEnd = vi.fn();
  void delay.wait(1_000).then(onEnd);
  delay.cancel();
  await vi.advanceTimersByTimeAsync(0);
  expect(onEnd).toHaveBeenCalledOnce();
});

test("leaves no callback in the timer queue when it is cancelled", () => {
  const cancelTimer = vi.fn();
  const delay = createCancellableDelay(() => cancelTimer);
  void delay.wait(1_000);
  expect(cancelTimer).not.toHaveBeenCalled();
  delay.cancel();
  expect(cancelTimer).toHaveBeenCalledOnce();
});

test("waits in full after a cancellation of nothing", async () => {
  const delay = createCancellableDelay(createTimerQueue().schedule);
  delay.cancel();
  const onEnd = vi.fn();
  void delay.wait(1_000).then(onEnd);
  await vi.advanceTimersByTimeAsync(999);
  expect(onEnd).not.toHaveBeenCalled();
});
