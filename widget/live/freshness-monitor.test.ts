import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import { createFreshnessMonitor } from "./freshness-monitor.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

/** A monitor, and the reported changes with the age of the latest sign of life. */
function setUp() {
  const changes: [state: string, ageMs: number][] = [];
  const { schedule } = createTimerQueue();
  const onSleep = vi.fn();
  const onChange = (state: string, ageMs: number) => void changes.push([state, ageMs]);
  const monitor = createFreshnessMonitor({ schedule, onChange, onSleep });
  return { monitor, changes, onSleep };
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

/** Simulates the sleep of the machine: the wall clock advances, and the monotonic clock stops. */
function sleep(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds);
}

test("is stale 45 s after the start without a sign of life, and live again with the next one", async () => {
  const { monitor, changes } = setUp();
  monitor.start();
  await pass(44_999);
  expect(changes).toEqual([]);
  await pass(1);
  expect(changes).toEqual([["stale", 45_000]]);
  await pass(5_000);
  monitor.recordHeartbeat(0);
  expect(changes.slice(1)).toEqual([["live", 0]]);
});

test("stays live with a sign of life every 15 s, and counts 45 s from the last one", async () => {
  const { monitor, changes } = setUp();
  monitor.start();
  for (let count = 0; count < 10; count += 1) {
    await pass(15_000);
    monitor.recordHeartbeat(0);
  }
  await pass(44_999);
  expect(changes).toEqual([]);
  await pass(1);
  expect(changes).toEqual([["stale", 45_000]]);
});

test("counts from the time of the sign of life, and ignores one older than another", async () => {
  const { monitor, changes } = setUp();
  monitor.start();
  await pass(20_000);
  monitor.recordHeartbeat(5_000);
  monitor.recordHeartbeat(10_000);
  await pass(39_999);
  expect(changes).toEqual([]);
  await pass(1);
  expect(changes).toEqual([["stale", 45_000]]);
});

test("stays stale after a sign of life that is itself too old", async () => {
  const { monitor, changes } = setUp();
  monitor.start();
  await pass(60_000);
  monitor.recordHeartbeat(50_000);
  expect(changes).toEqual([["stale", 45_000]]);
});

test("counts the age of what was fetched before its start", async () => {
  const { monitor, changes } = setUp();
  monitor.start(10_000);
  await pass(34_999);
  expect(changes).toEqual([]);
  await pass(1);
  expect(changes).toEqual([["stale", 45_000]]);
});

test("is stale at once when it is told, until the next sign of life and not by an earlier one", async () => {
  const { monitor, changes } = setUp();
  monitor.start();
  await pass(1_000);
  monitor.markStale();
  expect(changes).toEqual([["stale", 1_000]]);
  await pass(2_000);
  monitor.recordHeartbeat(2_001);
  expect(changes).toHaveLength(1);
  monitor.recordHeartbeat(2_000);
  expect(changes.slice(1)).toEqual([["live", 2_000]]);
});

test("is stale after a sleep, and not live by what was heard before", async () => {
  const { monitor, changes } = setUp();
  monitor.start();
  await pass(1_000);
  sleep(3_600_000);
  monitor.check();
  expect(changes).toEqual([["stale", 1_000]]);
  await pass(10);
  monitor.recordHeartbeat(11);
  expect(changes).toHaveLength(1);
  monitor.recordHeartbeat(0);
  expect(changes.slice(1)).toEqual([["live", 0]]);
});

test("does not take a sign of life that came in the sleep for one after it", async () => {
  const { monitor, changes } = setUp();
  monitor.start();
  await pass(1_000);
  sleep(3_600_000);
  monitor.recordHeartbeat(1);
  expect(changes).toEqual([["stale", 1_000]]);
});

test("asks once for another sign of life when the latest one has revealed a sleep: the next one may be 15 s away", async () => {
  const { monitor, changes, onSleep } = setUp();
  monitor.start();
  sleep(3_600_000);
  monitor.recordHeartbeat(1);
  expect(onSleep).toHaveBeenCalledTimes(1);
  await pass(10);
  monitor.recordHeartbeat(0);
  expect([onSleep.mock.calls.length, changes.at(-1)]).toEqual([1, ["live", 0]]);
});

test("does not start again while it runs", async () => {
  const { monitor, changes } = setUp();
  monitor.start();
  await pass(30_000);
  monitor.start();
  await pass(15_000);
  expect(changes).toEqual([["stale", 45_000]]);
});

test("reports nothing and sets no timer while it is stopped", async () => {
  const { monitor, changes } = setUp();
  monitor.start();
  await pass(10_000);
  monitor.stop();
  monitor.markStale();
  monitor.recordHeartbeat(0);
  sleep(3_600_000);
  monitor.check();
  await pass(100_000);
  expect([changes, vi.getTimerCount()]).toEqual([[], 0]);
});

test("has one timer at most, and none once it is stopped", () => {
  const pending = new Set<object>();
  const monitor = createFreshnessMonitor({
    schedule() {
      const timer = {};
      pending.add(timer);
      return () => void pending.delete(timer);
    },
    onChange() {},
    onSleep() {},
  });
  monitor.start();
  for (let count = 0; count < 10; count += 1) monitor.recordHeartbeat(0);
  expect(pending.size).toBe(1);
  monitor.stop();
  expect(pending.size).toBe(0);
});

test("takes a new start as a sign of life, whatever happened before: the page has just fetched its availabilities", async () => {
  const { monitor, changes } = setUp();
  monitor.start();
  monitor.markStale();
  monitor.stop();
  sleep(3_600_000);
  await pass(100_000);
  monitor.start();
  expect(changes).toEqual([
    ["stale", 0],
    ["live", 0],
  ]);
  await pass(45_000);
  expect(changes.slice(2)).toEqual([["stale", 45_000]]);
});
