import fc from "fast-check";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createTimerQueue } from "./timer-queue.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

test("rings each alarm once, at its time and not before", async () => {
  const clock = createTimerQueue();
  const rung: number[] = [];
  for (const time of [300, 100, 200]) clock.schedule(time, () => rung.push(time));
  await vi.advanceTimersByTimeAsync(99);
  expect(rung).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(rung).toEqual([100]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(rung).toEqual([100, 200, 300]);
});

test("sets one timer for any number of alarms that come and go", async () => {
  const clock = createTimerQueue();
  const setTimer = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => setTimer.mockRestore());
  for (let count = 0; count < 100; count++) {
    clock.schedule(10_000, () => {})();
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(setTimer).toHaveBeenCalledOnce();
});

test("replaces its timer for an alarm that is due earlier", () => {
  const clock = createTimerQueue();
  for (const milliseconds of [300, 200, 100]) clock.schedule(milliseconds, () => {});
  expect(vi.getTimerCount()).toBe(1);
});

test("leaves no timer once the cancelled alarms' time has passed", async () => {
  const clock = createTimerQueue();
  clock.schedule(100, () => {})();
  await vi.advanceTimersByTimeAsync(100);
  expect(vi.getTimerCount()).toBe(0);
});

test("does not ring what an alarm at the same time has cancelled", async () => {
  const clock = createTimerQueue();
  const ring = vi.fn();
  clock.schedule(100, () => cancelSecond());
  const cancelSecond = clock.schedule(100, ring);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ring).not.toHaveBeenCalled();
});

test("takes alarms that an alarm sets", async () => {
  const clock = createTimerQueue();
  const ring = vi.fn();
  clock.schedule(100, () => clock.schedule(50, ring));
  await vi.advanceTimersByTimeAsync(149);
  expect(ring).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(ring).toHaveBeenCalledOnce();
});

test("rings the others where one throws", async () => {
  const clock = createTimerQueue();
  const ring = vi.fn();
  const thrown: unknown[] = [];
  const note = (error: unknown): void => void thrown.push(error);
  process.on("uncaughtException", note);
  onTestFinished(() => void process.off("uncaughtException", note));
  clock.schedule(100, () => {
    throw new Error("mistake");
  });
  clock.schedule(100, ring);
  clock.schedule(200, ring);
  await vi.advanceTimersByTimeAsync(200);
  expect(ring).toHaveBeenCalledTimes(2);
});

test("rings alarms that are set after it was stopped, and none from before", async () => {
  const clock = createTimerQueue();
  const [before, after] = [vi.fn(), vi.fn()];
  clock.schedule(100, before);
  clock.clear();
  clock.schedule(200, after);
  await vi.advanceTimersByTimeAsync(200);
  expect([before, after].map(({ mock }) => mock.calls.length)).toEqual([0, 1]);
});

test("is silent and without a timer once it is stopped", async () => {
  const clock = createTimerQueue();
  const ring = vi.fn();
  clock.schedule(100, ring);
  clock.clear();
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ring).not.toHaveBeenCalled();
});

test("rings exactly what was not cancelled, in the order of time, whatever was set and cancelled", async () => {
  const step = fc.record({ in: fc.integer({ min: 1, max: 50 }), cancelled: fc.boolean(), pause: fc.nat(20) });
  await fc.assert(
    fc.asyncProperty(fc.array(step), async (steps) => {
      const clock = createTimerQueue();
      const rung: number[] = [];
      const expected: number[] = [];
      for (const { in: milliseconds, cancelled, pause } of steps) {
        const at = performance.now() + milliseconds;
        const cancel = clock.schedule(milliseconds, () => rung.push(at));
        if (cancelled) cancel();
        else expected.push(at);
        await vi.advanceTimersByTimeAsync(pause);
      }
      await vi.advanceTimersByTimeAsync(50);
      expect(rung).toEqual(expected.sort((a, b) => a - b));
    }),
  );
});
