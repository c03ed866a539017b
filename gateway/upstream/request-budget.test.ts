import fc from "fast-check";
import { expect, test } from "vitest";
import { StoreUnavailableError } from "../store/availability-store.ts";
import { createMemorySlots } from "../store/memory-slots.ts";
import type { RequestSlots } from "../store/request-slots.ts";
import { createRequestBudget, type RequestPurpose, toRateBudgetError } from "./request-budget.ts";

const PURPOSES: readonly RequestPurpose[] = ["poll", "refresh", "write"];

/** The budgets of several gateways over the same slots. */
function budgetsAt(
  time: { nowMs: number },
  requestsPerMinute: number,
  { count = 1, change = (slots: RequestSlots) => slots } = {},
) {
  const clock = { wallMs: () => 0, monotonicMs: () => time.nowMs };
  const slots = change(createMemorySlots(clock, () => time.nowMs * 1000));
  return Array.from({ length: count }, () => createRequestBudget({ requestsPerMinute, slots, clock }));
}

function budgetAt(...parts: Parameters<typeof budgetsAt>) {
  const [budget] = budgetsAt(...parts);
  return budget ?? expect.fail();
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

test("never grants more than the budget in any minute to all gateways, at any order of calls", async () => {
  const call = fc.record({
    gateway: fc.nat(2),
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
        const budgets = budgetsAt(time, perMinute, { count: 3 });
        const grantedAtMs: number[] = [];
        for (const { gateway, purpose, afterMs, times } of calls) {
          time.nowMs += afterMs;
          const budget = budgets[gateway] ?? expect.fail();
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
  const [one, other] = budgetsAt(time, 6, { count: 2 });
  const lost = await one?.reserve("write");
  time.nowMs = 61_000;
  expect(await other?.acquire("write")).toBe(true);
  expect(await lost?.renew()).toBe(false);
});

test("tells when a read begins, by the same call", async () => {
  const budget = budgetAt({ nowMs: 5 }, 6);
  const starts = [await budget.acquireRead("write"), await budget.acquireRead("write")];
  expect(starts).toEqual([5_000, undefined]);
});

test("never denies a poll at the poll interval", async () => {
  const time = { nowMs: 0 };
  const budget = budgetAt(time, 60);
  for (let polls = 0; polls < 500; polls += 1) {
    expect(await budget.acquire("poll")).toBe(true);
    time.nowMs += budget.pollIntervalMs;
  }
});

test("asks the store once for a request, and knows when the next request is free after a denial", async () => {
  let calls = 0;
  const time = { nowMs: 0 };
  const [one, other] = budgetsAt(time, 6_000, {
    count: 2,
    change: (slots) => ({
      ...slots,
      take(request) {
        calls += 1;
        return slots.take(request);
      },
    }),
  });
  if (!one || !other) expect.fail();
  for (let request = 0; request < 1_000; request += 1) {
    expect(await one.acquire("write")).toBe(true);
    time.nowMs += 10;
  }
  expect(await other.acquire("write")).toBe(false);
  expect(calls).toBe(1_001);
  // The first of the requests was 10 s ago.
  expect(other.waitMs("write")).toBe(51_000);
  expect(toRateBudgetError(other, "write").retryAfterSeconds).toBe(51);
  time.nowMs += other.waitMs("write") - 1;
  expect(await other.acquire("write")).toBe(false);
  time.nowMs += other.waitMs("write");
  expect(await other.acquire("write")).toBe(true);
});

test("grants nothing while the store cannot be reached, asks again after a second, and loses no slot", async () => {
  let isAway = true;
  const time = { nowMs: 0 };
  const budget = budgetAt(time, 6, {
    change: (slots) => ({
      ...slots,
      async take(request) {
        if (isAway) throw new StoreUnavailableError("away");
        return slots.take(request);
      },
    }),
  });
  expect(await budget.acquire("write")).toBe(false);
  expect(budget.waitMs("write")).toBe(1_000);
  isAway = false;
  expect(await budget.acquire("write")).toBe(true);
});

test("grants no request whose slot was taken more than a second ago, because the minute would begin too early", async () => {
  const time = { nowMs: 0 };
  const delay = { ms: 1_001 };
  const budget = budgetAt(time, 60, {
    change: (slots) => ({
      ...slots,
      async take(request) {
        const reply = await slots.take(request);
        time.nowMs += delay.ms;
        return reply;
      },
    }),
  });
  expect(await budget.acquire("poll")).toBe(false);
  delay.ms = 1_000;
  expect(await budget.acquire("poll")).toBe(true);
});

test("grants nothing to any gateway while blocked and knows for how long", async () => {
  const time = { nowMs: 0 };
  const [budget, other] = budgetsAt(time, 60, { count: 2 });
  if (!budget || !other) expect.fail();
  budget.block(60_000);
  budget.block(10);
  expect(await budget.acquire("poll")).toBe(false);
  expect([budget.blockedMs(), budget.remaining(), budget.waitMs("write")]).toEqual([60_000, 0, 60_000]);
  expect([other.blockedMs(), await other.acquire("write"), other.blockedMs()]).toEqual([0, false, 60_000]);
  time.nowMs = 60_000;
  expect(await budget.acquire("poll")).toBe(true);
  expect([budget.blockedMs(), budget.remaining()]).toEqual([0, 59]);
});

test("knows the last block from its beginning, made longer by a later one, and from when it is known", async () => {
  const time = { nowMs: 0 };
  const [budget, other] = budgetsAt(time, 60, { count: 2 });
  if (!budget || !other) expect.fail();
  expect(budget.lastBlock()).toBeUndefined();
  budget.block(60_000);
  time.nowMs = 10_000;
  budget.block(1_000);
  await other.acquire("poll");
  expect([budget.lastBlock(), other.lastBlock()]).toEqual([
    { startsMs: 0, endsMs: 60_000 },
    { startsMs: 10_000, endsMs: 60_000 },
  ]);
  budget.block(90_000);
  expect(budget.lastBlock()).toEqual({ startsMs: 0, endsMs: 100_000 });
  time.nowMs = 100_000;
  budget.block(60_000);
  expect(budget.lastBlock()).toEqual({ startsMs: 100_000, endsMs: 160_000 });
});

test("takes a block that the store ends a moment later for the same block", async () => {
  const time = { nowMs: 0 };
  const sent: (() => Promise<void>)[] = [];
  const budget = budgetAt(time, 60, {
    change: (slots) => ({ ...slots, block: async (milliseconds) => void sent.push(() => slots.block(milliseconds)) }),
  });
  budget.block(60_000);
  time.nowMs = 5;
  for (const arrive of sent) await arrive();
  time.nowMs = 60_000;
  expect(await budget.acquire("refresh")).toBe(false);
  expect([budget.blockedMs(), budget.lastBlock()]).toEqual([5, { startsMs: 0, endsMs: 60_005 }]);
  time.nowMs = 60_005;
  expect(await budget.acquire("refresh")).toBe(true);
});

test("grants nothing to a call that was waiting for the store when the block began", async () => {
  let resume = () => {};
  const budget = budgetAt({ nowMs: 0 }, 60, {
    change: (slots) => ({
      ...slots,
      async take(request) {
        const reply = await slots.take(request);
        await new Promise<void>((resolve) => {
          resume = resolve;
        });
        return reply;
      },
    }),
  });
  const acquiring = budget.acquire("poll");
  budget.block(1);
  await Promise.resolve();
  resume();
  expect(await acquiring).toBe(false);
});

test("counts all requests as remaining again when its knowledge is older than a minute", async () => {
  const time = { nowMs: 0 };
  const budget = budgetAt(time, 60);
  await budget.acquire("poll");
  expect(budget.remaining()).toBe(59);
  time.nowMs = 61_000;
  expect(budget.remaining()).toBe(60);
});
