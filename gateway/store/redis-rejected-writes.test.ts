/** A Redis that rejects writes and serves reads. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { hasRedisServer, type RedisServer } from "../test/redis-server.ts";
import { lost, never, openStore, recovered, setUp, statuses } from "../test/redis-stores.ts";
import { StoreUnavailableError } from "./availability-store.ts";
import { eventually, expectGrowingVersions } from "./store.suite.ts";

describe.skipIf(!hasRedisServer)("if Redis", () => {
  test.each<[string, (server: RedisServer) => Promise<unknown>, (server: RedisServer) => Promise<unknown>]>([
    [
      "cannot write to its disk",
      async (server) => {
        // A directory in the place of the snapshot makes saving fail.
        await mkdir(path.join(server.data, "dump.rdb", "in-the-way"), { recursive: true });
        await server.command(["CONFIG", "SET", "save", "3600 1000000"]);
        await server.command(["BGSAVE"]);
        await eventually(() => server.command(["INFO", "persistence"])).toContain("rdb_last_bgsave_status:err");
      },
      (server) => server.command(["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]),
    ],
    [
      "has no memory left",
      (server) => server.command(["CONFIG", "SET", "maxmemory", "1"]),
      (server) => server.command(["CONFIG", "SET", "maxmemory", "0"]),
    ],
    [
      "is read-only",
      (server) => server.command(["REPLICAOF", "127.0.0.1", "9"]),
      (server) => server.command(["REPLICAOF", "NO", "ONE"]),
    ],
  ])("%s, reads continue and writes are rejected until Redis accepts writes again", async (_, spoil, mend) => {
    const { server, stores, customers, replicas, received } = await setUp();
    await spoil(server);
    for (const customer of customers) {
      await expect(customer.set(1, { status: "in_call" })).rejects.toThrow(StoreUnavailableError);
      await expect(customer.remove(1)).rejects.toThrow(StoreUnavailableError);
    }
    expect(stores.map((store) => store.isReady())).toEqual([false, false]);
    for (const replica of replicas) {
      await eventually(() => replica.staleSinceMs()).toBeUndefined();
      expect(replica.read(1)?.status).toBe("available");
    }
    // A gateway that starts now can read too.
    expect(statuses(await openStore(server.url).forCustomer("acme").open(never))).toEqual(
      statuses(replicas[0] ?? expect.fail()),
    );
    await mend(server);
    await recovered(...stores);
    await customers[0].set(1, { status: "in_call" });
    for (const replica of replicas) await eventually(() => replica.read(1)?.status).toBe("in_call");
    for (const changes of received) expectGrowingVersions(changes);
  });

  test("rejects writes, every gateway notices without a write, and logs each reason once and the end once", async () => {
    const { server, stores } = await setUp();
    const setting = (name: string, value: string) => server.command(["CONFIG", "SET", name, value]);
    await setting("min-replicas-to-write", "1");
    for (const store of stores) await eventually(() => store.isReady()).toBe(false);
    for (const store of stores) expect(store.lines).toEqual([expect.stringMatching(/^warn: .*NOREPLICAS /)]);
    await setting("maxmemory", "1");
    await setting("min-replicas-to-write", "0");
    for (const store of stores) await eventually(() => store.lines.length).toBe(2);
    await setting("maxmemory", "0");
    await recovered(...stores);
    for (const store of stores) {
      expect(store.lines).toEqual([
        expect.stringMatching(/^warn: .*NOREPLICAS /),
        expect.stringMatching(/^warn: .*OOM /),
        "info: Redis accepts writes again",
      ]);
    }
  });

  test("rejects writes while other gateways' changes keep coming, a gateway notices between the changes", async () => {
    const { server, stores, customers } = await setUp();
    // The user of the first gateway loses the right to write; the second gateway keeps it.
    await server.command(["ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all"]);
    const store = openStore(server.url.replace("//", "//reader:secret@"));
    await store.whenReady(never);
    await server.command(["ACL", "SETUSER", "reader", "-hset"]);
    for (let count = 0; store.isReady(); count += 1) {
      await customers[0].set(1, { status: count % 2 ? "in_call" : "offline" });
    }
    expect(store.lines).toEqual([expect.stringMatching(/^warn: Redis rejects writes/)]);
    expect(stores[0].isReady()).toBe(true);
  });

  test("rejects writes, no read and no change without effect makes the gateway ready", async () => {
    const { server, stores, customers } = await setUp({ waitMs: 60_000 });
    const [store] = stores;
    await server.command(["CONFIG", "SET", "min-replicas-to-write", "1"]);
    await expect(customers[0].set(1, { status: "in_call" })).rejects.toThrow(StoreUnavailableError);
    await expect(customers[0].startRead()).resolves.toBeGreaterThan(0);
    await expect(customers[0].set(1, { status: "available" })).resolves.toMatchObject({ status: "available" });
    expect(store.isReady()).toBe(false);
    expect(store.lines).toEqual([expect.stringMatching(/^warn: .*NOREPLICAS /)]);
  });

  test("rejects writes, the record of a read that found agents unchanged fails", async () => {
    const { server, stores, customers, replicas } = await setUp({ waitMs: 60_000 });
    const agents = [...(replicas[0] ?? expect.fail()).agents()];
    const readAt = await customers[0].startRead();
    await server.command(["CONFIG", "SET", "min-replicas-to-write", "1"]);
    await expect(customers[0].confirm(agents, readAt)).rejects.toThrow(StoreUnavailableError);
    await expect(
      customers[0].recordPage({ page: 1, readAt, isLast: true, pageIntervalMs: 2_000, graceMs: 5_000 }),
    ).rejects.toThrow(StoreUnavailableError);
    expect(stores[0].isReady()).toBe(false);
    await server.command(["CONFIG", "SET", "min-replicas-to-write", "0"]);
    await expect(customers[0].confirm(agents, readAt)).resolves.toEqual([]);
    // Only the write that the gateway tries at intervals is proof that Redis accepts writes.
    expect(stores[0].isReady()).toBe(false);
  });

  test("is read-only, the gateways log the reason once over all connections", async () => {
    const { server, stores } = await setUp();
    await server.command(["REPLICAOF", "127.0.0.1", "9"]);
    const isLogged = (line: string) => line.includes("READONLY");
    for (const store of stores) await eventually(() => store.lines.some(isLogged)).toBe(true);
    // Ends every connection, as a failover does.
    await server.command(["CLIENT", "KILL", "TYPE", "normal"]);
    await Promise.all(stores.map(lost));
    await server.command(["REPLICAOF", "NO", "ONE"]);
    await recovered(...stores);
    for (const store of stores) {
      expect(store.lines.filter(isLogged)).toHaveLength(1);
      expect(store.lines.filter((line) => line === "info: Redis accepts writes again")).toHaveLength(1);
    }
  });
});
