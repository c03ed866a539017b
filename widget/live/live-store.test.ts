import fc from "fast-check";
import { expect, test } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import type { Availability } from "../../shared/contracts/availability.ts";
import { subtractElapsed } from "../gateway/elapsed-time.ts";
import { createLiveStore, type LiveStore } from "./live-store.ts";

/** A store with a manual clock, and the wrap-up timers set by the store. */
function setUp(): {
  readonly store: LiveStore;
  readonly time: { ms: number };
  readonly alarms: Map<number, number>;
} {
  const time = { ms: 1_000_000 };
  const alarms = new Map<number, number>();
  const wrapUpTimers = {
    set: (userId: number, leftMs: number) => void alarms.set(userId, leftMs),
    cancel: (userId: number) => void alarms.delete(userId),
  };
  return { store: createLiveStore({ wrapUpTimers, subtractElapsed, now: () => time.ms }), time, alarms };
}

const at = (version: number): Availability => ({ userId: 1, status: "available", version });
const wrappingUp = (version: number, wrapUpTimeTtl: number): Availability => ({
  ...at(version),
  wrapUpTimeConfig: 30,
  wrapUpTimeTtl,
});

const versionIn = (store: LiveStore): number | undefined => store.get(1)?.availability.version;
const secondsLeft = (store: LiveStore): number | undefined => store.get(1)?.availability.wrapUpTimeTtl;

test("stores the highest version in any order", () => {
  for (const order of [
    [1, 2],
    [2, 1],
    [2, 1, 2],
  ]) {
    const { store } = setUp();
    for (const version of order) store.merge(at(version), 0);
    expect(versionIn(store)).toBe(2);
  }
});

test("stores a version's time of change from any source, and keeps the time", () => {
  const { store } = setUp();
  store.merge(at(2), 0);
  store.merge(at(2), 0, 1_700);
  store.merge(at(2), 0);
  expect(store.get(1)?.updatedAt).toBe(1_700);
  store.merge(at(3), 0);
  expect(store.get(1)?.updatedAt).toBeUndefined();
});

test("counts the wrap-up time down to 0 from the time of the response", () => {
  const { store, time } = setUp();
  store.merge(wrappingUp(1, 20), 3_000);
  expect(secondsLeft(store)).toBe(17);
  time.ms += 16_001;
  expect(secondsLeft(store)).toBe(1);
  time.ms += 999;
  expect(secondsLeft(store)).toBe(0);
  time.ms += 60_000;
  expect(secondsLeft(store)).toBe(0);
});

test("never postpones the end of a version's wrap-up time, and moves the end forward on an earlier one", () => {
  const { store, time, alarms } = setUp();
  store.merge(wrappingUp(1, 20), 0);
  time.ms += 5_000;
  store.merge(wrappingUp(1, 20), 0);
  expect([secondsLeft(store), alarms.get(1)]).toEqual([15, 15_000]);
  store.merge(wrappingUp(1, 10), 0);
  expect([secondsLeft(store), alarms.get(1)]).toEqual([10, 10_000]);
  store.merge(wrappingUp(2, 30), 0);
  expect([secondsLeft(store), alarms.get(1)]).toEqual([30, 30_000]);
});

test("does not cache a running wrap-up time after a sleep, until a response, and gives the page one that ends much sooner", () => {
  const { store, time } = setUp();
  store.merge(wrappingUp(1, 20), 0);
  store.merge({ ...at(1), userId: 2 }, 0);
  store.markAnnounced(1);
  // The clock has stood still for most of the sleep.
  time.ms += 1_000;
  expect(store.distrustWrapUpTimes()).toEqual([1]);
  expect([store.getCached(1), store.getCached(2)?.version]).toEqual([undefined, 1]);
  // An equal end, rounded, then an end as near as rounding and a response's way explain.
  store.merge(wrappingUp(1, 18), 0);
  expect([store.getCached(1)?.version, store.markAnnounced(1)]).toEqual([1, false]);
  store.merge(wrappingUp(1, 16), 0);
  expect(store.markAnnounced(1)).toBe(false);
  store.merge(wrappingUp(1, 3), 0);
  expect([secondsLeft(store), store.markAnnounced(1)]).toEqual([3, true]);
});

test("learns nothing about a version from an older one", () => {
  const { store } = setUp();
  store.merge(wrappingUp(2, 20), 0);
  store.merge(wrappingUp(1, 5), 0, 1_700);
  expect([secondsLeft(store), store.get(1)?.updatedAt]).toEqual([20, undefined]);
});

test("returns a cached availability that stays readable after the store drops it", () => {
  const { store, time } = setUp();
  expect(store.getCached(1)).toBeUndefined();
  store.merge(wrappingUp(1, 20), 0);
  const held = store.getCached(1);
  store.clear();
  time.ms += 5_000;
  expect([held?.version, held?.read()]).toEqual([1, wrappingUp(1, 15)]);
});

test("restores a removed user with a higher version only", () => {
  const { store } = setUp();
  store.merge(at(1), 0);
  store.remove(1, 3);
  expect([versionIn(store), store.getCached(1), [...store.userIds()]]).toEqual([undefined, undefined, []]);
  for (const version of [1, 2, 3]) store.merge(at(version), 0);
  expect(versionIn(store)).toBeUndefined();
  store.merge(at(4), 0);
  expect(versionIn(store)).toBe(4);
});

test("keeps a user newer than the removal, also if the removal arrives first", () => {
  const { store } = setUp();
  store.remove(1, 3);
  store.merge(at(2), 0);
  expect(versionIn(store)).toBeUndefined();
  store.merge(at(4), 0);
  for (const version of [3, 4]) store.remove(1, version);
  expect(versionIn(store)).toBe(4);
});

test("counts every version as one that the page does not have, also the first, until it is announced", () => {
  const { store } = setUp();
  store.merge(at(0), 0);
  expect([store.markAnnounced(1), store.markAnnounced(1)]).toEqual([true, false]);
});

test("restores a user missing from a snapshot with the same version, and not with a lower one", () => {
  const { store } = setUp();
  store.merge(at(5), 0);
  store.markMissing(1);
  store.merge(at(4), 0);
  expect(versionIn(store)).toBeUndefined();
  store.merge(at(5), 0);
  expect(versionIn(store)).toBe(5);
});

test("drops users not retained with their wrap-up timers, and keeps the versions of removed users until it is cleared", () => {
  const { store, alarms } = setUp();
  store.merge(wrappingUp(1, 20), 0);
  store.merge({ ...wrappingUp(1, 20), userId: 2 }, 0);
  store.remove(3, 9);
  store.retain((userId) => userId === 2);
  expect([[...store.userIds()], [...alarms.keys()]]).toEqual([[2], [2]]);
  store.merge({ ...at(8), userId: 3 }, 0);
  expect([...store.userIds()]).toEqual([2]);
  store.clear();
  store.merge({ ...at(8), userId: 3 }, 0);
  expect([...store.userIds()]).toEqual([3]);
});

test("cancels the wrap-up timer of a removed user", () => {
  const { store, alarms } = setUp();
  store.merge(wrappingUp(1, 20), 0);
  store.remove(1, 2);
  expect(alarms.get(1) ?? 0).toBeLessThanOrEqual(0);
});

/** Possible events for one user. The user is present at even versions and removed at odd versions. */
type StoreStep =
  | { readonly what: "offer" | "remove"; readonly version: number }
  | { readonly what: "lose" }
  | { readonly what: "wait"; readonly ms: number };

const storeStep: fc.Arbitrary<StoreStep> = fc.oneof(
  fc.record({ what: fc.constant("offer" as const), version: fc.nat(10).map((half) => 2 * half) }),
  fc.record({ what: fc.constant("remove" as const), version: fc.nat(10).map((half) => 2 * half + 1) }),
  fc.record({ what: fc.constant("lose" as const) }),
  fc.record({ what: fc.constant("wait" as const), ms: fc.nat(20_000) }),
);

test("ends with the highest version in any order with any repeats, and never goes back", () => {
  fc.assert(
    fc.property(fc.array(storeStep, { maxLength: 60, size: "max" }), (steps) => {
      const { store, time } = setUp();
      let highest = -1;
      let seen = { version: -1, left: Infinity };
      /** True if a snapshot omitted the highest version, and no later source has repeated it. */
      let isLost = false;
      for (const each of steps) {
        if (each.what === "wait") time.ms += each.ms;
        else if (each.what === "lose") {
          store.markMissing(1);
          isLost = true;
          // The remaining wrap-up time is lost as well.
          seen = { ...seen, left: Infinity };
        } else {
          if (each.what === "offer") store.merge(wrappingUp(each.version, 20), 0);
          else store.remove(1, each.version);
          if (each.version >= highest) isLost = false;
          highest = Math.max(highest, each.version);
        }
        expect(versionIn(store)).toBe(highest < 0 || highest % 2 === 1 || isLost ? undefined : highest);
        const kept = store.get(1)?.availability;
        if (!kept) continue;
        expect(kept.version).toBeGreaterThanOrEqual(seen.version);
        const left = kept.wrapUpTimeTtl ?? 0;
        if (kept.version === seen.version) expect(left).toBeLessThanOrEqual(seen.left);
        seen = { version: kept.version, left };
      }
    }),
    { numRuns: scaleRuns(1_000) },
  );
});

test.each([8_309.858, 1_000_000, 0.1])("adds no second to a wrap-up time by the clock's fractions, at %d ms", (ms) => {
  const { store, time } = setUp();
  time.ms = ms;
  for (let seconds = 1; seconds <= 60; seconds += 1) {
    store.merge(wrappingUp(seconds, seconds), 0);
    expect(secondsLeft(store)).toBe(seconds);
  }
  store.merge(wrappingUp(61, 30), 7_000);
  expect(secondsLeft(store)).toBe(23);
});
