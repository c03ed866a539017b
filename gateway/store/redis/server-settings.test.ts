import { describe, expect, test } from "vitest";
import { hasRedisServer } from "../../test/redis-server.ts";
import { openStore, recovered, startServer } from "../../test/redis-stores.ts";

/** Warning of Redis 7 with a maximum of 100 MB and this policy. */
const warningOf = (policy: string) =>
  `warn: Redis erases keys once they take 100000000 bytes: its maxmemory-policy is ${policy}. An erased agent is lost. Set maxmemory-policy noeviction`;

describe.skipIf(!hasRedisServer)("a gateway that connects to Redis", () => {
  test.each([
    { maxmemory: "100mb", policy: "allkeys-lru", lines: [warningOf("allkeys-lru")] },
    { maxmemory: "100mb", policy: "volatile-ttl", lines: [warningOf("volatile-ttl")] },
    { maxmemory: "100mb", policy: "noeviction", lines: [] },
    { maxmemory: "0", policy: "allkeys-lru", lines: [] },
  ])("says $lines of the policy $policy at a maximum of $maxmemory", async ({ maxmemory, policy, lines }) => {
    const server = await startServer();
    await server.command(["CONFIG", "SET", "maxmemory", maxmemory.replace("mb", "000000")]);
    await server.command(["CONFIG", "SET", "maxmemory-policy", policy]);
    const store = openStore(server.url);
    await recovered(store);
    expect(store.lines).toEqual(lines);
  });

  test("warns of a Redis without an append-only file, and of none that has one", async () => {
    const server = await startServer();
    await server.command(["CONFIG", "SET", "appendonly", "no"]);
    const store = openStore(server.url);
    await recovered(store);
    expect(store.lines).toEqual([
      "warn: Redis has no append-only file: if it crashes, it loses all changes since its last snapshot. Set appendonly yes",
    ]);
    await server.command(["CONFIG", "SET", "appendonly", "yes"]);
    const other = openStore(server.url);
    await recovered(other);
    expect(other.lines).toEqual([]);
  });

  test("works without the right to read the settings", async () => {
    const server = await startServer();
    await server.command(["CONFIG", "SET", "maxmemory", "100000000"]);
    await server.command(["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    await server.command(["CONFIG", "SET", "appendonly", "no"]);
    await server.command(["ACL", "SETUSER", "gateway", "on", ">secret", "~*", "+@all", "-@dangerous"]);
    const store = openStore(server.url.replace("//", "//gateway:secret@"));
    await recovered(store);
    await store.forCustomer("acme").set(7, { status: "available" });
    expect(store.lines).toEqual([]);
  });
});
