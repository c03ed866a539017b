import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { Availability } from "../../shared/contracts/availability.ts";
import type { AvailabilityService } from "../availability-service.ts";
import { availabilityServiceOver } from "../test/test-gateway.ts";
import type { CustomerStore } from "./availability-store.ts";
import { createMemoryStore } from "./memory-store.ts";
import { declareStoreTests } from "./store.suite.ts";

const never = new AbortController().signal;

/** A customer's store whose clocks the test sets, with the `read` of the availability service over it. */
function storeAt(time: { wallMs: number; monotonicMs: number }): CustomerStore & Pick<AvailabilityService, "read"> {
  const clock = { wallMs: () => time.wallMs, monotonicMs: () => time.monotonicMs };
  const store = createMemoryStore({ clock }).forCustomer("demo");
  return { ...store, read: availabilityServiceOver(store, clock).read };
}

describe("the store in memory", () => {
  declareStoreTests({
    async open() {
      const store = createMemoryStore();
      return [store, store];
    },
    runs: 100,
  });
});

test("omits both wrap-up keys if no wrap-up time is configured", async () => {
  const store = storeAt({ wallMs: 1000, monotonicMs: 0 });
  await store.set(1, { status: "offline" });
  await expect(store.read(1, never)).resolves.toStrictEqual({
    value: { userId: 1, status: "offline", version: 1000 },
    ageSeconds: 0,
  });
});

test("counts a wrap-up time down to 0 and keeps the version", async () => {
  const time = { wallMs: 1000, monotonicMs: 0 };
  const store = storeAt(time);
  await store.set(1, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 2 } });
  const read = [];
  for (const monotonicMs of [0, 1, 1000, 1999, 2000, 90_000]) {
    time.monotonicMs = monotonicMs;
    read.push((await store.read(1, never)).value);
  }
  expect(read.map((availability) => availability?.wrapUpTimeTtl)).toEqual([2, 2, 1, 1, 0, 0]);
  expect(new Set(read.map((availability) => availability?.version))).toEqual(new Set([1000]));
  expect(new Set(read.map((availability) => availability?.wrapUpTimeConfig))).toEqual(new Set([30]));
});

test("counts down unaffected by a correction of the wall clock", async () => {
  const time = { wallMs: 1_000_000, monotonicMs: 0 };
  const store = storeAt(time);
  await store.set(1, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 10 } });
  time.wallMs = 0;
  await expect(store.read(1, never)).resolves.toMatchObject({ value: { wrapUpTimeTtl: 10 } });
});

test("grows the version with every change, within one millisecond and after the clock was set back", async () => {
  const time = { wallMs: 1000, monotonicMs: 0 };
  const store = storeAt(time);
  const versions = [];
  for (const wallMs of [1000, 1000, 400, 5000]) {
    time.wallMs = wallMs;
    await store.set(1, { status: versions.length % 2 ? "available" : "in_call" });
    versions.push((await store.read(1, never)).value?.version);
  }
  expect(versions).toEqual([1000, 1001, 1002, 5000]);
});

test("rejects with the signal's reason once it has aborted", async () => {
  const store = storeAt({ wallMs: 0, monotonicMs: 0 });
  await expect(store.read(1, AbortSignal.abort("gone"))).rejects.toBe("gone");
});

test("returns a valid availability at any fraction of a millisecond", async () => {
  const wrapUps = fc
    .tuple(fc.nat(100_000), fc.nat(100_000))
    .map(([a, b]) => ({ configuredSeconds: Math.max(a, b), leftSeconds: Math.min(a, b) }));
  const instant = fc.double({ min: 0, max: 1e12, noNaN: true });
  const elapsed = fc.double({ min: 0, max: 1e9, noNaN: true });
  await fc.assert(
    fc.asyncProperty(wrapUps, instant, elapsed, async (wrapUp, startMs, elapsedMs) => {
      const time = { wallMs: 1, monotonicMs: startMs };
      const store = storeAt(time);
      await store.set(1, { status: "available", wrapUp });
      const first = v.parse(Availability, (await store.read(1, never)).value);
      expect(first.wrapUpTimeTtl).toBe(wrapUp.leftSeconds);
      time.monotonicMs += elapsedMs;
      const later = v.parse(Availability, (await store.read(1, never)).value);
      expect(later.wrapUpTimeTtl).toBeLessThanOrEqual(wrapUp.leftSeconds);
    }),
  );
});

test("keeps no more changes of many customers than its history's length and a tenth", async () => {
  const store = createMemoryStore({ historyLength: 100 });
  const customers = Array.from({ length: 50 }, (_, index) => store.forCustomer(`customer-${index}`));
  for (let round = 0; round < 20; round += 1) {
    for (const customer of customers) await customer.set(1, { status: round % 2 ? "available" : "in_call" });
    expect(store.historySize().entries).toBeLessThanOrEqual(110);
  }
  const replicas = await Promise.all(customers.map((customer) => customer.open(never)));
  const epoch = replicas[0]?.cursor().split("-")[0];
  const replayed = replicas.map((replica) => replica.changesSince(`${epoch}-900`)?.length);
  expect(replayed).toEqual(Array(50).fill(2));
  expect(replicas.map((replica) => replica.changesSince(`${epoch}-800`))).toEqual(Array(50).fill(undefined));
});
