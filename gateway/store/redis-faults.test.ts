import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { hasRedisServer, type RedisServer, startRedisServer } from "../test/redis-server.ts";
import { openRelay } from "../test/relay.ts";
import type { Status } from "./agent.ts";
import { type AvailabilityStore, StoreUnavailableError } from "./availability-store.ts";
import type { Change } from "./change-history.ts";
import { singleRedis } from "./redis/redis-server-options.ts";
import { createRedisStore, type RedisStoreOptions } from "./redis-store.ts";
import type { Replica } from "./replica.ts";
import { collectChanges, eventually, expectGrowingVersions } from "./store.suite.ts";

const never = new AbortController().signal;
const PASSWORD = "let-me-in";

/** Delays before the next attempt to connect to Redis, shorter than in production. */
const QUICK_RETURN = { waitMs: 50, maxDelayMs: 50 };

/** A short timeout, for a Redis without replies. All further tests wait longer, for a busy machine. */
const IMPATIENT = { timeoutMs: 600 };

async function startServer(): Promise<RedisServer> {
  const server = await startRedisServer(["--stream-node-max-entries", "5"]);
  onTestFinished(server.remove);
  return server;
}

function openStore(url: string, options: Partial<RedisStoreOptions> = {}) {
  const lines: string[] = [];
  const log = {
    line: (line: string) => void lines.push(`info: ${line}`),
    warning: (line: string) => void lines.push(`warn: ${line}`),
  };
  const store = createRedisStore({ server: singleRedis(url), log, timeoutMs: 10_000, ...QUICK_RETURN, ...options });
  onTestFinished(store.close);
  return { ...store, lines };
}

/** Changes and resets that a replica's listener received. */
type Received = readonly (Change | "reset")[];

function versions(replica: Replica): ReadonlyMap<number, number> {
  return new Map([...replica.agents()].map(({ userId, version }) => [userId, version]));
}

function statuses(replica: Replica): Readonly<Record<number, Status>> {
  return Object.fromEntries([...replica.agents()].map(({ userId, status }) => [userId, status]));
}

function resets(received: Received): number {
  return received.filter((change) => change === "reset").length;
}

/** Resolves once the store has lost the connection to Redis. */
async function lost(store: AvailabilityStore): Promise<void> {
  await eventually(() => store.isReady()).toBe(false);
}

async function recovered(...stores: readonly AvailabilityStore[]): Promise<void> {
  await Promise.all(stores.map((store) => store.whenReady(never)));
}

/** Two gateways over a Redis server, with replicas of a customer's agents 1 to 5; agent 9 is removed. */
async function setUp(options: Partial<RedisStoreOptions> = {}) {
  const server = await startServer();
  const stores = [openStore(server.url, options), openStore(server.url, options)] as const;
  const [one, other] = [stores[0].forCustomer("acme"), stores[1].forCustomer("acme")];
  for (const userId of [1, 2, 3, 4, 5, 9]) await one.set(userId, { status: "available" });
  await other.remove(9);
  const replicas = await Promise.all([one.open(never), other.open(never)]);
  return {
    server,
    stores,
    customers: [one, other] as const,
    replicas,
    received: replicas.map((replica) => collectChanges(replica)),
  };
}

/** A gateway over a Redis server, with replicas of 200 customers, and the order in which they are restored. */
async function setUpManyCustomers() {
  const server = await startServer();
  // With a long wait the write notices the loss, before the check that would break its connection.
  const store = openStore(server.url, { waitMs: 60_000 });
  const customers = Array.from({ length: 200 }, (_, index) => store.forCustomer(`customer-${index}`));
  await Promise.all(customers.map((customer) => customer.set(1, { status: "available" })));
  const replicas = await Promise.all(customers.map((customer) => customer.open(new AbortController().signal)));
  const events: string[] = [];
  for (const [index, replica] of replicas.entries())
    onTestFinished(replica.listen({ onChange: () => {}, onReset: () => void events.push(`restored ${index}`) }));
  return { server, store, customers, replicas, events };
}

describe.skipIf(!hasRedisServer)("if Redis", () => {
  test("restarts with its data, the gateways continue and no stream restarts", async () => {
    const { server, stores, customers, replicas, received } = await setUp();
    const [cursor = ""] = replicas.map((replica) => replica.cursor());
    await customers[0].set(1, { status: "in_call" });
    await server.kill();
    await Promise.all(stores.map(lost));
    await server.start();
    await recovered(...stores);
    await customers[1].set(2, { status: "on_mobile" });
    for (const replica of replicas) await eventually(() => replica.read(2)?.status).toBe("on_mobile");
    for (const changes of received) expectGrowingVersions(changes);
    expect(received.map((changes) => changes.length)).toEqual([2, 2]);
    for (const replica of replicas) expect(replica.changesSince(cursor)).toEqual(received[0]);
    expect(replicas.map((replica) => replica.staleSinceMs())).toEqual([undefined, undefined]);
    expect(stores[0].lines).toEqual([expect.stringMatching(/^warn: .*; reconnecting$/), "info: Reconnected to Redis"]);
  });

  test.each([
    ["without its data", async (server: RedisServer) => server.wipe()],
    ["with an older snapshot", async (server: RedisServer) => server.loadSnapshot()],
  ])("restarts %s, the gateways restore their agents and no version decreases", async (_, spoil) => {
    const { server, stores, customers, replicas, received } = await setUp();
    await server.kill();
    await server.saveSnapshot();
    await server.start();
    await recovered(...stores);
    await customers[0].set(1, { status: "in_call" });
    await customers[0].set(6, { status: "offline" });
    await customers[1].remove(5);
    await eventually(() => replicas.map((replica) => replica.size())).toEqual([5, 5]);
    const before = versions(replicas[0] ?? expect.fail());
    const cursors = replicas.map((replica) => replica.cursor());

    await server.kill();
    await spoil(server);
    await server.start();
    for (const changes of received) await eventually(() => resets(changes)).toBeGreaterThan(0);
    await recovered(...stores);

    const fresh = await openStore(server.url).forCustomer("acme").open(never);
    for (const replica of [...replicas, fresh]) expect(versions(replica)).toEqual(before);
    for (const cursor of cursors) expect(fresh.changesSince(cursor)).toBeUndefined();
    const { version } = await customers[0].set(1, { status: "offline" });
    expect(version).toBeGreaterThan(before.get(1) ?? Infinity);
    // Removals are restored as well: agent 5 came back with the snapshot and is removed again.
    await expect(customers[1].setStatus(5, "in_call")).resolves.toBeUndefined();
    await expect(customers[1].setStatus(9, "in_call")).resolves.toBeUndefined();
  });

  test("has an older snapshot with newer writes, the missing entry reveals the loss", async () => {
    const { server, stores, customers, replicas, received } = await setUp();
    await server.kill();
    await server.saveSnapshot();
    await server.start();
    await recovered(...stores);
    for (const status of ["in_call", "offline", "in_call"] as const) await customers[0].set(1, { status });
    await eventually(() => replicas[1]?.read(1)?.version).toBe(replicas[0]?.read(1)?.version);
    const before = versions(replicas[0] ?? expect.fail());
    await server.kill();
    await server.loadSnapshot();
    // Keep the gateways out until a third gateway has written to the snapshot without having seen the lost changes.
    await server.start(["--requirepass", PASSWORD]);
    const third = openStore(server.url.replace("//", `//:${PASSWORD}@`));
    for (const status of ["on_mobile", "other", "offline", "on_mobile"] as const) {
      await third.forCustomer("acme").set(2, { status });
    }
    await server.command(["CONFIG", "SET", "requirepass", ""], PASSWORD);
    for (const changes of received) await eventually(() => resets(changes)).toBeGreaterThan(0);
    await recovered(...stores, third);
    const all = [...replicas, await third.forCustomer("acme").open(never)];
    for (const replica of all) {
      await eventually(() => statuses(replica)).toMatchObject({ 1: "in_call", 2: "on_mobile", 3: "available" });
      expect(replica.read(1)?.version).toBe(before.get(1));
      expect(replica.read(2)?.version).toBeGreaterThan(before.get(2) ?? Infinity);
    }
  });

  test.each(["idle", "writing"])(
    "is emptied while the gateways are connected and %s, the gateways restore their agents",
    async (how) => {
      // With a long wait the write notices the loss, before the check that would break its connection.
      const options = how === "writing" ? { waitMs: 60_000 } : {};
      const { server, stores, customers, replicas, received } = await setUp(options);
      const before = versions(replicas[0] ?? expect.fail());
      await server.command(["FLUSHALL"]);
      const changed = how === "idle" ? undefined : await customers[0].setStatus(1, "in_call");
      for (const changes of received) await eventually(() => resets(changes)).toBeGreaterThan(0);
      await recovered(...stores);
      for (const replica of replicas) {
        await expect
          .poll(() => versions(replica))
          .toEqual(new Map([...before, ...(changed ? ([[1, changed.version]] as const) : [])]));
      }
      if (changed) expect(changed.version).toBeGreaterThan(before.get(1) ?? Infinity);
    },
  );

  test("is emptied under 200 customers, a write is made once its own customer is restored, before the others are", async () => {
    const { server, store, customers, replicas, events } = await setUpManyCustomers();
    const before = replicas.map((replica) => replica.read(1)?.version ?? expect.fail());
    await server.command(["FLUSHALL"]);
    const written = customers[199]?.set(1, { status: "in_call" }).then((agent) => {
      events.push("written 199");
      return agent;
    });
    expect((await written)?.version).toBeGreaterThan(before[199] ?? Infinity);
    const writtenAt = events.indexOf("written 199");
    expect(events.slice(0, writtenAt)).toContain("restored 199");
    expect(writtenAt).toBeLessThan(100);
    await eventually(() => events.length).toBe(201);
    for (const [index, replica] of replicas.entries()) {
      if (index < 199) expect(replica.read(1)).toMatchObject({ status: "available", version: before[index] });
      await eventually(() => replica.staleSinceMs()).toBeUndefined();
    }
    expect(store.lines.filter((line) => line === "info: Reconnected to Redis")).toHaveLength(1);
  });

  test("is emptied under 200 customers, a customer has caught up once it is restored, before the others are", async () => {
    const { server, customers, replicas, events } = await setUpManyCustomers();
    await server.command(["FLUSHALL"]);
    const caughtUp = new Promise<readonly string[]>((resolve) => {
      const onReset = () => resolve(customers[199]?.catchUp().then(() => [...events]) ?? expect.fail());
      onTestFinished(replicas[0]?.listen({ onChange: () => {}, onReset }) ?? expect.fail());
    });
    await customers[0]?.set(1, { status: "in_call" });
    const restored = await caughtUp;
    expect(restored).toContain("restored 199");
    expect(restored.length).toBeLessThan(100);
  });

  test("has lost versions ahead of its clock, versions grow for agents that no gateway has loaded too", async () => {
    const { server, stores, replicas, received } = await setUp();
    // A test cannot set back the clock of Redis, so it writes a version from one hour ahead.
    const ahead = Date.now() + 3_600_000;
    const stranger = stores[0].forCustomer("stranger");
    await stranger.set(1, { status: "available" });
    await server.command(["HSET", "{availability-bridge:00}:agent:stranger:1", "version", String(ahead)]);
    const { version } = await stranger.set(1, { status: "in_call" });
    expect(version).toBe(ahead + 1);
    await server.kill();
    await server.wipe();
    await server.start();
    for (const changes of received) await eventually(() => resets(changes)).toBeGreaterThan(0);
    await recovered(...stores);
    await expect(stranger.insertIfAbsent(1, { status: "offline" })).resolves.toMatchObject({ version: ahead + 2 });
    expect(replicas.map((replica) => replica.size())).toEqual([5, 5]);
  });

  test("has an older snapshot and the gateway with the loss is away, a status set meanwhile is the last one", async () => {
    const server = await startServer();
    const relays = [await openRelay(server.port), await openRelay(server.port)] as const;
    for (const relay of relays) onTestFinished(relay.close);
    const stores = relays.map(({ port }) => openStore(`redis://127.0.0.1:${port}`));
    const [one, other] = stores.map((store) => store.forCustomer("acme"));
    if (!one || !other) throw new Error("There are two gateways");
    await one.set(1, { status: "available" });
    const replicas = await Promise.all([one.open(never), other.open(never)]);
    await server.kill();
    await server.saveSnapshot();
    await server.start();
    await recovered(...stores);
    // The first gateway learns nothing of the other one's change, which Redis then loses.
    relays[0].cutAt("*");
    const lostChange = await other.set(1, { status: "offline" });
    relays[1].cutAt("*");
    await server.kill();
    await server.loadSnapshot();
    await server.start();
    relays[0].stopCutting();
    if (stores[0]) await recovered(stores[0]);
    const set = await one.setStatus(1, "available");
    expect(set?.status).toBe("available");
    relays[1].stopCutting();
    await recovered(...stores);
    for (const replica of replicas) await eventually(() => replica.read(1)?.status).toBe("available");
    for (const replica of replicas) expect(replica.read(1)?.version).toBeGreaterThan(lostChange.version);
  });

  test("is unresponsive, replicas stay readable as stale and a rejected change is not made later", async () => {
    const { server, stores, customers, replicas, received } = await setUp(IMPATIENT);
    const [store] = stores;
    server.suspend();
    onTestFinished(server.resume);
    await expect(customers[0].set(1, { status: "in_call" })).rejects.toThrow(StoreUnavailableError);
    await Promise.all(stores.map(lost));
    expect(statuses(await customers[0].open(never))).toMatchObject({ 1: "available" });
    const [since] = replicas.map((replica) => replica.staleSinceMs());
    expect(since).toBeLessThanOrEqual(performance.now());
    await expect(store.lease("poll", 1_000)).resolves.toBe(false);
    server.resume();
    await recovered(...stores);
    await customers[1].set(2, { status: "on_mobile" });
    for (const replica of replicas) {
      await eventually(() => replica.read(2)?.status).toBe("on_mobile");
      expect(replica.read(1)?.status).toBe("available");
      expect(replica.staleSinceMs()).toBeUndefined();
    }
    for (const changes of received) expectGrowingVersions(changes);
  });

  test("is killed during writes, each write is kept or rejected", async () => {
    const { server, stores, customers, replicas, received } = await setUp({ timeoutMs: 2_000 });
    const ids = Array.from({ length: 400 }, (_, index) => index + 1_000);
    const killed = { by: Promise.resolve() };
    let kept = 0;
    const writes = ids.map(async (userId, index) => {
      const agent = await (customers[index % 2] ?? expect.fail()).set(userId, { status: "in_call" });
      kept += 1;
      if (kept === 20) killed.by = server.kill();
      return agent;
    });
    const settled = await Promise.allSettled(writes);
    await killed.by;
    expect(settled.filter(({ status }) => status === "fulfilled").length).toBeGreaterThanOrEqual(20);
    for (const outcome of settled) {
      if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(StoreUnavailableError);
    }
    await Promise.all(stores.map(lost));
    await server.start();
    await recovered(...stores);
    const fresh = await openStore(server.url).forCustomer("acme").open(never);
    for (const outcome of settled) {
      if (outcome.status === "fulfilled")
        expect(fresh.read(outcome.value.userId)).toMatchObject({ version: outcome.value.version });
    }
    for (const replica of replicas) await eventually(() => versions(replica)).toEqual(versions(fresh));
    for (const changes of received) expectGrowingVersions(changes);
  });

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

  test("ends the connections many times, the gateway prints no warning of too many listeners", async () => {
    const { server, stores } = await setUp();
    const warnings: string[] = [];
    const handleWarning = ({ name }: Error) => void warnings.push(name);
    process.on("warning", handleWarning);
    onTestFinished(() => void process.removeListener("warning", handleWarning));
    for (let count = 0; count < 12; count += 1) {
      await server.command(["CLIENT", "KILL", "TYPE", "normal"]);
      await Promise.all(stores.map(lost));
      await recovered(...stores);
    }
    expect(warnings).toEqual([]);
  });

  test("is away, a customer's data is as old as its replica, and infinitely old if it was never loaded", async () => {
    const { server, stores, customers, replicas } = await setUp();
    const stranger = stores[0].forCustomer("stranger");
    expect([customers[0].staleSinceMs(), stranger.staleSinceMs()]).toEqual([undefined, undefined]);
    await server.kill();
    await lost(stores[0]);
    expect(customers[0].staleSinceMs()).toBe(replicas[0]?.staleSinceMs() ?? expect.fail());
    expect(stranger.staleSinceMs()).toBe(-Infinity);
    await server.start();
    await recovered(...stores);
    await eventually(() => [customers[0].staleSinceMs(), stranger.staleSinceMs()]).toEqual([undefined, undefined]);
  });

  test("has trimmed changes that a gateway has missed, its streams restart and its replica equals the others", async () => {
    const { server, stores, customers, replicas, received } = await setUp({ historyLength: 10 });
    await server.command(["CONFIG", "SET", "requirepass", PASSWORD]);
    await server.command(["CLIENT", "KILL", "TYPE", "normal"], PASSWORD);
    await Promise.all(stores.map(lost));
    const third = openStore(server.url.replace("//", `//:${PASSWORD}@`), { historyLength: 10 });
    for (let count = 0; count < 40; count += 1) {
      await third.forCustomer("acme").set(1 + (count % 3), { status: count % 2 ? "in_call" : "offline" });
    }
    await server.command(["CONFIG", "SET", "requirepass", ""], PASSWORD);
    await recovered(...stores);
    const there = await third.forCustomer("acme").open(never);
    for (const replica of replicas) await eventually(() => versions(replica)).toEqual(versions(there));
    expect(received.map(resets)).toEqual([1, 1]);
    // The epoch continues, so no other gateway has to restart its streams.
    expect(customers[0] && replicas[0]?.cursor()).toBe(there.cursor());
  });

  test("is unreachable at the start, each call rejects until Redis is reachable", async () => {
    const server = await startServer();
    await server.kill();
    const store = openStore(server.url);
    const customer = store.forCustomer("acme");
    await expect(customer.open(never)).rejects.toThrow(StoreUnavailableError);
    await expect(customer.set(1, { status: "available" })).rejects.toThrow(StoreUnavailableError);
    await expect(store.lease("poll", 1_000)).resolves.toBe(false);
    expect(store.isReady()).toBe(false);
    await server.start();
    await store.whenReady(never);
    await customer.set(1, { status: "available" });
    expect((await customer.open(never)).size()).toBe(1);
    expect(store.lines).toEqual([expect.stringMatching(/^warn: .*ECONNREFUSED/), "info: Reconnected to Redis"]);
  });

  test("rejects the password, each call rejects with the reason and no log line contains the password", async () => {
    const server = await startServer();
    const store = openStore(server.url.replace("//", "//agent:s3cret@"));
    await expect(store.forCustomer("acme").open(never)).rejects.toThrow(/WRONGPASS/);
    await lost(store);
    expect(store.lines).toEqual([expect.stringMatching(/^warn: .*WRONGPASS/)]);
    expect(store.lines.join("\n")).not.toContain("s3cret");
  });

  test("accepts the connection and never replies, each call rejects", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await new Promise((resolve) => silent.once("listening", resolve));
    const address = silent.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const store = openStore(`redis://127.0.0.1:${port}`, IMPATIENT);
    await expect(store.forCustomer("acme").open(never)).rejects.toThrow(StoreUnavailableError);
    await expect(store.forCustomer("acme").set(1, { status: "available" })).rejects.toThrow(StoreUnavailableError);
    expect(store.isReady()).toBe(false);
  });

  test("is unresponsive, closing the gateway rejects pending changes", async () => {
    const { server, stores, customers } = await setUp(IMPATIENT);
    server.suspend();
    onTestFinished(server.resume);
    const waiting = expect(customers[0].set(1, { status: "in_call" })).rejects.toThrow(StoreUnavailableError);
    await stores[0].close();
    await waiting;
    await expect(customers[0].set(1, { status: "in_call" })).rejects.toThrow(StoreUnavailableError);
  });
});
