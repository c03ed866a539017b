/** Two gateways over a Redis Cluster that gets another master, with readers, writers and streams all the time. */
import { expect, onTestFinished, test } from "vitest";
import { createStoreKeys } from "../../store/redis/keys.ts";
import { DEFAULT_KEY_PREFIX } from "../../store/redis/redis-server-options.ts";
import { shardIndexOf, shardNames } from "../../store/redis/shards.ts";
import { type RedisCluster, startRedisCluster } from "../redis-cluster.ts";
import { hasRedisServer } from "../redis-server.ts";
import { startTlsRedisCluster } from "../tls-redis-cluster.ts";
import { hasTlsRedisServer } from "../tls-redis-server.ts";
import { BUSY_CUSTOMER, startBusyGateways } from "./busy-gateways.ts";

const SHARDS = shardNames("cluster");
const SHARD_KEY = createStoreKeys(DEFAULT_KEY_PREFIX, SHARDS[shardIndexOf(BUSY_CUSTOMER, SHARDS.length)]).store;

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
  const cluster = await startRedisCluster();
  onTestFinished(cluster.remove);
  const { expectContinuation } = await startBusyGateways({
    REDIS_URL: cluster.addresses.join(","),
    REDIS_MODE: "cluster",
  });
  const former = await cluster.masterOf(SHARD_KEY);
  await change(cluster, former);
  await expectContinuation(async () => (await cluster.masterOf(SHARD_KEY)).url, former.url);
});

test.skipIf(!hasTlsRedisServer)(
  "two gateways serve on over TLS with client certificates and lose nothing while a master is killed",
  async () => {
    const { tlsAddresses, authority, masterOf, nodes, remove } = await startTlsRedisCluster();
    onTestFinished(remove);
    const { certPath, keyPath } = authority.issue("gateway");
    const { expectContinuation } = await startBusyGateways({
      REDIS_URL: tlsAddresses.join(","),
      REDIS_MODE: "cluster",
      REDIS_TLS_CA: authority.caPath,
      REDIS_TLS_CERT: certPath,
      REDIS_TLS_KEY: keyPath,
    });
    const former = await masterOf(SHARD_KEY);
    const connected = await connectedAddresses(nodes);
    expect(connected.length).toBeGreaterThan(0);
    expect(tlsAddresses.map((address) => new URL(address).host)).toEqual(expect.arrayContaining([...connected]));
    await former.kill();
    await expectContinuation(async () => (await masterOf(SHARD_KEY)).url, former.url);
  },
);

/** Returns the nodes' addresses to which gateways are connected. */
async function connectedAddresses(nodes: RedisCluster["nodes"]): Promise<readonly string[]> {
  const lists = await Promise.all(nodes.map(({ command }) => command(["CLIENT", "LIST"])));
  const clients = lists.flatMap((list) => String(list).split("\n"));
  return clients
    .filter((line) => line.includes("name=availability-gateway"))
    .map((line) => /laddr=(\S+)/.exec(line)?.[1] ?? "");
}
