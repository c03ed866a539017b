/** Replicas while the two connections to Redis reply out of order or break. */
import { describe, expect, onTestFinished, test } from "vitest";
import { hasRedisServer, startRedisServer } from "../test/redis-server.ts";
import { openRelay, type RelayedConnection } from "../test/relay.ts";
import { singleRedis } from "./redis/redis-server-options.ts";
import { createRedisStore } from "./redis-store.ts";
import { collectChanges, eventually } from "./store.suite.ts";

const never = new AbortController().signal;

/**
 * A gateway with connections to Redis for the test to hold back, a second gateway, and a customer loaded by the first.
 */
async function setUp() {
  const server = await startRedisServer();
  onTestFinished(server.remove);
  const relay = await openRelay(Number(new URL(server.url).port));
  onTestFinished(relay.close);
  const patient = { log: { line: () => {}, warning: () => {} }, timeoutMs: 20_000 };
  const store = createRedisStore({
    server: singleRedis(`redis://127.0.0.1:${relay.port}`),
    ...patient,
    maxDelayMs: 50,
  });
  onTestFinished(store.close);
  const other = createRedisStore({ server: singleRedis(server.url), ...patient });
  onTestFinished(other.close);
  await Promise.all([store.whenReady(never), other.whenReady(never)]);
  const quiet = await store.forCustomer("quiet").open(never);
  const stream = find(relay.connections(), "XREAD");
  const commands = find(relay.connections(), "EVALSHA");
  return { server, relay, store, other, quiet, stream, commands };
}

function find(connections: readonly RelayedConnection[], text: string): RelayedConnection {
  return connections.find((connection) => connection.hasSent(text)) ?? expect.fail(`No connection has sent ${text}`);
}

/** True if a promise is still pending after all received replies are processed. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => false), new Promise<true>((resolve) => setImmediate(() => resolve(true)))]);
}

describe.skipIf(!hasRedisServer)("if the change stream", () => {
  test("lags behind a write, the write resolves once the replica has the change", async () => {
    const { store, other, stream } = await setUp();
    const [replica, others] = await Promise.all([
      store.forCustomer("acme").open(never),
      other.forCustomer("acme").open(never),
    ]);
    const received = collectChanges(replica);
    stream.hold();
    const writing = store.forCustomer("acme").set(1, { status: "available" });
    await eventually(() => others.read(1)?.status).toBe("available");
    // A later command on the same connection gets a later reply.
    await expect(store.lease("later", 1_000)).resolves.toBe(true);
    expect([await isPending(writing), received.length]).toEqual([true, 0]);
    stream.release();
    const agent = await writing;
    expect(replica.read(1)).toMatchObject({ version: agent.version });
    expect(received).toHaveLength(1);
  });

  test("lags behind a loaded customer, the replica is returned once both are at the same position", async () => {
    const { store, other, stream } = await setUp();
    stream.hold();
    await other.forCustomer("acme").set(1, { status: "available" });
    const loading = store.forCustomer("acme").open(never);
    await expect(store.lease("later", 1_000)).resolves.toBe(true);
    await expect(store.lease("later", 1_000)).resolves.toBe(true);
    expect(await isPending(loading)).toBe(true);
    stream.release();
    const replica = await loading;
    expect(replica.cursor()).toBe((await other.forCustomer("acme").open(never)).cursor());
    expect(replica.read(1)?.status).toBe("available");
  });

  test("is ahead of a loaded customer, the later change counts", async () => {
    const { store, other, quiet, commands } = await setUp();
    const changing = other.forCustomer("acme");
    for (const userId of [1, 2]) await changing.set(userId, { status: "available" });
    commands.hold();
    const loading = store.forCustomer("acme").open(never);
    // The first reply lists the user ids, the second the agents.
    await eventually(commands.heldBytes).toBeGreaterThan(0);
    commands.release();
    commands.hold();
    await eventually(commands.heldBytes).toBeGreaterThan(0);
    await changing.set(1, { status: "in_call" });
    await changing.remove(2);
    await changing.set(3, { status: "offline" });
    const there = await changing.open(never);
    await eventually(() => quiet.cursor()).toBe(there.cursor());
    commands.release();
    const replica = await loading;
    expect(replica.read(1)).toEqual(there.read(1));
    expect([...replica.agents()].map(({ userId }) => userId)).toEqual([1, 3]);
    expect(replica.cursor()).toBe(there.cursor());
  });

  test("breaks while catching up, a replica that was current is stale again, and a later one has been all along", async () => {
    const { server, relay, store, quiet } = await setUp();
    // More than are restored at once, so that the quiet customer is current before the last one is begun.
    for (let index = 0; index < 20; index += 1) await store.forCustomer(`other-${index}`).open(never);
    await store.forCustomer("acme").set(1, { status: "available" });
    const replica = await store.forCustomer("acme").open(never);
    const resets = collectChanges(quiet);
    await server.command(["FLUSHALL"]);
    // The quiet customer catches up first; the connection breaks at the last customer every time.
    const cuts = relay.cutAt("{availability-bridge:00}:agent:acme:");
    await eventually(() => replica.staleSinceMs()).toEqual(expect.any(Number));
    const staleSinceMs = replica.staleSinceMs();
    await eventually(cuts).toBeGreaterThan(2);
    expect(resets).toContain("reset");
    await eventually(() => quiet.staleSinceMs()).toEqual(expect.any(Number));
    expect(quiet.staleSinceMs()).toBeGreaterThan(staleSinceMs ?? Infinity);
    expect(replica.staleSinceMs()).toBe(staleSinceMs);
  });
});
