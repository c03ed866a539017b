/** Erasures in Redis, beside gateways that are away, and after losses of Redis. */
import { describe, expect, onTestFinished, test } from "vitest";
import { hasRedisServer, type RedisServer, startRedisServer } from "../test/redis-server.ts";
import { openRelay } from "../test/relay.ts";
import { createStoreKeys } from "./redis/keys.ts";
import { DEFAULT_KEY_PREFIX, singleRedis } from "./redis/redis-server-options.ts";
import { createRedisStore } from "./redis-store.ts";
import type { Replica } from "./replica.ts";
import { collectChanges, eventually } from "./store.suite.ts";

const KEYS = createStoreKeys(DEFAULT_KEY_PREFIX);
const never = new AbortController().signal;

function openStore(url: string) {
  const log = { line: () => {}, warning: () => {} };
  const store = createRedisStore({ server: singleRedis(url), log, timeoutMs: 20_000, waitMs: 50, maxDelayMs: 50 });
  onTestFinished(store.close);
  return store;
}

/** A gateway over Redis, a second one over a relay, and a customer's agents 1 to 3; agent 9 is removed. */
async function setUp() {
  const server = await startRedisServer();
  onTestFinished(server.remove);
  const relay = await openRelay(Number(new URL(server.url).port));
  onTestFinished(relay.close);
  const [present, away] = [openStore(server.url), openStore(`redis://127.0.0.1:${relay.port}`)];
  const [one, other] = [present.forCustomer("acme"), away.forCustomer("acme")];
  for (const userId of [1, 2, 3, 9]) await one.set(userId, { status: "available" });
  await one.remove(9);
  const replicas = await Promise.all([one.open(never), other.open(never)]);
  await other.catchUp();
  return { server, relay, present, away, one, other, replicas };
}

function userIds(replica: Replica): readonly number[] {
  return [...replica.agents()].map(({ userId }) => userId).sort((a, b) => a - b);
}

/** Returns everything that Redis has, as text. */
async function dump(server: RedisServer): Promise<string> {
  const keys = (await server.command(["KEYS", "*"])) as readonly string[];
  const values = await Promise.all(
    keys.map(async (key) => {
      const type = await server.command(["TYPE", key]);
      const read = { hash: ["HGETALL", key], set: ["SMEMBERS", key], stream: ["XRANGE", key, "-", "+"] }[String(type)];
      return [key, await server.command(read ?? ["GET", key])];
    }),
  );
  return JSON.stringify(values);
}

describe.skipIf(!hasRedisServer)("after an erasure", () => {
  test("Redis has nothing of the user, in no key and in no change", async () => {
    const { server, one } = await setUp();
    await one.set(424_242, { status: "available" });
    await one.set(1, { status: "in_call" });
    await expect(dump(server)).resolves.toContain("424242");
    await one.erase([424_242]);
    await expect(dump(server)).resolves.not.toContain("424242");
  });

  test("Redis has of an erased customer a mark that expires, and the position of the erasure", async () => {
    const { server, one } = await setUp();
    await one.recordPage({ page: 1, readAt: 1, isLast: true, pageIntervalMs: 2_000, graceMs: 5_000 });
    await one.erase();
    expect(await server.command(["KEYS", "*acme*"])).toEqual([KEYS.erased("acme")]);
    expect(await server.command(["HEXISTS", KEYS.lists, "acme"])).toBe(0);
    expect(await server.command(["EXISTS", KEYS.lateLists])).toBe(0);
    const days = Number(await server.command(["PTTL", KEYS.erased("acme")])) / 86_400_000;
    expect([days > 29, days <= 30]).toEqual([true, true]);
  });

  test.each([
    ["a user", [2], [1, 3]],
    ["everything", undefined, []],
  ])("a gateway that was away while %s was erased does not give it back", async (_, userIds, left) => {
    const { server, relay, one, other, replicas } = await setUp();
    const received = collectChanges(replicas[1]);
    const cuts = relay.cutAt("");
    await eventually(() => replicas[1].staleSinceMs()).toBeDefined();
    await one.erase(userIds);
    expect(replicas[1].size()).toBe(3);
    relay.stopCutting();
    await eventually(() => replicas[1].staleSinceMs()).toBeUndefined();
    await other.catchUp();
    expect(cuts()).toBeGreaterThan(0);
    expect([...replicas[1].agents()].map(({ userId }) => userId)).toEqual(left);
    expect([...replicas[0].agents()].map(({ userId }) => userId)).toEqual(left);
    expect(received).toEqual(["reset"]);
    await expect(dump(server)).resolves.not.toContain("agent:acme:2");
  });

  test("gateways do not give erased agents back when Redis is emptied, whichever comes first", async () => {
    const { server, one, other, replicas } = await setUp();
    await one.erase([2]);
    await other.catchUp();
    await server.command(["FLUSHALL"]);
    for (const replica of replicas) await eventually(() => replica.staleSinceMs()).toBeDefined();
    for (const replica of replicas) await eventually(() => replica.staleSinceMs()).toBeUndefined();
    const created = await one.set(1, { status: "in_call" });
    await other.catchUp();
    for (const replica of replicas) {
      expect(userIds(replica)).toEqual([1, 3]);
      expect(replica.read(1)).toMatchObject({ version: created.version });
    }
    await expect(dump(server)).resolves.not.toContain("agent:acme:2");
  });

  test("Redis restarts with the erasure", async () => {
    const { server, one, other, replicas } = await setUp();
    await one.erase([2]);
    await server.kill();
    await server.start();
    for (const replica of replicas) await eventually(() => replica.staleSinceMs()).toBeUndefined();
    await Promise.all([one.catchUp(), other.catchUp()]);
    for (const replica of replicas) expect([...replica.agents()].map(({ userId }) => userId)).toEqual([1, 3]);
  });

  test("Redis restarts without the erasure, the gateways erase again", async () => {
    const { server, one, other, replicas } = await setUp();
    await server.kill();
    await server.saveSnapshot();
    await server.start();
    for (const replica of replicas) await eventually(() => replica.staleSinceMs()).toBeUndefined();
    await one.erase([2]);
    await other.catchUp();
    await server.kill();
    await server.loadSnapshot();
    await server.start();
    for (const replica of replicas) await eventually(() => replica.staleSinceMs()).toBeUndefined();
    await Promise.all([one.catchUp(), other.catchUp()]);
    for (const replica of replicas) {
      await eventually(() => userIds(replica)).toEqual([1, 3]);
    }
    await eventually(() => dump(server).then((text) => text.includes("agent:acme:2"))).toBe(false);
    expect((await one.set(2, { status: "available" })).version).toBeGreaterThan(0);
  });
});
