/** Two gateways over a Redis Cluster that gets another master, with readers, writers and streams all the time. */
import { expect, onTestFinished, test } from "vitest";
import { createStoreKeys } from "../../store/redis/keys.ts";
import { DEFAULT_KEY_PREFIX } from "../../store/redis/redis-server-options.ts";
import { shardIndexOf, shardNames } from "../../store/redis/shards.ts";
import { type RedisCluster, startRedisCluster } from "../redis-cluster.ts";
import { hasRedisServer } from "../redis-server.ts";
import { startWriting } from "./change-writer.ts";
import { expectCaughtUp, expectCurrent, expectGrowing, expectNothingLost } from "./consistency-check.ts";
import { writeCustomersFile } from "./customers-file.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { openStreamReader } from "./stream-reader.ts";
import { BUSY_USER_IDS, introduceUsers, PROBED_USER_ID } from "./users.ts";

/** Longer than a cluster needs for a failover on a busy machine. */
const FAILOVER = { timeout: 60_000, interval: 50 };

const CUSTOMER = "acme";
const SHARDS = shardNames("cluster");
const SHARD_KEY = createStoreKeys(DEFAULT_KEY_PREFIX, SHARDS[shardIndexOf(CUSTOMER, SHARDS.length)]).store;

/** Starts a cluster, two gateways, and two streams and a writer at each of them. */
async function startBusyGateways() {
  const cluster = await startRedisCluster();
  onTestFinished(cluster.remove);
  const customers = await writeCustomersFile();
  const environment = {
    ...customers.environment,
    REDIS_URL: cluster.addresses.join(","),
    REDIS_MODE: "cluster",
  };
  const gateways = await Promise.all([startGateway({ environment }), startGateway({ environment })]);
  const token = await customers.token(CUSTOMER);
  const clients = gateways.map((at) => createGatewayClient({ at, customer: CUSTOMER, token }));
  const [first, second] = clients;
  for (const { origin } of gateways) await expect.poll(async () => (await fetch(`${origin}/readyz`)).status).toBe(200);
  if (first) await introduceUsers(first);
  await expect.poll(async () => second?.versions()).toEqual(await first?.versions());
  const readers = [...gateways, ...gateways].map((at) => openStreamReader({ at: [at], customer: CUSTOMER, token }));
  await expectCurrent(readers);
  const writer = startWriting(clients, BUSY_USER_IDS);
  await expect.poll(writer.count).toBeGreaterThan(50);
  return { cluster, gateways, clients, readers, writer };
}

test.skipIf(!hasRedisServer).each([
  ["a master is killed", async (_: RedisCluster, master: { kill(): Promise<void> }) => master.kill()],
  [
    "an operator replaces a master",
    async ({ replicaOf }: RedisCluster, master: RedisCluster["nodes"][number]) => {
      await (await replicaOf(master)).command(["CLUSTER", "FAILOVER"]);
    },
  ],
  [
    "the slot of a shard moves to another master",
    async ({ moveSlot }: RedisCluster) => void (await moveSlot(SHARD_KEY)),
  ],
])("two gateways serve on and lose nothing while %s", async (_, change) => {
  const { cluster, gateways, clients, readers, writer } = await startBusyGateways();
  const former = await cluster.masterOf(SHARD_KEY);
  await change(cluster, former);
  // Reads go on from memory all the while.
  for (const client of clients) expect(await client.read(PROBED_USER_ID)).toMatchObject({ status: 200 });
  await expect.poll(async () => (await cluster.masterOf(SHARD_KEY)).url, FAILOVER).not.toBe(former.url);
  for (const client of clients) {
    await expect.poll(async () => (await client.setStatus(PROBED_USER_ID, "other")).status, FAILOVER).toBe(200);
    await expect.poll(async () => (await client.read(PROBED_USER_ID)).ageSeconds, FAILOVER).toBe(0);
  }
  await writer.more(50);
  await writer.stop();
  // A new gateway has exactly the state of the new master.
  await gateways[0].kill();
  await gateways[0].start();
  const kept = await clients[0]?.versions();
  await expect.poll(async () => clients[1]?.versions(), FAILOVER).toEqual(kept);
  await expectCaughtUp(readers, kept ?? new Map());
  expectGrowing(writer);
  expectNothingLost(readers, writer);
});
