/** Health of a customer whom another gateway polls, or has polled. */
import { expect, test } from "vitest";
import type { ListSummary } from "../store/live-gateways.ts";
import type { UpstreamBlock } from "../store/upstream-reads.ts";
import { toFailureText } from "./failure-text.ts";
import { createHealthTracker } from "./health-tracker.ts";
import { UpstreamError } from "./upstream.ts";

const ON_TIME: ListSummary = { oldestMs: 0, pageCount: 3, failureCount: 0, moves: 0, reason: "", isLate: false };

function setUp() {
  const time = { nowMs: 0, block: undefined as UpstreamBlock | undefined };
  const logged: string[] = [];
  const tracker = createHealthTracker({
    pageIntervalMs: 2_000,
    graceMs: 6_000,
    overdueMs: 30_000,
    lastBlock: () => time.block,
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

const TOO_MANY = new UpstreamError("Status 429", { status: 429, body: { error: "Too many" }, retryAfterSeconds: 60 });

/** A list of three pages, the first of which is as old as the list takes. */
function setUpList() {
  const parts = setUp();
  for (const page of [1, 2, 3]) parts.tracker.recordPage({ page, startedMs: page * 2_000, isLast: page === 3 });
  parts.time.nowMs = 8_000;
  return parts;
}

test("allows the age that a list reaches by a block, until each page has been read after the block", () => {
  const { time, tracker } = setUpList();
  const limit = () => tracker.health().minStaleLimitSeconds;
  expect(limit()).toBe(12);
  time.block = { startsMs: 8_000, endsMs: 68_000 };
  tracker.recordFailure(TOO_MANY);
  // The list takes 6 s, and may be overdue by 30 s.
  expect(limit()).toBe(6 + 60 + 30);
  for (const page of [1, 2]) tracker.recordPage({ page, startedMs: 66_000 + page * 2_000, isLast: false });
  expect(limit()).toBe(96);
  tracker.recordPage({ page: 3, startedMs: 72_000, isLast: true });
  expect(limit()).toBe(12);
});

test("allows no age of a block that is longer than two of the vendor's", () => {
  const { time, tracker } = setUpList();
  time.block = { startsMs: 8_000, endsMs: 3_608_000 };
  expect(tracker.health().minStaleLimitSeconds).toBe(6 + 120 + 30);
});

test("knows of a block at another gateway, also without a failure of the list", () => {
  const { tracker } = setUpList();
  tracker.follow({ ...ON_TIME, oldestMs: 2_000, isLate: true, block: { startsMs: 9_000, endsMs: 69_000 } }, 10_000);
  expect(tracker.health()).toMatchObject({ minStaleLimitSeconds: 96, failure: undefined });
});

test.each(["its own", "another"])("names the rest of a block by %s gateway as the time to wait", (who) => {
  const { time, tracker } = setUpList();
  const block = { startsMs: 8_000, endsMs: 68_000 };
  if (who === "its own") {
    time.block = block;
    tracker.recordFailure(TOO_MANY);
  } else {
    const list = { ...ON_TIME, failureCount: 1, reason: toFailureText(TOO_MANY), isLate: true, block };
    tracker.follow(list, 9_000);
  }
  for (const [nowMs, seconds] of [
    [8_000, 60],
    [48_001, 20],
    [67_999, 1],
    [90_000, 1],
  ] as const) {
    time.nowMs = nowMs;
    const { failure } = tracker.health();
    expect(failure).toMatchObject({ status: 429, body: { error: "Too many" }, retryAfterSeconds: seconds });
    expect(tracker.health().failure).toBe(failure);
  }
});

test("keeps the time to wait of other failures, and of a 429 without a known block", () => {
  const { time, tracker } = setUpList();
  for (const status of [503, 429]) {
    if (status === 503) time.block = { startsMs: 0, endsMs: 60_000 };
    else time.block = undefined;
    tracker.recordFailure(new UpstreamError("Status", { status, retryAfterSeconds: 99 }));
    expect(tracker.health().failure?.retryAfterSeconds).toBe(99);
  }
});
