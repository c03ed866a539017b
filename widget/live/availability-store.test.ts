import fc from "fast-check";
import { expect, test } from "vitest";
import type { Availability } from "../../shared/contracts/availability.ts";
import { type AvailabilityStore, createAvailabilityStore } from "./availability-store.ts";

/** A store on a clock that the test moves, and how long the wrap-up time of each user was said to have left. */
function setUp(): {
  readonly store: AvailabilityStore;
  readonly time: { ms: number };
  readonly alarms: Map<number, number>;
} {
  const time = { ms: 1_000_000 };
  const alarms = new Map<number, number>();
  const wrapUps = {
    set: (userId: number, leftMs: number) => void alarms.set(userId, leftMs),
    cancel: (userId: number) => void alarms.delete(userId),
  };
  return { store: createAvailabilityStore({ wrapUps, now: () => time.ms }), time, alarms };
}

const at = (version: number): Availability => ({ userId: 1, status: "available", version });
const wrappingUp = (version: number, wrapUpTimeTtl: number): Availability => ({
  ...at(version),
  wrapUpTimeConfig: 30,
  wrapUpTimeTtl,
});

const versionIn = (store: AvailabilityStore): number | undefined => store.read(1)?.availability.version;
const secondsLeft = (store: AvailabilityStore): number | undefined => store.read(1)?.availability.wrapUpTimeTtl;

test("keeps the highest version, whatever comes first", () => {
  for (const order of [
    [1, 2],
    [2, 1],
    [2, 1, 2],
  ]) {
    const { store } = setUp();
    for (const version of order) store.offer(at(version), 0);
    expect(versionIn(store)).toBe(2);
  }
});

test("learns when a version was made from whoever tells of it, and keeps it", () => {
  const { store } = setUp();
  store.offer(at(2), 0);
  store.offer(at(2), 0, 1_700);
  store.offer(at(2), 0);
  expect(store.read(1)?.updatedAt).toBe(1_700);
  store.offer(at(3), 0);
  expect(store.read(1)?.updatedAt).toBeUndefined();
});

test("runs the wrap-up time down to 0 from when the answer was made", () => {
  const { store, time } = setUp();
  store.offer(wrappingUp(1, 20), 3_000);
  expect(secondsLeft(store)).toBe(17);
  time.ms += 16_001;
  expect(secondsLeft(store)).toBe(1);
  time.ms += 999;
  expect(secondsLeft(store)).toBe(0);
  time.ms += 60_000;
  expect(secondsLeft(store)).toBe(0);
});

test("never puts off the end of a version's wrap-up time, and puts it forward where it is told of an earlier one", () => {
  const { store, time, alarms } = setUp();
  store.offer(wrappingUp(1, 20), 0);
  time.ms += 5_000;
  store.offer(wrappingUp(1, 20), 0);
  expect([secondsLeft(store), alarms.get(1)]).toEqual([15, 15_000]);
  store.offer(wrappingUp(1, 10), 0);
  expect([secondsLeft(store), alarms.get(1)]).toEqual([10, 10_000]);
  store.offer(wrappingUp(2, 30), 0);
  expect([secondsLeft(store), alarms.get(1)]).toEqual([30, 30_000]);
});

test("holds an availability for whoever still needs it when it is kept no more", () => {
  const { store, time } = setUp();
  expect(store.hold(1)).toBeUndefined();
  store.offer(wrappingUp(1, 20), 0);
  const held = store.hold(1);
  store.clear();
  time.ms += 5_000;
  expect([held?.version, held?.read()]).toEqual([1, wrappingUp(1, 15)]);
});

test("takes back a user who was removed with a higher version only", () => {
  const { store } = setUp();
  store.offer(at(1), 0);
  store.remove(1, 3);
  expect([versionIn(store), store.hold(1), [...store.userIds()]]).toEqual([undefined, undefined, []]);
  for (const version of [1, 2, 3]) store.offer(at(version), 0);
  expect(versionIn(store)).toBeUndefined();
  store.offer(at(4), 0);
  expect(versionIn(store)).toBe(4);
});

test("keeps who is newer than the removal, also where the removal is heard of first", () => {
  const { store } = setUp();
  store.remove(1, 3);
  store.offer(at(2), 0);
  expect(versionIn(store)).toBeUndefined();
  store.offer(at(4), 0);
  store.remove(1, 3);
  expect(versionIn(store)).toBe(4);
});

test("takes back a user of whom a snapshot knew nothing as the user was, and not as before", () => {
  const { store } = setUp();
  store.offer(at(5), 0);
  store.lose(1);
  store.offer(at(4), 0);
  expect(versionIn(store)).toBeUndefined();
  store.offer(at(5), 0);
  expect(versionIn(store)).toBe(5);
});

test("keeps nothing of those who are not to be kept, removals and wrap-up times included", () => {
  const { store, alarms } = setUp();
  store.offer(wrappingUp(1, 20), 0);
  store.offer({ ...wrappingUp(1, 20), userId: 2 }, 0);
  store.remove(3, 9);
  store.keepOnly((userId) => userId === 2);
  expect([[...store.userIds()], [...alarms.keys()]]).toEqual([[2], [2]]);
  store.offer({ ...at(1), userId: 3 }, 0);
  expect([...store.userIds()]).toEqual([2, 3]);
});

test("waits for the end of no wrap-up time of a user who was removed", () => {
  const { store, alarms } = setUp();
  store.offer(wrappingUp(1, 20), 0);
  store.remove(1, 2);
  expect(alarms.get(1) ?? 0).toBeLessThanOrEqual(0);
});

/** What can happen to a store, by what was true of one user at some time: at even versions the user was there, at odd ones not. */
type Happening =
  | { readonly what: "offer" | "remove"; readonly version: number }
  | { readonly what: "lose" }
  | { readonly what: "wait"; readonly ms: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ what: fc.constant("offer" as const), version: fc.nat(10).map((half) => 2 * half) }),
  fc.record({ what: fc.constant("remove" as const), version: fc.nat(10).map((half) => 2 * half + 1) }),
  fc.record({ what: fc.constant("lose" as const) }),
  fc.record({ what: fc.constant("wait" as const), ms: fc.nat(20_000) }),
);

test("ends with the highest version of all that it was told, in whatever order and however often, and never goes back", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60, size: "max" }), (happenings) => {
      const { store, time } = setUp();
      let highest = -1;
      let seen = { version: -1, left: Infinity };
      /** Whether a snapshot knew nothing of the highest, and nobody has told of it since. */
      let isLost = false;
      for (const each of happenings) {
        if (each.what === "wait") time.ms += each.ms;
        else if (each.what === "lose") {
          store.lose(1);
          isLost = true;
          // How much wrap-up time was left is lost as well.
          seen = { ...seen, left: Infinity };
        } else {
          if (each.what === "offer") store.offer(wrappingUp(each.version, 20), 0);
          else store.remove(1, each.version);
          if (each.version >= highest) isLost = false;
          highest = Math.max(highest, each.version);
        }
        expect(versionIn(store)).toBe(highest < 0 || highest % 2 === 1 || isLost ? undefined : highest);
        const kept = store.read(1)?.availability;
        if (!kept) continue;
        expect(kept.version).toBeGreaterThanOrEqual(seen.version);
        const left = kept.wrapUpTimeTtl ?? 0;
        if (kept.version === seen.version) expect(left).toBeLessThanOrEqual(seen.left);
        seen = { version: kept.version, left };
      }
    }),
    { numRuns: 1_000 },
  );
});
