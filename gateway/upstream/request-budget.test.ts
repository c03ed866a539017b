import fc from "fast-check";
import { expect, test } from "vitest";
import { createRequestBudget, type RequestPurpose } from "./request-budget.ts";

const PURPOSES: readonly RequestPurpose[] = ["poll", "refresh", "write"];

function budgetAt(time: { nowMs: number }, requestsPerMinute: number, lease = async (_slot: string) => true) {
  const clock = { wallMs: () => 0, monotonicMs: () => time.nowMs };
  return createRequestBudget({ requestsPerMinute, lease, clock });
}

async function acquireAll(take: () => Promise<boolean>): Promise<number> {
  let acquired = 0;
  while (await take()) acquired += 1;
  return acquired;
}

test.each([
  [60, { poll: 30, refresh: 20, write: 10 }],
  [6, { poll: 3, refresh: 2, write: 1 }],
  [120, { poll: 60, refresh: 40, write: 20 }],
])("divides %s requests among the purposes", async (requestsPerMinute, parts) => {
  const budget = budgetAt({ nowMs: 0 }, requestsPerMinute);
  expect(budget.remaining()).toBe(requestsPerMinute);
  for (const purpose of PURPOSES) expect(await acquireAll(() => budget.acquire(purpose))).toBe(parts[purpose]);
  expect(budget.remaining()).toBe(0);
});

test("never grants more than the budget in any minute, at any order of calls", async () => {
  const call = fc.record({
    purpose: fc.constantFrom(...PURPOSES),
    afterMs: fc.nat(5_000),
    times: fc.integer({ min: 1, max: 9 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 6, max: 30 }),
      fc.array(call, { maxLength: 60, size: "max" }),
      async (perMinute, calls) => {
        const time = { nowMs: 0 };
        const budget = budgetAt(time, perMinute);
        const grantedAtMs: number[] = [];
        for (const { purpose, afterMs, times } of calls) {
          time.nowMs += afterMs;
          const grants = await Promise.all(Array.from({ length: times }, () => budget.acquire(purpose)));
          for (const isGranted of grants) if (isGranted) grantedAtMs.push(time.nowMs);
        }
        for (const beginMs of grantedAtMs) {
          const inMinute = grantedAtMs.filter((atMs) => atMs >= beginMs && atMs < beginMs + 60_000);
          expect(inMinute.length).toBeLessThanOrEqual(perMinute);
        }
      },
    ),
  );
});

test("counts a reserved request from when it is sent, and not at all if it is canceled", async () => {
  const time = { nowMs: 0 };
  const budget = budgetAt(time, 6);
  const reservation = await budget.reserve("write");
  expect([await budget.acquire("write"), await budget.reserve("write")]).toEqual([false, undefined]);
  time.nowMs = 9_000;
  expect(await reservation?.renew()).toBe(true);
  time.nowMs = 69_000;
  expect(await budget.acquire("write")).toBe(false);
  time.nowMs = 70_000;
  (await budget.reserve("write"))?.cancel();
  expect(await budget.acquire("write")).toBe(true);
});

test("lets no reserved request be sent while the upstream is blocked, or after another gateway has the slot", async () => {
  const time = { nowMs: 0 };
  const blocked = budgetAt(time, 6);
  const reservation = await blocked.reserve("write");
  blocked.block(60_000);
  expect(await reservation?.renew()).toBe(false);
  const grants = [true, false];
  const lost = await budgetAt(time, 6, async () => grants.shift() ?? false).reserve("write");
  expect(await lost?.renew()).toBe(false);
});

test("never denies a poll at the poll interval", async () => {
  const time = { nowMs: 0 };
  const budget = budgetAt(time, 60);
  for (let polls = 0; polls < 500; polls += 1) {
    expect(await budget.acquire("poll")).toBe(true);
    time.nowMs += budget.pollIntervalMs;
  }
});

test("grants no slot that another gateway has leased and tries the next", async () => {
  const leased: string[] = [];
  const foreign = new Set(["slot/0", "slot/2"]);
  const budget = budgetAt({ nowMs: 0 }, 6, async (slot) => {
    leased.push(slot);
    return !foreign.has(slot);
  });
  expect(await budget.acquire("poll")).toBe(true);
  expect(await budget.acquire("poll")).toBe(false);
  foreign.clear();
  expect(await acquireAll(() => budget.acquire("poll"))).toBe(2);
  expect(leased.slice(0, 2)).toEqual(["slot/0", "slot/1"]);
});

test("loses no slot if the store is unreachable", async () => {
  let isAway = true;
  const budget = budgetAt({ nowMs: 0 }, 6, async () => {
    if (isAway) throw new Error("away");
    return true;
  });
  await expect(budget.acquire("write")).rejects.toThrow("away");
  isAway = false;
  expect(await budget.acquire("write")).toBe(true);
});

test("grants nothing while blocked and knows for how long", async () => {
  const time = { nowMs: 0 };
  const budget = budgetAt(time, 60);
  budget.block(60_000);
  budget.block(10);
  expect(await budget.acquire("poll")).toBe(false);
  expect([budget.blockedMs(), budget.remaining(), budget.retryAfterSeconds("write")]).toEqual([60_000, 0, 60]);
  time.nowMs = 60_000;
  expect(await budget.acquire("poll")).toBe(true);
  expect([budget.blockedMs(), budget.remaining()]).toEqual([0, 59]);
});

test("grants nothing to a call that was waiting for the store when the block began", async () => {
  const leaseCall: { resolve?: (isMine: boolean) => void } = {};
  const budget = budgetAt({ nowMs: 0 }, 60, () => new Promise((resolve) => Object.assign(leaseCall, { resolve })));
  const acquiring = budget.acquire("poll");
  budget.block(1);
  leaseCall.resolve?.(true);
  expect(await acquiring).toBe(false);
});
