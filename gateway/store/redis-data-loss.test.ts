/** A Redis that has lost data: the gateways write back what they had in memory. */
import { describe, expect, onTestFinished, test } from "vitest";
import { hasRedisServer, type RedisServer } from "../test/redis-server.ts";
import {
  never,
  openStore,
  PASSWORD,
  recovered,
  resets,
  setUp,
  setUpManyCustomers,
  startServer,
  statuses,
  versions,
} from "../test/redis-stores.ts";
import { openRelay } from "../test/relay.ts";
import { eventually } from "./store.suite.ts";

describe.skipIf(!hasRedisServer)("if Redis", () => {
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
});
