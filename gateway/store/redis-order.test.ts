/** What becomes of a replica where Redis's two connections do not answer in the order in which Redis did things, or break. */
import { describe, expect, onTestFinished, test } from "vitest";
import { hasRedisServer, startRedisServer } from "../test/redis-server.ts";
import { openRelay, type RelayedConnection } from "../test/relay.ts";
import { createRedisStore } from "./redis-store.ts";
import { collectChanges, eventually } from "./store.suite.ts";

const never = new AbortController().signal;

/** A gateway whose connections to Redis the test can hold back, another one, and a customer that the first has loaded. */
async function setUp() {
  const server = await startRedisServer();
  onTestFinished(server.remove);
  const relay = await openRelay(Number(new URL(server.url).port));
  onTestFinished(relay.close);
  const patient = { log: { line: () => {}, warning: () => {} }, timeoutMs: 20_000 };
  const store = createRedisStore({ url: `redis://127.0.0.1:${relay.port}`, ...patient, maxDelayMs: 50 });
  onTestFinished(store.close);
  const other = createRedisStore({ url: server.url, ...patient });
  onTestFinished(other.close);
  await Promise.all([store.whenReady(never), other.whenReady(never)]);
  const quiet = await store.forCustomer("quiet").open(never);
  const feed = find(relay.connections(), "XREAD");
  const commands = find(relay.connections(), "EVALSHA");
  return { server, relay, store, other, quiet, feed, commands };
}

function find(connections: readonly RelayedConnection[], text: string): RelayedConnection {
  return connections.find((connection) => connection.hasSent(text)) ?? expect.fail(`No connection has sent ${text}`);
}

/** Whether a promise is still open, once all that was answered before has arrived. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => false), new Promise<true>((resolve) => setImmediate(() => resolve(true)))]);
}

describe.skipIf(!hasRedisServer)("where the feed", () => {
  test("lags behind an answered write, the writer is answered once its replica has the change", async () => {
    const { store, other, feed } = await setUp();
    const [replica, others] = await Promise.all([
      store.forCustomer("acme").open(never),
      other.forCustomer("acme").open(never),
    ]);
    const heard = collectChanges(replica);
    feed.hold();
    const writing = store.forCustomer("acme").set(1, { status: "available" });
    await eventually(() => others.read(1)?.status).toBe("available");
    // Whoever asks later on the same connection is answered later.
    await expect(store.lease("later", 1_000)).resolves.toBe(true);
    expect([await isPending(writing), heard.length]).toEqual([true, 0]);
    feed.release();
    const agent = await writing;
    expect(replica.read(1)).toMatchObject({ version: agent.version });
    expect(heard).toHaveLength(1);
  });

  test("lags behind what is loaded, the replica is handed out once the two agree", async () => {
    const { store, other, feed } = await setUp();
    feed.hold();
    await other.forCustomer("acme").set(1, { status: "available" });
    const loading = store.forCustomer("acme").open(never);
    await expect(store.lease("later", 1_000)).resolves.toBe(true);
    await expect(store.lease("later", 1_000)).resolves.toBe(true);
    expect(await isPending(loading)).toBe(true);
    feed.release();
    const replica = await loading;
    expect(replica.cursor()).toBe((await other.forCustomer("acme").open(never)).cursor());
    expect(replica.read(1)?.status).toBe("available");
  });

  test("is ahead of what is loaded, the later change counts", async () => {
    const { store, other, quiet, commands } = await setUp();
    const changing = other.forCustomer("acme");
    for (const userId of [1, 2]) await changing.set(userId, { status: "available" });
    commands.hold();
    const loading = store.forCustomer("acme").open(never);
    // First which agents there are, then each of them.
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

  test("breaks while it catches up, what is current already counts as stale until all is", async () => {
    const { server, relay, store, quiet } = await setUp();
    await store.forCustomer("acme").set(1, { status: "available" });
    const replica = await store.forCustomer("acme").open(never);
    const resets = collectChanges(quiet);
    await server.command(["FLUSHALL"]);
    // The quiet customer is brought up first, and each time the connection breaks at the other one.
    const cuts = relay.cutAt("availability-bridge:agent:acme:");
    await eventually(cuts).toBeGreaterThan(2);
    expect(resets).toContain("reset");
    expect([store.isReady(), quiet.staleSinceMs(), replica.staleSinceMs()]).toEqual([
      false,
      expect.any(Number),
      expect.any(Number),
    ]);
  });
});
