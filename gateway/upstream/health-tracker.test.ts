/** Health of a customer whom another gateway polls, or has polled. */
import { expect, test } from "vitest";
import type { ListSummary } from "../store/live-gateways.ts";
import { toFailureText } from "./failure-text.ts";
import { createHealthTracker } from "./health-tracker.ts";
import { UpstreamError } from "./upstream.ts";

const ON_TIME: ListSummary = { oldestMs: 0, pageCount: 3, failureCount: 0, moves: 0, reason: "", isLate: false };

function setUp() {
  const time = { nowMs: 0 };
  const logged: string[] = [];
  const tracker = createHealthTracker({
    pageIntervalMs: 2_000,
    graceMs: 6_000,
    overdueMs: 30_000,
    clock: { wallMs: () => 0, monotonicMs: () => time.nowMs },
    log: { line: (text) => void logged.push(text), warning: (text) => void logged.push(text), defect: () => {} },
  });
  return { time, tracker, logged };
}

test("is current while another gateway reads the list on time, and as old as the list is late", () => {
  const { time, tracker } = setUp();
  tracker.follow(ON_TIME, 0);
  for (time.nowMs = 2_000; time.nowMs < 3_600_000; time.nowMs += 2_000) {
    tracker.follow(undefined, time.nowMs);
    expect(tracker.health().staleSinceMs).toBeUndefined();
  }
  const oldestMs = time.nowMs - 5_000;
  time.nowMs += 32_000;
  tracker.follow({ ...ON_TIME, oldestMs, isLate: true }, time.nowMs);
  expect(tracker.health().staleSinceMs).toBe(oldestMs);
});

test("knows nothing of a list without a summary, or before each page was read", () => {
  const { tracker } = setUp();
  tracker.follow(undefined, 0);
  expect(tracker.health().staleSinceMs).toBe(-Infinity);
  tracker.follow({ ...ON_TIME, oldestMs: undefined, pageCount: undefined, isLate: true }, 0);
  expect(tracker.health()).toMatchObject({ staleSinceMs: -Infinity, minStaleLimitSeconds: 0 });
  tracker.follow(ON_TIME, 0);
  expect(tracker.health()).toMatchObject({ staleSinceMs: undefined, minStaleLimitSeconds: 12 });
});

test("is at most as old as a list on time may be when the store is lost", () => {
  const { time, tracker } = setUp();
  tracker.follow(ON_TIME, 0);
  tracker.follow(undefined, 100_000);
  time.nowMs = 101_000;
  tracker.markStale();
  // The list takes 6 s, and may be 6 s late.
  expect(tracker.health().staleSinceMs).toBe(88_000);
});

test("has the reason of a failure at another gateway until the list is read again, and logs neither", () => {
  const { tracker, logged } = setUp();
  const reason = toFailureText(new UpstreamError("Status 500", { status: 500, body: { error: "Internal" } }));
  tracker.follow({ ...ON_TIME, failureCount: 1, reason, isLate: true }, 0);
  expect(tracker.health().failure).toMatchObject({ status: 500, body: { error: "Internal" } });
  expect(tracker.health().staleSinceMs).toBe(0);
  tracker.follow(undefined, 2_000);
  expect(tracker.health()).toMatchObject({ failure: undefined, staleSinceMs: undefined });
  expect(logged).toEqual([]);
});

test("counts the failures of the gateway that has polled before, and does not log the same outage again", () => {
  const { tracker, logged } = setUp();
  const state = { startedMsByPage: new Map([[1, 0]]), pageCount: 1, failureCount: 3, moves: 1, reason: "" };
  tracker.adopt(state);
  tracker.recordFailure(new UpstreamError("Status 500", { status: 500 }));
  expect([tracker.failureCount(), logged]).toEqual([4, []]);
  tracker.recordPage({ page: 1, startedMs: 0, isLast: true });
  expect(logged).toEqual(["The telephony system responds again, after 4 failures"]);
});
