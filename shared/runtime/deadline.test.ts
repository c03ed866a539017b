import { expect, onTestFinished, test, vi } from "vitest";
import { createDeadline } from "./deadline.ts";

test("counts down to 0 and stays there, whatever the wall clock says", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const deadline = createDeadline(1_000);
  vi.setSystemTime(Date.now() + 3_600_000);
  expect(deadline.remainingMs()).toBe(1_000);
  vi.advanceTimersByTime(999);
  expect(deadline.remainingMs()).toBe(1);
  vi.advanceTimersByTime(1_000);
  expect(deadline.remainingMs()).toBe(0);
});
