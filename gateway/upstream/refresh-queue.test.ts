import { expect, onTestFinished, test } from "vitest";
import { createTestTime } from "../test/test-time.ts";
import { createRefreshQueue } from "./refresh-queue.ts";
import type { RequestBudget } from "./request-budget.ts";
import { RateBudgetError } from "./upstream.ts";

interface Read {
  readonly userId: number;
  settle(error?: Error): void;
}

/** Queue with reads and a budget that the test controls. */
function setUp() {
  const time = createTestTime();
  const reads: Read[] = [];
  const stopped = new AbortController();
  const grants = { left: 1_000, asked: 0, waitMs: 1_000 };
  const budget: RequestBudget = {
    acquire: async () => {
      grants.asked += 1;
      if (grants.left <= 0) return false;
      grants.left -= 1;
      return true;
    },
    acquireRead: async () => undefined,
    reserve: async () => undefined,
    block: () => {},
    lastBlock: () => undefined,
    blockedMs: () => 0,
    waitMs: () => grants.waitMs,
    remaining: () => grants.left,
    pollIntervalMs: 1_000,
  };
  const read = (userId: number) =>
    new Promise<void>((resolve, reject) => {
      reads.push({ userId, settle: (error) => (error ? reject(error) : resolve()) });
    });
  /** When the last reads of agents by other gateways began. */
  const lastReads = new Map<number, number>();
  const lastReadMs = async (userId: number) => lastReads.get(userId) ?? -Infinity;
  const { clock, wait } = time;
  const queue = createRefreshQueue({ read, lastReadMs, clock, budget, wait, signal: stopped.signal });
  onTestFinished(() => stopped.abort(new Error("over")));
  const ids = () => reads.map(({ userId }) => userId);
  return { queue, time, reads, ids, grants, stopped, lastReads };
}

test("reads an agent once for all requests before the read starts, and once more for all later requests", async () => {
  const { queue, time, reads, ids } = setUp();
  const early = [queue.refresh(1), queue.refresh(1), queue.refresh(1)];
  await time.until(() => reads.length === 1);
  const late = [queue.refresh(1), queue.refresh(1)];
  reads[0]?.settle();
  await Promise.all(early);
  await time.until(() => reads.length === 2);
  reads[1]?.settle();
  await Promise.all(late);
  await queue.whenIdle();
  expect(ids()).toEqual([1, 1]);
});

test("reads agents one after the other, in the order of the requests", async () => {
  const { queue, time, reads, ids } = setUp();
  const requested = [3, 1, 2].map((userId) => queue.refresh(userId));
  for (let index = 0; index < 3; index += 1) {
    await time.until(() => reads.length === index + 1);
    await time.elapse(10_000);
    expect(reads).toHaveLength(index + 1);
    reads[index]?.settle();
  }
  await Promise.all(requested);
  expect(ids()).toEqual([3, 1, 2]);
});

test("waits for the budget, and spends none if a poll has read the agent first", async () => {
  const { queue, time, reads, ids, grants } = setUp();
  grants.left = 0;
  const markEarlier = queue.startOtherRead();
  const requested = [queue.refresh(1), queue.refresh(2)];
  await time.elapse(5_000);
  expect(reads).toEqual([]);
  markEarlier([1, 2]);
  queue.startOtherRead()([1, 9]);
  await requested[0];
  grants.left = 1;
  await time.until(() => reads.length === 1);
  reads[0]?.settle();
  await requested[1];
  expect(ids()).toEqual([2]);
});

test("reads an agent who was requested again after another read had started", async () => {
  const { queue, time, reads, ids, grants } = setUp();
  grants.left = 0;
  const early = queue.refresh(1);
  const markRefreshed = queue.startOtherRead();
  const late = queue.refresh(1);
  markRefreshed([1]);
  grants.left = 1;
  await time.until(() => reads.length === 1);
  reads[0]?.settle();
  await Promise.all([early, late]);
  expect(ids()).toEqual([1]);
});

test("reads no agent whom another gateway has read since the last request", async () => {
  const { queue, time, reads, ids, grants, lastReads } = setUp();
  grants.left = 0;
  const requested = [1, 2, 3].map((userId) => queue.refresh(userId));
  await time.elapse(500);
  requested.push(queue.refresh(2), queue.refresh(3));
  lastReads.set(1, 250).set(2, 500).set(3, 501);
  await time.elapse(5_000);
  await requested[0];
  grants.left = 3;
  await time.until(() => reads.length === 1);
  reads[0]?.settle();
  await Promise.all(requested);
  expect([ids(), grants.left]).toEqual([[2], 2]);
});

test("asks the budget again when the budget has said that a request is free", async () => {
  const { queue, time, reads, grants } = setUp();
  Object.assign(grants, { left: 0, waitMs: 42_000 });
  const requested = queue.refresh(1);
  await time.elapse(41_999);
  expect([grants.asked, reads.length]).toEqual([1, 0]);
  grants.left = 1;
  await time.until(() => reads.length === 1);
  expect([grants.asked, time.nowMs()]).toEqual([2, 42_000]);
  reads[0]?.settle();
  await requested;
});

test("rejects the requests of a failed read and reads the next agent", async () => {
  const { queue, time, reads } = setUp();
  const first = expect(queue.refresh(1)).rejects.toThrow("rejected");
  const second = queue.refresh(2);
  await time.until(() => reads.length === 1);
  reads[0]?.settle(new Error("rejected"));
  await first;
  await time.until(() => reads.length === 2);
  reads[1]?.settle();
  await second;
});

test("lets at most 10,000 agents wait", async () => {
  const { queue, grants, stopped } = setUp();
  grants.left = 0;
  const outcomes = Array.from({ length: 10_001 }, (_, index) =>
    queue.refresh(index + 1).catch((error: unknown) => error),
  );
  await expect(outcomes.at(-1)).resolves.toBeInstanceOf(RateBudgetError);
  // A waiting agent may be requested again.
  const again = queue.refresh(1);
  stopped.abort(new Error("stopped"));
  await expect(again).rejects.toThrow("stopped");
  await Promise.all(outcomes);
});

test("starts again after being idle", async () => {
  const { queue, time, reads } = setUp();
  for (let index = 0; index < 3; index += 1) {
    const requested = queue.refresh(index + 1);
    await time.until(() => reads.length === index + 1);
    reads[index]?.settle();
    await requested;
  }
});
