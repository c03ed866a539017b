import fc from "fast-check";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createAlarmClock } from "./alarm-clock.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

test("rings each alarm once, at its time and not before", async () => {
  const clock = createAlarmClock();
  const rung: number[] = [];
  for (const time of [300, 100, 200]) clock.ringIn(time, () => rung.push(time));
  await vi.advanceTimersByTimeAsync(99);
  expect(rung).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(rung).toEqual([100]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(rung).toEqual([100, 200, 300]);
});

test("sets one timer for any number of alarms that come and go", async () => {
  const clock = createAlarmClock();
  const setTimer = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => setTimer.mockRestore());
  for (let count = 0; count < 100; count++) {
    clock.ringIn(10_000, () => {})();
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(setTimer).toHaveBeenCalledOnce();
});

test("leaves no timer once the cancelled alarms' time has passed", async () => {
  const clock = createAlarmClock();
  clock.ringIn(100, () => {})();
  await vi.advanceTimersByTimeAsync(100);
  expect(vi.getTimerCount()).toBe(0);
});

test("does not ring what an alarm at the same time has cancelled", async () => {
  const clock = createAlarmClock();
  const ring = vi.fn();
  clock.ringIn(100, () => cancelSecond());
  const cancelSecond = clock.ringIn(100, ring);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ring).not.toHaveBeenCalled();
});

test("takes alarms that an alarm sets", async () => {
  const clock = createAlarmClock();
  const ring = vi.fn();
  clock.ringIn(100, () => clock.ringIn(50, ring));
  await vi.advanceTimersByTimeAsync(149);
  expect(ring).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(ring).toHaveBeenCalledOnce();
});

test("rings the others where one throws", async () => {
  const clock = createAlarmClock();
  const ring = vi.fn();
  const thrown: unknown[] = [];
  const note = (error: unknown): void => void thrown.push(error);
  process.on("uncaughtException", note);
  onTestFinished(() => void process.off("uncaughtException", note));
  clock.ringIn(100, () => {
    throw new Error("mistake");
  });
  clock.ringIn(100, ring);
  clock.ringIn(200, ring);
  await vi.advanceTimersByTimeAsync(200);
  expect(ring).toHaveBeenCalledTimes(2);
});

test("is silent and without a timer once it is stopped", async () => {
  const clock = createAlarmClock();
  const ring = vi.fn();
  clock.ringIn(100, ring);
  clock.stop();
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ring).not.toHaveBeenCalled();
});

test("rings exactly what was not cancelled, in the order of time, whatever was set and cancelled", async () => {
  const step = fc.record({ in: fc.integer({ min: 1, max: 50 }), cancelled: fc.boolean(), pause: fc.nat(20) });
  await fc.assert(
    fc.asyncProperty(fc.array(step), async (steps) => {
      const clock = createAlarmClock();
      const rung: number[] = [];
      const expected: number[] = [];
      for (const { in: milliseconds, cancelled, pause } of steps) {
        const at = performance.now() + milliseconds;
        const cancel = clock.ringIn(milliseconds, () => rung.push(at));
        if (cancelled) cancel();
        else expected.push(at);
        await vi.advanceTimersByTimeAsync(pause);
      }
      await vi.advanceTimersByTimeAsync(50);
      expect(rung).toEqual(expected.sort((a, b) => a - b));
    }),
  );
});
