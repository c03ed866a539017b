/** Data in Redis of removed agents and of customers that are no longer served. */
import { describe, expect, onTestFinished, test } from "vitest";
import { hasRedisServer, startRedisServer } from "../test/redis-server.ts";
import { createStoreKeys } from "./redis/keys.ts";
import { DEFAULT_KEY_PREFIX, singleRedis } from "./redis/redis-server-options.ts";
import { createRedisStore } from "./redis-store.ts";
import { eventually } from "./store.suite.ts";

const KEYS = createStoreKeys(DEFAULT_KEY_PREFIX);
const DAY_MS = 24 * 60 * 60 * 1000;
const never = new AbortController().signal;

async function setUp() {
  const server = await startRedisServer();
  onTestFinished(server.remove);
  const open = () => {
    const log = { line: () => {}, warning: () => {} };
    const store = createRedisStore({ server: singleRedis(server.url), log, timeoutMs: 20_000 });
    onTestFinished(store.close);
    return store;
  };
  const stores = [open(), open()] as const;
  const [one, other] = [stores[0].forCustomer("acme"), stores[1].forCustomer("acme")];
  /** Makes a removal look as if it was made days ago. */
  const age = (userId: number, days: number) =>
    server.command(["HSET", KEYS.agent("acme", userId), "version", `${Date.now() - days * DAY_MS}`]);
  return { server, stores, one, other, age, open };
}

describe.skipIf(!hasRedisServer)("the retention", () => {
  test("erases the ids of agents that were removed 30 days ago, once a day for all gateways", async () => {
    const { server, one, other, age } = await setUp();
    for (const userId of [1, 2, 3]) await one.set(userId, { status: "available" });
    await one.remove(2);
    await one.remove(3);
    await age(1, 31);
    await age(2, 31);
    await age(3, 29);
    // Loads the changed versions.
    const replica = await other.open(never);
    await expect(one.eraseOutdated()).resolves.toBe(1);
    await expect(other.eraseOutdated()).resolves.toBe(0);
    await age(3, 31);
    await expect(other.eraseOutdated()).resolves.toBe(0);
    await expect(server.command(["SMEMBERS", KEYS.members("acme")])).resolves.toEqual(["1", "3"]);
    await expect(server.command(["EXISTS", KEYS.agent("acme", 2)])).resolves.toBe(0);
    await other.catchUp();
    expect([...replica.agents()].map(({ userId }) => userId)).toEqual([1]);
    expect((await other.set(2, { status: "available" })).version).toBeGreaterThan(Date.now() - DAY_MS);
  });

  test("erases a customer that no gateway has served for 30 days, and then all of its keys", async () => {
    const { server, stores, one } = await setUp();
    const globex = stores[0].forCustomer("globex");
    await one.set(1, { status: "available" });
    await globex.set(7, { status: "available" });
    const replica = await globex.open(never);
    await Promise.all([one.eraseOutdated(), globex.eraseOutdated()]);
    await expect(stores[0].eraseUnserved()).resolves.toEqual([]);
    await server.command(["HSET", KEYS.served, "globex", `${Date.now() - 31 * DAY_MS}`]);
    await expect(stores[1].eraseUnserved()).resolves.toEqual(["globex"]);
    await eventually(() => replica.size()).toBe(0);
    await expect(server.command(["KEYS", "*globex*"])).resolves.toEqual([KEYS.erased("globex")]);
    await expect(stores[1].eraseUnserved()).resolves.toEqual([]);
    // The mark expires.
    await server.command(["DEL", KEYS.erased("globex")]);
    await expect(stores[1].eraseUnserved()).resolves.toEqual([]);
    await expect(server.command(["HEXISTS", KEYS.served, "globex"])).resolves.toBe(0);
    await expect(server.command(["HEXISTS", KEYS.store, "last:globex"])).resolves.toBe(0);
    expect((await one.open(never)).size()).toBe(1);
  });

  test("begins the time of a customer that was never recorded as served when it finds the customer", async () => {
    const { server, stores, one } = await setUp();
    await one.set(1, { status: "available" });
    await expect(stores[0].eraseUnserved()).resolves.toEqual([]);
    const servedMs = Number(await server.command(["HGET", KEYS.served, "acme"]));
    expect(Math.abs(Date.now() - servedMs)).toBeLessThan(DAY_MS);
  });

  test("removes changes that are older than 30 days, but not the last, from which gateways go on", async () => {
    const { server, stores, one, open } = await setUp();
    for (const status of ["available", "in_call", "offline"] as const) await one.set(1, { status });
    const ids = (await server.command(["XRANGE", KEYS.changes, "-", "+"])) as readonly [string, readonly string[]][];
    const old = `${Date.now() - 31 * DAY_MS}`;
    await server.command(["DEL", KEYS.changes]);
    for (const [id, fields] of ids) {
      const aged = fields.map((value, index) => (fields[index - 1] === "version" ? old : value));
      await server.command(["XADD", KEYS.changes, id, ...aged]);
    }
    await stores[1].whenReady(never);
    await stores[1].eraseUnserved();
    await expect(server.command(["XLEN", KEYS.changes])).resolves.toBe(1);
    await one.set(2, { status: "available" });
    const replica = await open().forCustomer("acme").open(never);
    expect(replica.size()).toBe(2);
  });
});
