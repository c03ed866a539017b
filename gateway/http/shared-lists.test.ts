import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import type { AllReading } from "../availability-service.ts";
import { toAvailability } from "../store/agent.ts";
import type { CustomerStore } from "../store/availability-store.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { availabilityServiceOver } from "../test/test-gateway.ts";
import { createTurns } from "../turns.ts";
import { createSharedLists } from "./shared-lists.ts";

const never = new AbortController().signal;

/** Agents that need several turns of the event loop. */
const MANY = 1_000;

/** Creates shared lists of a customer with the agents from 1, and a clock that the test sets. */
async function setUp(count: number) {
  const time = { nowMs: 0 };
  const clock = { wallMs: () => 7, monotonicMs: () => time.nowMs };
  const store = createMemoryStore({ clock }).forCustomer("acme");
  for (let userId = 1; userId <= count; userId += 1) await store.set(userId, { status: "available" });
  const service = availabilityServiceOver(store, clock);
  const turns = createTurns();
  const lists = createSharedLists(turns, () => time.nowMs);
  let formatted = 0;
  const onFormatted = (agents: number): void => {
    formatted += agents;
  };
  const read = async (acceptsGzip = false) =>
    lists.read("acme", await service.readAll(never), { acceptsGzip, onFormatted });
  return { time, store, service, turns, lists, read, formatted: () => formatted };
}

/** The list as the documentation describes it. */
async function expected(store: CustomerStore, nowMs: number) {
  const replica = await store.open(never);
  const agents = [...replica.agents()];
  return {
    availabilities: Object.fromEntries(agents.map((agent) => [agent.userId, toAvailability(agent, nowMs)])),
    errors: {},
    updatedAt: Object.fromEntries(agents.map(({ userId, updatedAt }) => [userId, updatedAt])),
    cursor: replica.lastChangeCursor(),
  };
}

const parse = (body: Buffer): unknown => JSON.parse(body.toString());

test("formats and compresses the agents once for all readers, and after a change the changed agent alone", async () => {
  const { store, read, formatted } = await setUp(MANY);
  const lists = await Promise.all(Array.from({ length: 60 }, () => read(true)));
  expect(formatted()).toBe(MANY);
  expect(new Set(lists.map(({ body }) => body)).size).toBe(1);
  const [first] = lists;
  if (!first) throw new Error("There are sixty lists");
  expect(first.isCompressed).toBe(true);
  expect(parse(gunzipSync(first.body))).toEqual(await expected(store, 0));
  await store.set(7, { status: "in_call" });
  const second = await read();
  expect(second.isCompressed).toBe(false);
  expect(parse(second.body)).toEqual(await expected(store, 0));
  expect(formatted()).toBe(MANY + 1);
});

test("does not compress a list of less than a kilobyte", async () => {
  const { read } = await setUp(3);
  expect((await read(true)).isCompressed).toBe(false);
});

test("gives no reader a list without a change that the reader has seen, while an earlier list is encoded", async () => {
  const { store, read, formatted } = await setUp(MANY);
  const earlier = read();
  await new Promise(setImmediate);
  await store.set(7, { status: "in_call" });
  const later = [read(), read()];
  await store.set(8, { status: "in_call" });
  later.push(read());
  await earlier;
  for (const { body } of await Promise.all(later)) expect(parse(body)).toEqual(await expected(store, 0));
  expect(formatted()).toBe(MANY + 2);
});

test("shares a list with a running wrap-up time for a second, and formats only that agent again", async () => {
  const { time, store, read, formatted } = await setUp(3);
  await store.set(2, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 5 } });
  const counts: number[] = [];
  for (const nowMs of [0, 999, 1_000, 5_000, 59_000]) {
    time.nowMs = nowMs;
    const { body } = await read();
    counts.push(formatted());
    if (nowMs !== 999) expect(parse(body)).toEqual(await expected(store, nowMs));
  }
  // At 5 s the wrap-up time has ended.
  expect(counts).toEqual([3, 3, 4, 5, 5]);
});

test("drops a list that was not read for a minute", async () => {
  const { time, read, formatted } = await setUp(3);
  await read();
  time.nowMs = 60_000;
  await read();
  expect(formatted()).toBe(6);
});

test("shows the wrap-up times of the reading's age again after a recovery", async () => {
  const { time, store, service, lists } = await setUp(1);
  await store.set(1, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 20 } });
  time.nowMs = 15_000;
  const present = await service.readAll(never);
  const options = { acceptsGzip: false, onFormatted: () => {} };
  // The data of ten seconds ago.
  const aged = (): AllReading => ({ ...present, ageSeconds: 10, validAtMs: 5_000, again: aged });
  expect(parse((await lists.read("acme", aged(), options)).body)).toEqual(await expected(store, 5_000));
  expect(parse((await lists.read("acme", present, options)).body)).toEqual(await expected(store, 15_000));
});

test("shares no list with an agent that cannot be read", async () => {
  const { service, lists } = await setUp(2);
  const present = await service.readAll(never);
  const options = { acceptsGzip: false, onFormatted: () => {} };
  await lists.read("acme", present, options);
  const broken = (): AllReading => ({ ...present, unreadable: [9], again: broken });
  expect(parse((await lists.read("acme", broken(), options)).body)).toMatchObject({ errors: { 9: { status: 503 } } });
  expect(parse((await lists.read("acme", present, options)).body)).toMatchObject({ errors: {} });
});

/** Counts the turns of the event loop until a promise settles. */
async function countTurns(settled: Promise<unknown>): Promise<number> {
  let count = 0;
  let isOver = false;
  const tick = (): void => {
    count += 1;
    if (!isOver) setImmediate(tick);
  };
  setImmediate(tick);
  await settled;
  isOver = true;
  return count;
}

test("formats 250 agents in a turn of the event loop, and joins 2,000 that were formatted before", async () => {
  const { store, read } = await setUp(10_000);
  expect(await countTurns(read())).toBeGreaterThanOrEqual(40);
  await store.set(1, { status: "in_call" });
  const turns = await countTurns(read());
  expect(turns).toBeGreaterThanOrEqual(5);
  expect(turns).toBeLessThan(20);
});

test("writes one long list in a turn of the event loop, whoever reads it", async () => {
  const { read } = await setUp(2 * MANY);
  await read();
  expect(await countTurns(Promise.all(Array.from({ length: 30 }, () => read())))).toBeGreaterThanOrEqual(30);
});

test("gives each reader the agents of the moment, in any course of changes and readings", async () => {
  const step = fc.oneof(
    fc.record({ userId: fc.integer({ min: 1, max: 6 }), status: fc.constantFrom("in_call", "available", "other") }),
    fc.record({ userId: fc.integer({ min: 1, max: 6 }), leftSeconds: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ removed: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ passMs: fc.constantFrom(10, 1_000, 2_500, 70_000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { time, store, read } = await setUp(4);
      for (const each of steps) {
        if ("passMs" in each) time.nowMs += each.passMs;
        else if ("removed" in each) await store.remove(each.removed);
        else if ("status" in each) await store.set(each.userId, { status: each.status });
        else {
          const wrapUp = { configuredSeconds: 3, leftSeconds: each.leftSeconds };
          await store.set(each.userId, { status: "available", wrapUp });
        }
        const list = parse((await read()).body) as Awaited<ReturnType<typeof expected>>;
        const now = await expected(store, time.nowMs);
        expect(withoutTimes(list)).toEqual(withoutTimes(now));
        for (const [userId, { wrapUpTimeTtl = 0 }] of Object.entries(now.availabilities)) {
          const told = list.availabilities[userId]?.wrapUpTimeTtl ?? 0;
          expect(told - wrapUpTimeTtl).toBeLessThanOrEqual(1);
          expect(told).toBeGreaterThanOrEqual(wrapUpTimeTtl);
        }
      }
    }),
    { numRuns: scaleRuns(100) },
  );
});

function withoutTimes({ availabilities, ...list }: Awaited<ReturnType<typeof expected>>) {
  const untimed = Object.entries(availabilities).map(([userId, availability]) => [
    userId,
    { ...availability, wrapUpTimeTtl: 0 },
  ]);
  return { ...list, availabilities: Object.fromEntries(untimed) };
}
