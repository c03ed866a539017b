import fc from "fast-check";
import { expect, test } from "vitest";
import { createTokenBuckets } from "./token-bucket.ts";

const MINUTE_MS = 60_000;

/** A bucket as counted units, which are refilled with the time. */
function createPlainBucket(unitsPerMinute: number) {
  const capacity = Math.max(1, unitsPerMinute / 6);
  let [units, atMs] = [capacity, 0];
  const refill = (nowMs: number) => {
    units = Math.min(capacity, units + ((nowMs - atMs) * unitsPerMinute) / MINUTE_MS);
    atMs = nowMs;
  };
  return {
    waitMs(nowMs: number) {
      refill(nowMs);
      return Math.max(0, ((1 - units) * MINUTE_MS) / unitsPerMinute);
    },
    spend(nowMs: number, count: number) {
      refill(nowMs);
      units -= count;
    },
  };
}

test("says of each key how long it has to wait, as a bucket of units does that is refilled with the time", () => {
  const steps = fc.array(
    fc.record({ key: fc.constantFrom("a", 7, 8), afterMs: fc.nat(90_000), units: fc.constantFrom(1, 1, 1, 3, 400) }),
    { maxLength: 40, size: "max" },
  );
  fc.assert(
    fc.property(fc.constantFrom(1, 7, 60, 600, 1_000_000_000), steps, (unitsPerMinute, all) => {
      const buckets = createTokenBuckets(unitsPerMinute);
      const plain = new Map<string | number, ReturnType<typeof createPlainBucket>>();
      let nowMs = 0;
      for (const { key, afterMs, units } of all) {
        nowMs += afterMs;
        const own = plain.get(key) ?? createPlainBucket(unitsPerMinute);
        plain.set(key, own);
        expect(buckets.waitMs(key, nowMs)).toBeCloseTo(own.waitMs(nowMs), 1);
        buckets.spend(key, nowMs, units);
        own.spend(nowMs, units);
      }
    }),
  );
});

test("removes a key within a minute after its bucket is full, and no bucket in debt", () => {
  const buckets = createTokenBuckets(600);
  for (let index = 0; index < 1000; index += 1) buckets.spend(`key ${index}`, index, 1);
  // Two minutes of units.
  buckets.spend("debtor", 1000, 1200);
  buckets.spend("late", MINUTE_MS + 1000, 1);
  expect(buckets.size()).toBe(2);
  expect(buckets.waitMs("debtor", MINUTE_MS + 1000)).toBe(50_100);
  buckets.spend("later", 3 * MINUTE_MS, 1);
  expect(buckets.size()).toBe(1);
});
