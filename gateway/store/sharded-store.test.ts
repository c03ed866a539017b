import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { type AvailabilityStore, StoreUnavailableError } from "./availability-store.ts";
import { createMemoryStore } from "./memory-store.ts";
import { createDeferred } from "./redis/deferred.ts";
import { shardIndexOf } from "./redis/shards.ts";
import { createShardedStore } from "./sharded-store.ts";

const never = new AbortController().signal;

/** Customers of different shards. */
const [ACME, GLOBEX] = ["customer-0", "customer-1"];

/** A store of four shards in memory, and what becomes of each shard. */
function setUp() {
  const opened: number[] = [];
  const closed: number[] = [];
  const leased: string[] = [];
  const unserved = new Set<number>();
  const away = new Set<number>();
  const shards = new Map<number, { isReady: boolean; readonly ready: ReturnType<typeof createDeferred<void>> }>();
  const store = createShardedStore({
    shardCount: 4,
    openShard(index): AvailabilityStore {
      const state = { isReady: true, ready: createDeferred<void>() };
      opened.push(index);
      shards.set(index, state);
      return {
        ...createMemoryStore(),
        isReady: () => state.isReady,
        whenReady: () => state.ready.promise,
        async lease(task) {
          leased.push(`${index}: ${task}`);
          return true;
        },
        eraseUnserved: async () => {
          if (away.has(index)) throw new StoreUnavailableError("Redis cannot be reached");
          return unserved.has(index) ? [`former-${index}`] : [];
        },
        close: async () => void closed.push(index),
      };
    },
  });
  return { store, opened, closed, leased, unserved, away, shards };
}

const indexOf = (customerId: string) => shardIndexOf(customerId, 4);

test("opens a shard with its first customer, once", async () => {
  const { store, opened, closed } = setUp();
  expect(opened).toEqual([]);
  expect(store.forCustomer(ACME)).toBe(store.forCustomer(ACME));
  expect(opened).toEqual([indexOf(ACME)]);
  store.forCustomer(GLOBEX);
  expect(opened).toEqual([indexOf(ACME), indexOf(GLOBEX)]);
  await store.close();
  expect(closed).toEqual(opened);
});

test("is ready while a shard is, and awaits every shard", async () => {
  const { store, shards } = setUp();
  expect(store.isReady()).toBe(true);
  store.forCustomer(ACME);
  store.forCustomer(GLOBEX);
  const [first, second] = [...shards.values()];
  let isAwaited = true;
  const waited = store.whenReady(never).then(() => {
    isAwaited = false;
  });
  if (first) first.isReady = false;
  first?.ready.resolve();
  await turn();
  expect([store.isReady(), isAwaited]).toEqual([true, true]);
  if (second) second.isReady = false;
  expect(store.isReady()).toBe(false);
  second?.ready.resolve();
  await waited;
});

test("keeps a customer's lease in the customer's shard, and another lease in a shard that follows from its name", async () => {
  const { store, leased } = setUp();
  await store.lease("poll", 1_000, { customerId: ACME });
  await store.lease("poll", 1_000, { customerId: GLOBEX });
  await store.lease("sweep", 1_000);
  expect(leased).toEqual([`${indexOf(ACME)}: poll`, `${indexOf(GLOBEX)}: poll`, `${indexOf("sweep")}: sweep`]);
});

test("adds up the changes that the shards keep", async () => {
  const { store } = setUp();
  await store.forCustomer(ACME).set(1, { status: "available" });
  await store.forCustomer(GLOBEX).set(1, { status: "available" });
  await store.forCustomer(GLOBEX).set(2, { status: "available" });
  expect(store.historySize()).toMatchObject({ entries: 3 });
});

test("erases what nobody serves in every shard, and opens the others only for that", async () => {
  const { store, opened, closed, unserved } = setUp();
  store.forCustomer(ACME);
  for (const index of [0, 1, 2, 3]) unserved.add(index);
  await expect(store.eraseUnserved()).resolves.toEqual(["former-0", "former-1", "former-2", "former-3"]);
  expect(new Set(opened)).toEqual(new Set([0, 1, 2, 3]));
  expect(closed).toEqual([0, 1, 2, 3].filter((index) => index !== indexOf(ACME)));
});

test("erases what nobody serves in the other shards while some cannot be reached, and closes those as well", async () => {
  const { store, closed, unserved, away } = setUp();
  for (const index of [0, 1, 2, 3]) unserved.add(index);
  for (const index of [0, 2]) away.add(index);
  await expect(store.eraseUnserved()).resolves.toEqual(["former-1", "former-3"]);
  expect(closed).toEqual([0, 1, 2, 3]);
});
