import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createSleepDetector } from "./sleep-detector.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

test("finds no sleep while both clocks advance", async () => {
  const hasSlept = createSleepDetector();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(hasSlept()).toBe(false);
});

test.each([
  [2_000, false],
  [2_001, true],
  [3_600_000, true],
  [-2_000, false],
  [-2_001, true],
])("takes a jump of the wall clock by %d ms for a sleep: %s", (milliseconds, expected) => {
  const hasSlept = createSleepDetector();
  vi.setSystemTime(Date.now() + milliseconds);
  expect(hasSlept()).toBe(expected);
});

test("reports a sleep once", () => {
  const hasSlept = createSleepDetector();
  vi.setSystemTime(Date.now() + 3_600_000);
  expect([hasSlept(), hasSlept()]).toEqual([true, false]);
});
