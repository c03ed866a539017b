import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { customerOfShard, type RedisCluster, startRedisCluster } from "../test/redis-cluster.ts";
import { hasRedisServer } from "../test/redis-server.ts";
import { type AvailabilityStore, type CustomerStore, StoreUnavailableError } from "./availability-store.ts";
import { createStoreKeys } from "./redis/keys.ts";
import { DEFAULT_KEY_PREFIX } from "./redis/redis-server-options.ts";
import { createRedisStore } from "./redis-store.ts";
import { collectChanges, eventually, expectGrowingVersions } from "./store.suite.ts";

const never = new AbortController().signal;

/** Customers of shards at two masters. */
const [CUSTOMER, OTHER_CUSTOMER] = [customerOfShard("00"), customerOfShard("41")];
const SHARD_KEY = createStoreKeys(DEFAULT_KEY_PREFIX, "00").store;

/** Patience with the cluster's own decisions, on a busy machine. */
const PATIENCE = { interval: 50, timeout: 60_000 };

function openStore({ addresses }: RedisCluster) {
  const lines: string[] = [];
  const log = {
    line: (line: string) => void lines.push(`info: ${line}`),
    warning: (line: string) => void lines.push(`warn: ${line}`),
  };
  const server = { addresses, mode: "cluster", keyPrefix: DEFAULT_KEY_PREFIX } as const;
  const store = createRedisStore({ server, log, timeoutMs: 10_000, waitMs: 50, maxDelayMs: 50 });
  onTestFinished(store.close);
  return { ...store, lines };
}

/** Two gateways over a cluster, with replicas of the customer's agents 1 to 5 and of another shard's customer. */
async function setUp() {
  const cluster = await startRedisCluster(["--stream-node-max-entries", "5"]);
  onTestFinished(cluster.remove);
  const stores = [openStore(cluster), openStore(cluster)] as const;
  const [one, other] = [stores[0].forCustomer(CUSTOMER), stores[1].forCustomer(CUSTOMER)];
  for (const userId of [1, 2, 3, 4, 5]) await one.set(userId, { status: "available" });
  const replicas = await Promise.all([one.open(never), other.open(never)]);
  await stores[0].forCustomer(OTHER_CUSTOMER).set(1, { status: "available" });
  const received = replicas.map((replica) => collectChanges(replica));
  return { cluster, stores, customers: [one, other] as const, replicas, received };
}

/** Writers at both gateways, which change agents in turn and repeat nothing, until they are stopped. */
function startWriters(customers: readonly CustomerStore[]) {
  const acknowledged = new Map<number, number>();
  const counts = { acknowledged: 0, failed: 0 };
  let isStopped = false;
  async function write(customer: CustomerStore, userId: number): Promise<void> {
    for (let turn = 0; !isStopped; turn += 1) {
      try {
        const { version } = await customer.set(userId, { status: turn % 2 === 0 ? "in_call" : "available" });
        acknowledged.set(userId, version);
        counts.acknowledged += 1;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
        counts.failed += 1;
        // While there is no session, a write is rejected without a wait.
        await nextTurn();
      }
    }
  }
  const ended = Promise.all(
    customers.flatMap((customer, index) => [1, 2].map((id) => write(customer, 2 * index + id))),
  );
  return {
    acknowledged,
    counts,
    async stop() {
      isStopped = true;
      await ended;
    },
  };
}

/** Expects every acknowledged change, or a later one, at each gateway and at a gateway that starts now. */
async function expectNothingLost(
  cluster: RedisCluster,
  stores: readonly AvailabilityStore[],
  acknowledged: ReadonlyMap<number, number>,
) {
  const started = openStore(cluster);
  const customers = [...stores, started].map((store) => store.forCustomer(CUSTOMER));
  // A node that has not heard of the new master yet names the former one.
  await started.whenReady(never);
  const replicas = await Promise.all(customers.map((customer) => customer.open(never)));
  for (const [userId, version] of acknowledged)
    for (const replica of replicas)
      await eventually(() => replica.read(userId)?.version ?? 0).toBeGreaterThanOrEqual(version);
  const [first, ...others] = replicas.map(
    (replica) => () => new Map(Array.from(replica.agents(), ({ userId, version }) => [userId, version])),
  );
  for (const versions of others) await eventually(versions).toEqual(first?.());
}

describe.skipIf(!hasRedisServer)("if in a Redis Cluster", { timeout: 120_000 }, () => {
  test("a replica takes over on command, no acknowledged change is lost and no stream restarts", async () => {
    const { cluster, stores, customers, replicas, received } = await setUp();
    const former = await cluster.masterOf(SHARD_KEY);
    const replica = await cluster.replicaOf(former);
    const writers = startWriters(customers);
    await expect.poll(() => writers.counts.acknowledged, PATIENCE).toBeGreaterThan(20);
    await replica.command(["CLUSTER", "FAILOVER"]);
    await expect.poll(async () => (await cluster.masterOf(SHARD_KEY)).url, PATIENCE).toBe(replica.url);
    const before = writers.counts.acknowledged;
    await expect.poll(() => writers.counts.acknowledged, PATIENCE).toBeGreaterThan(before + 20);
    await writers.stop();
    await expectNothingLost(cluster, stores, writers.acknowledged);
    for (const changes of received) expectGrowingVersions(changes);
    expect(replicas.map((each) => each.staleSinceMs())).toEqual([undefined, undefined]);
    for (const { lines } of stores) expect(lines.at(-1)).toBe("info: Shard 00: Reconnected to Redis");
  });

  test("a master dies, other shards can be written until its own recovers at the replica", async () => {
    const { cluster, stores, customers } = await setUp();
    const master = await cluster.masterOf(SHARD_KEY);
    const replica = await cluster.replicaOf(master);
    const writers = startWriters(customers);
    await expect.poll(() => writers.counts.acknowledged, PATIENCE).toBeGreaterThan(20);
    const areReady = () => stores.map((store) => store.forCustomer(CUSTOMER).isReady());
    // It cannot take over before it is resumed.
    replica.suspend();
    await master.kill();
    await expect.poll(areReady, PATIENCE).toEqual([false, false]);
    for (const store of stores) {
      const write = () => store.forCustomer(OTHER_CUSTOMER).set(2, { status: "in_call" });
      await expect.poll(() => write().catch(() => undefined), PATIENCE).toMatchObject({ status: "in_call" });
      await expect.poll(store.isReady, PATIENCE).toBe(true);
    }
    expect(areReady()).toEqual([false, false]);
    replica.resume();
    await expect.poll(areReady, PATIENCE).toEqual([true, true]);
    const before = writers.counts.acknowledged;
    await expect.poll(() => writers.counts.acknowledged, PATIENCE).toBeGreaterThan(before + 20);
    await writers.stop();
    await expectNothingLost(cluster, stores, writers.acknowledged);
  });

  test("a master dies before its replica has the last acknowledged changes, the gateways write them back", async () => {
    const { cluster, stores, customers, received } = await setUp();
    const master = await cluster.masterOf(SHARD_KEY);
    const replica = await cluster.replicaOf(master);
    await replica.kill();
    const { version } = await customers[0].set(1, { status: "on_mobile" });
    await customers[1].remove(5);
    await master.kill();
    await replica.start();
    await Promise.all(stores.map((store) => store.whenReady(never)));
    for (const changes of received) await eventually(() => changes.includes("reset")).toBe(true);
    await expectNothingLost(cluster, stores, new Map([[1, version]]));
    const started = openStore(cluster);
    const customer = started.forCustomer(CUSTOMER);
    await started.whenReady(never);
    const fresh = await customer.open(never);
    expect(fresh.read(1)).toMatchObject({ status: "on_mobile", version });
    expect(fresh.read(5)).toBeUndefined();
  });

  test("the slot of a shard moves to another master, the gateways follow and no stream restarts", async () => {
    const { cluster, stores, customers, replicas, received } = await setUp();
    const { version } = await customers[0].set(1, { status: "on_mobile" });
    const former = await cluster.masterOf(SHARD_KEY);
    const target = await cluster.moveSlot(SHARD_KEY);
    expect(target.url).not.toBe(former.url);
    // A node that has not heard of the move yet names the former master.
    await expect
      .poll(() => customers[1].set(1, { status: "in_call" }).catch(() => undefined), PATIENCE)
      .toMatchObject({ status: "in_call" });
    const next = replicas[1].read(1)?.version ?? 0;
    expect(next).toBeGreaterThan(version);
    await expectNothingLost(cluster, stores, new Map([[1, next]]));
    for (const changes of received) expectGrowingVersions(changes);
    await expect(target.command(["EXISTS", SHARD_KEY])).resolves.toBe(1);
  });
});
