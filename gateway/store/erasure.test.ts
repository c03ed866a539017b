/** Erasures, in every store. */
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { hasRedisServer, startRedisServer } from "../test/redis-server.ts";
import type { AvailabilityStore } from "./availability-store.ts";
import { createMemoryStore } from "./memory-store.ts";
import { singleRedis } from "./redis/redis-server-options.ts";
import { createRedisStore } from "./redis-store.ts";
import { collectChanges, eventually, type StoreUnderTest } from "./store.suite.ts";

const never = new AbortController().signal;

type Subject = Pick<StoreUnderTest, "open">;

let customers = 0;

/** Two gateways with replicas of a customer's agents 1 to 3; agent 9 is removed. */
async function setUp(subject: Subject) {
  customers += 1;
  const customerId = `erased-${customers}`;
  const stores = await subject.open();
  const [one, other] = stores.map((store: AvailabilityStore) => store.forCustomer(customerId));
  if (!one || !other) throw new Error("The subject has no two stores");
  for (const userId of [1, 2, 3, 9]) await one.set(userId, { status: "available" });
  await one.remove(9);
  const replicas = await Promise.all([one.open(never), other.open(never)]);
  await Promise.all([one.catchUp(), other.catchUp()]);
  return { stores, one, other, replicas };
}

describe("the store in memory", () => {
  declareErasureTests({
    async open() {
      const store = createMemoryStore();
      return [store, store];
    },
  });
});

describe.skipIf(!hasRedisServer)("the store in Redis", async () => {
  // All tests share one server; each test has its own customers.
  const server = hasRedisServer ? await startRedisServer() : undefined;
  afterAll(() => server?.remove());

  declareErasureTests({
    async open() {
      if (!server) throw new Error("The tests of a missing server are skipped");
      return [openRedisStore(server.url), openRedisStore(server.url)];
    },
  });
});

function openRedisStore(url: string): AvailabilityStore {
  const store = createRedisStore({ server: singleRedis(url), log: { line: () => {}, warning: () => {} } });
  onTestFinished(store.close);
  return store;
}

/** Declares the tests that every store must pass. */
function declareErasureTests(subject: Subject): void {
  test("erases a user at every gateway, and sends subscribers the removal", async () => {
    const { one, replicas } = await setUp(subject);
    const received = replicas.map((replica) => collectChanges(replica));
    await expect(one.erase([2])).resolves.toEqual([2]);
    for (const [index, replica] of replicas.entries()) {
      await eventually(() => [...replica.agents()].map(({ userId }) => userId)).toEqual([1, 3]);
      expect(received[index]).toEqual([{ cursor: expect.any(String), removedUserId: 2, version: expect.any(Number) }]);
    }
  });

  test("erases all agents and removed agents, and sends subscribers a snapshot", async () => {
    const { one, other, replicas } = await setUp(subject);
    const received = replicas.map((replica) => collectChanges(replica));
    expect(new Set(await one.erase())).toEqual(new Set([1, 2, 3, 9]));
    for (const [index, replica] of replicas.entries()) {
      await eventually(() => replica.size()).toBe(0);
      expect(received[index]).toEqual(["reset"]);
    }
    await expect(other.erase()).resolves.toEqual([]);
  });

  test("leaves other customers alone", async () => {
    const { stores, one } = await setUp(subject);
    const stranger = stores[1].forCustomer(`stranger-${customers}`);
    const agent = await stranger.set(1, { status: "available" });
    await one.erase();
    expect((await stranger.open(never)).read(1)).toEqual(agent);
  });

  test.each([
    ["a user", [1]],
    ["everything", undefined],
  ])("creates an agent again with a higher version after %s was erased", async (_, userIds) => {
    const { one, other, replicas } = await setUp(subject);
    const before = replicas[0].read(1)?.version ?? Infinity;
    const received = collectChanges(replicas[1]);
    await one.erase(userIds);
    const agent = await other.set(1, { status: "in_call" });
    expect(agent.version).toBeGreaterThan(before);
    const sent = received.flatMap((change) => (change === "reset" || "agent" in change ? [] : [change.version]));
    for (const version of sent) expect(agent.version).toBeGreaterThan(version);
    for (const replica of replicas) await eventually(() => replica.read(1)?.version).toBe(agent.version);
  });

  test("lets subscribers resume after an erasure, but from no earlier cursor", async () => {
    const { one, other, replicas } = await setUp(subject);
    const before = replicas[0].cursor();
    await one.erase([2]);
    await other.catchUp();
    const after = replicas[0].cursor();
    for (const replica of replicas) {
      expect(replica.changesSince(before)).toBeUndefined();
      expect(replica.changesSince(after)).toEqual([]);
    }
    const agent = await other.set(1, { status: "in_call" });
    await one.catchUp();
    for (const replica of replicas)
      expect(replica.changesSince(after)).toMatchObject([{ agent: { version: agent.version } }]);
  });

  test("knows a customer with data or with a former erasure, and no other one", async () => {
    const { stores, one, other } = await setUp(subject);
    await expect(stores[1].forCustomer(`misspelt-${customers}`).isKnown()).resolves.toBe(false);
    await expect(other.isKnown()).resolves.toBe(true);
    await one.erase();
    await expect(other.isKnown()).resolves.toBe(true);
  });

  test("erases a user again, and a user that was never known", async () => {
    const { one, replicas } = await setUp(subject);
    await one.erase([2]);
    await expect(one.erase([2, 77])).resolves.toEqual([]);
    expect(replicas[0].size()).toBe(2);
  });
}
