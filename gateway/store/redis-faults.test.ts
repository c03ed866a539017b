/** A Redis that is killed, suspended or out of reach. */
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { hasRedisServer } from "../test/redis-server.ts";
import {
  IMPATIENT,
  lost,
  never,
  openStore,
  PASSWORD,
  recovered,
  resets,
  setUp,
  startServer,
  statuses,
  versions,
} from "../test/redis-stores.ts";
import { StoreUnavailableError } from "./availability-store.ts";
import { eventually, expectGrowingVersions } from "./store.suite.ts";

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
