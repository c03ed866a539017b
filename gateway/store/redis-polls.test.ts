/** Slots of a request budget, and live gateways, in a Redis that several gateways share. */
import { randomUUID } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { hasRedisServer, startRedisServer } from "../test/redis-server.ts";
import type { AvailabilityStore } from "./availability-store.ts";
import { singleRedis } from "./redis/redis-server-options.ts";
import { createRedisStore } from "./redis-store.ts";

const SLOTS = { share: "write", slots: 10, durationMs: 61_000 } as const;

const PAGE = { page: 1, isLast: true, pageIntervalMs: 2_000, graceMs: 5_000 };

const tag = "{availability-bridge:00}";

async function setUp(count = 2) {
  const server = await startRedisServer();
  onTestFinished(server.remove);
  const stores = Array.from({ length: count }, () => {
    const store = createRedisStore({ server: singleRedis(server.url), log: { line: () => {}, warning: () => {} } });
    onTestFinished(store.close);
    return store;
  });
  await Promise.all(stores.map((store) => store.whenReady(new AbortController().signal)));
  const [first = expect.fail(), second = expect.fail()] = stores;
  return { server, stores, first, second };
}

async function countScripts(server: Awaited<ReturnType<typeof startRedisServer>>): Promise<number> {
  const statistics = String(await server.command(["INFO", "commandstats"]));
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(statistics)?.[1] ?? 0);
}

function take(store: AvailabilityStore, id: string = randomUUID()) {
  return store.forCustomer("acme").requestSlots.take({ ...SLOTS, id });
}

describe.skipIf(!hasRedisServer)("slots in Redis", () => {
  test("are taken once by all gateways together, however many ask at a time", async () => {
    const { stores } = await setUp(4);
    const asked = Array.from({ length: 40 }, (_, index) => take(stores[index % 4] ?? expect.fail()));
    const replies = await Promise.all(asked);
    expect(replies.filter(({ isTaken }) => isTaken)).toHaveLength(10);
    const [taken, denied] = [replies.filter(({ isTaken }) => isTaken), replies.filter(({ isTaken }) => !isTaken)];
    expect(taken.map(({ remaining }) => remaining).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const { remaining, waitMs } of denied) {
      expect(remaining).toBe(0);
      expect(waitMs).toBeGreaterThan(50_000);
      expect(waitMs).toBeLessThanOrEqual(61_000);
    }
  });

  test("are free again when their time is over, given back, or beyond a lower limit", async () => {
    const { server, first, second } = await setUp();
    await take(first, "kept");
    await take(first, "unsent");
    await first.forCustomer("acme").requestSlots.giveBack({ share: "write", id: "unsent" });
    expect(await take(second, "kept")).toMatchObject({ isTaken: true, remaining: 9 });
    // As a minute later.
    await server.command(["ZADD", `${tag}:slots:acme:write`, "1", "kept"]);
    expect(await take(second)).toMatchObject({ isTaken: true, remaining: 9 });
    for (let index = 0; index < 9; index += 1) await take(second);
    const { slots } = { slots: 5 };
    const fewer = await first.forCustomer("acme").requestSlots.take({ ...SLOTS, slots, id: "fewer" });
    expect(fewer).toMatchObject({ isTaken: false, remaining: 0 });
  });

  test("cost one script each, also when none is free", async () => {
    const { server, first, second } = await setUp();
    const slots = { share: "poll", slots: 3_000, durationMs: 61_000 } as const;
    const now = Date.now() + 61_000;
    const taken = Array.from({ length: 3_000 }, (_, index) => [`${now}`, `${index}`]).flat();
    await server.command(["ZADD", `${tag}:slots:acme:poll`, ...taken]);
    const before = await countScripts(server);
    const { isTaken } = await first.forCustomer("acme").requestSlots.take({ ...slots, id: "new" });
    await second.forCustomer("acme").requestSlots.take({ ...slots, id: "newer" });
    expect(isTaken).toBe(false);
    // Each gateway also checks once a second if Redis accepts writes.
    expect((await countScripts(server)) - before).toBeLessThan(10);
  });

  test("do not stay taken for longer after the clock of Redis was set back", async () => {
    const { server, first } = await setUp();
    const anHourAhead = `${Date.now() + 3_600_000}`;
    await server.command([
      "ZADD",
      `${tag}:slots:acme:write`,
      ...Array.from({ length: 10 }, (_, i) => [anHourAhead, `${i}`]).flat(),
    ]);
    expect((await take(first)).waitMs).toBeLessThanOrEqual(61_000);
  });

  test("are denied to all gateways while blocked, for the longest of the requested times", async () => {
    const { server, first, second } = await setUp();
    const { requestSlots } = first.forCustomer("acme");
    await requestSlots.block(60_000);
    await requestSlots.block(10);
    const { isTaken, blockedMs, waitMs } = await take(second);
    expect([isTaken, waitMs]).toEqual([false, blockedMs]);
    expect(blockedMs).toBeGreaterThan(50_000);
    await server.command(["DEL", `${tag}:blocked:acme`]);
    expect(await take(second)).toMatchObject({ isTaken: true, blockedMs: 0 });
  });
});

describe.skipIf(!hasRedisServer)("live gateways in Redis", () => {
  async function announce(store: AvailabilityStore, customerIds = ["acme"], listedCustomerIds: readonly string[] = []) {
    const { partOf } = await store.gateways.announce({ customerIds, listedCustomerIds, durationMs: 7_000 });
    return partOf("acme") ?? expect.fail();
  }

  test("know each other until they withdraw or no longer announce themselves", async () => {
    const { server, first, second } = await setUp();
    const { ownId: firstId } = await announce(first);
    const both = await announce(second);
    expect(new Set(both.gatewaysOf("acme"))).toEqual(new Set([firstId, both.ownId]));
    await second.gateways.withdraw();
    const one = await announce(first);
    expect(one.gatewaysOf("acme")).toEqual([firstId]);
    expect(one.membership).not.toBe(both.membership);
    await announce(second);
    const members = (await server.command(["ZRANGE", `${tag}:gateways`, "0", "-1"])) as string[];
    // As after seven seconds.
    for (const member of members) await server.command(["ZADD", `${tag}:gateways`, "1", member]);
    expect((await announce(first)).gatewaysOf("acme")).toEqual([firstId]);
  });

  test("count for the customers that they have, also when these change", async () => {
    const { first, second } = await setUp();
    const many = Array.from({ length: 2_500 }, (_, index) => `customer-${index}`);
    const { ownId: secondId } = await announce(second, many);
    const { gatewaysOf, ownId: firstId } = await announce(first, ["customer-7", "acme"]);
    expect(gatewaysOf("acme")).toEqual([firstId]);
    expect(gatewaysOf("customer-2499")).toEqual([secondId]);
    expect(new Set(gatewaysOf("customer-7"))).toEqual(new Set([firstId, secondId]));
    const later = await announce(first, ["acme"]);
    expect(later.gatewaysOf("customer-7")).toEqual([secondId]);
    expect((await announce(second, many)).gatewaysOf("customer-7")).toEqual([secondId]);
  });

  test("learn of lists that are late, fail, or are asked for, and of no other", async () => {
    const { first, second } = await setUp();
    const ids = ["failing", "late", "on-time", "incomplete"];
    const startRead = await first.forCustomer("late").startRead();
    await first.forCustomer("on-time").recordPage({ ...PAGE, readAt: startRead });
    await first.forCustomer("late").recordPage({ ...PAGE, readAt: startRead - 60_000_000 });
    await first.forCustomer("incomplete").recordPage({ ...PAGE, page: 2, readAt: startRead });
    await first.forCustomer("failing").recordPage({ ...PAGE, readAt: startRead });
    for (const moves of [0, 0, 1]) {
      expect(await first.forCustomer("failing").recordListFailure("Down for now")).toMatchObject({ moves });
    }
    const { listOf } = await announce(second, ids);
    expect(listOf("failing")).toMatchObject({ failureCount: 3, moves: 1, reason: "Down for now", isLate: true });
    expect(listOf("late")).toMatchObject({ pageCount: 1, failureCount: 0, isLate: true });
    expect(listOf("incomplete")).toMatchObject({ oldestMs: undefined, pageCount: 2, isLate: true });
    expect(listOf("on-time")).toBeUndefined();
    const asked = (await announce(second, ids, ["on-time", "failing", "unknown"])).listOf;
    const oldestMs = asked("on-time")?.oldestMs ?? expect.fail();
    expect(asked("on-time")).toMatchObject({ pageCount: 1, isLate: false, reason: "" });
    expect(Math.abs(oldestMs - performance.now())).toBeLessThan(60_000);
    expect([asked("failing")?.isLate, asked("unknown")]).toEqual([true, undefined]);
    await first.forCustomer("failing").recordPage({ ...PAGE, readAt: await first.forCustomer("failing").startRead() });
    expect((await announce(second, ids)).listOf("failing")).toBeUndefined();
  });

  test("learn of a block of an upstream until each page has been read after the block", async () => {
    const { server, first, second } = await setUp();
    const acme = first.forCustomer("acme");
    await acme.recordPage({ ...PAGE, readAt: (await acme.startRead()) - 60_000_000 });
    const startsMs = performance.now();
    await acme.requestSlots.block(60_000);
    await acme.requestSlots.block(10);
    const findBlocks = async () => [
      (await second.forCustomer("acme").loadListState()).block,
      (await announce(second, ["acme"], ["acme"])).listOf("acme")?.block,
    ];
    for (const block of await findBlocks()) {
      if (!block) expect.fail();
      expect(block.endsMs - block.startsMs).toBeCloseTo(60_000);
      expect(Math.abs(block.startsMs - startsMs)).toBeLessThan(5_000);
    }
    await acme.recordListFailure("Too many requests");
    expect((await announce(second)).listOf("acme")).toMatchObject({ failureCount: 1, reason: "Too many requests" });
    expect(await findBlocks()).toMatchObject([{ endsMs: expect.any(Number) }, { endsMs: expect.any(Number) }]);
    // As if the block had ended before the page was read again.
    const key = `${tag}:list:acme`;
    await server.command(["HSET", key, "block", `${(await acme.startRead()) - 1},60000`]);
    await acme.recordPage({ ...PAGE, readAt: await acme.startRead() });
    expect((await findBlocks())[1]).toBeUndefined();
    // As if the clock of Redis had been set back by an hour since.
    await server.command(["HSET", key, "block", `${(await acme.startRead()) + 3_600_000_000},60000`]);
    expect((await findBlocks())[0]?.endsMs).toBeLessThan(performance.now() + 65_000);
  });

  test("receive the reason of a failure once, and again when another failure has followed", async () => {
    const { server, first, second } = await setUp();
    const acme = first.forCustomer("acme");
    const sentBytes = async () => {
      const statistics = String(await server.command(["INFO", "stats"]));
      return Number(/total_net_output_bytes:(\d+)/.exec(statistics)?.[1]);
    };
    const findReason = async () => (await announce(second, ["acme"], ["acme"])).listOf("acme")?.reason;
    const reasons = ["a", "b"].map((letter) => letter.repeat(4_000));
    for (const reason of reasons) {
      await acme.recordListFailure(reason);
      expect(await findReason()).toBe(reason);
      const before = await sentBytes();
      for (let count = 0; count < 10; count += 1) expect(await findReason()).toBe(reason);
      expect((await sentBytes()) - before).toBeLessThan(15_000);
      await acme.requestSlots.block(60_000);
      expect(await announce(second, ["acme"], ["acme"]).then(({ listOf }) => listOf("acme"))).toMatchObject({
        reason,
        block: { endsMs: expect.any(Number) },
      });
    }
    await acme.recordPage({ ...PAGE, readAt: await acme.startRead() });
    expect(await findReason()).toBe("");
  });

  test("notice that Redis has lost the lists", async () => {
    const { server, first } = await setUp();
    const before = await announce(first);
    expect((await announce(first)).listsId).toBe(before.listsId);
    await server.command(["FLUSHALL"]);
    expect((await announce(first)).listsId).not.toBe(before.listsId);
  });
});
