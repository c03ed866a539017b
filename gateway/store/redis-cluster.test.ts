import { readFile } from "node:fs/promises";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { customerOfShard, type RedisCluster, startRedisCluster } from "../test/redis-cluster.ts";
import { hasRedisServer } from "../test/redis-server.ts";
import { createStoreKeys } from "./redis/keys.ts";
import { DEFAULT_KEY_PREFIX } from "./redis/redis-server-options.ts";
import { shardNames } from "./redis/shards.ts";
import { createRedisStore, type RedisStoreOptions } from "./redis-store.ts";
import { declareStoreTests, eventually } from "./store.suite.ts";

const never = new AbortController().signal;
const SHARDS = shardNames("cluster");

/** Short nodes, because the tests wait until Redis trims entries. */
const SETTINGS = ["--stream-node-max-entries", "5"];

describe.skipIf(!hasRedisServer)("the store in a Redis Cluster", async () => {
  // All tests share one cluster; each test has its own customers.
  const cluster = hasRedisServer ? await startRedisCluster(SETTINGS) : undefined;
  afterAll(() => cluster?.remove());
  const start = async () => cluster ?? Promise.reject(new Error("The tests of a missing server are skipped"));

  declareStoreTests({
    async open() {
      const { addresses } = await start();
      return [openStore(addresses), openStore(addresses)];
    },
    runs: 5,
  });
});

function openStore(addresses: readonly string[], options: Partial<RedisStoreOptions> = {}) {
  const server = { addresses, mode: "cluster", keyPrefix: DEFAULT_KEY_PREFIX } as const;
  const store = createRedisStore({ server, log: { line: () => {}, warning: () => {} }, timeoutMs: 10_000, ...options });
  onTestFinished(store.close);
  return store;
}

async function startCluster(): Promise<RedisCluster> {
  const cluster = await startRedisCluster(SETTINGS);
  onTestFinished(cluster.remove);
  return cluster;
}

/** Sends a command to every node. */
async function commandAll({ nodes }: RedisCluster, words: readonly string[]): Promise<readonly unknown[]> {
  return Promise.all(nodes.map((node) => node.command(words)));
}

/** Counts the connections of gateways at all nodes. */
async function countConnections(cluster: RedisCluster): Promise<number> {
  const lists = await commandAll(cluster, ["CLIENT", "LIST"]);
  return lists.flatMap((list) => String(list).split("\n")).filter((line) => line.includes("name=availability-gateway"))
    .length;
}

describe.skipIf(!hasRedisServer)("in a Redis Cluster", { timeout: 120_000 }, () => {
  test("each shard has a slot in another sixteenth of all slots, with any key prefix", async () => {
    const [node] = (await startCluster()).nodes;
    for (const prefix of [DEFAULT_KEY_PREFIX, "a", "staging_2"]) {
      const keys = SHARDS.map((shard) => createStoreKeys(prefix, shard).store);
      const slots = await Promise.all(keys.map(async (key) => node?.command(["CLUSTER", "KEYSLOT", key])));
      expect(new Set(slots.map((slot) => Math.floor(Number(slot) / 1_024))).size).toBe(16);
    }
  });

  test("the keys of a customer are those of its shard, and the gateway needs no more rights than docs/redis.md grants", async () => {
    const cluster = await startCluster();
    const documented = (await readFile("docs/redis.md", "utf8")).matchAll(/^ACL (SETUSER gateway .+)$/gm);
    for (const [, rights = ""] of documented) await commandAll(cluster, ["ACL", ...rights.split(" ")]);
    await commandAll(cluster, ["ACL", "LOG", "RESET"]);
    const [customerId, otherId] = [customerOfShard("00"), customerOfShard("41")];
    const store = openStore(cluster.addresses.map((address) => address.replace("//", "//gateway:secret@")));
    await store.forCustomer(customerId).set(7, { status: "available" });
    await store.forCustomer(customerId).open(never);
    await store.forCustomer(otherId).set(8, { status: "available" });
    await expect(store.lease("poll", 60_000, { customerId })).resolves.toBe(true);
    const masters = await Promise.all(["{availability-bridge:00}", "{availability-bridge:41}"].map(cluster.masterOf));
    const keys = await Promise.all(masters.map((master) => master.command(["KEYS", "*"])));
    expect(keys.flat()).toEqual(
      expect.arrayContaining([
        `{availability-bridge:00}:agent:${customerId}:7`,
        "{availability-bridge:00}:lease:poll",
        `{availability-bridge:41}:agent:${otherId}:8`,
      ]),
    );
    for (const key of keys.flat()) expect(key).toMatch(/^\{availability-bridge:(00|41)\}:/);
    expect((await commandAll(cluster, ["ACL", "LOG"])).flat()).toEqual([]);
  });

  test("a gateway connects only to the shards of its customers", async () => {
    const cluster = await startCluster();
    const store = openStore(cluster.addresses);
    store.forCustomer(customerOfShard("00"));
    store.forCustomer(customerOfShard("41"));
    await store.whenReady(never);
    await eventually(() => countConnections(cluster)).toBe(4);
    store.forCustomer(customerOfShard("63"));
    await store.whenReady(never);
    await eventually(() => countConnections(cluster)).toBe(6);
    await store.close();
    await eventually(() => countConnections(cluster)).toBe(0);
  });

  test("a gateway starts with the nodes that can be reached, and names each one that cannot", async () => {
    const cluster = await startCluster();
    const [down, up = ""] = ["redis://127.0.0.1:1", cluster.addresses[5]];
    const store = openStore([down, up, down]).forCustomer("acme");
    await expect(store.set(1, { status: "available" })).resolves.toMatchObject({ status: "available" });
    const lines: string[] = [];
    const log = { line: () => {}, warning: (line: string) => void lines.push(line) };
    const lost = openStore([down, "redis://127.0.0.1:2"], { log }).forCustomer("acme");
    await expect(lost.set(1, { status: "available" })).rejects.toThrow(/127\.0\.0\.1:1: .*ECONNREFUSED/);
    await expect(lost.set(1, { status: "available" })).rejects.toThrow(/127\.0\.0\.1:2: .*ECONNREFUSED/);
    expect(lines).toEqual([expect.stringMatching(/^Shard 61: No node of the Redis Cluster names the master: /)]);
  });

  test.each(["hostname", "unknown-endpoint"])(
    "a gateway connects to nodes that announce their %s",
    async (endpoint) => {
      const cluster = await startCluster();
      await commandAll(cluster, ["CONFIG", "SET", "cluster-announce-hostname", "localhost"]);
      await commandAll(cluster, ["CONFIG", "SET", "cluster-preferred-endpoint-type", endpoint]);
      const [address = ""] = cluster.addresses;
      const stores = [openStore([address]), openStore([address.replace("127.0.0.1", "localhost")])];
      // At most one of the three masters is the node that was asked.
      for (const shard of ["00", "03", "41"]) {
        const customers = stores.map((store) => store.forCustomer(customerOfShard(shard)));
        for (const customer of customers)
          await expect(customer.set(1, { status: "available" })).resolves.toMatchObject({ status: "available" });
      }
    },
  );

  test("a gateway erases what is outdated in a shard that no gateway serves, also while another has no master", async () => {
    const cluster = await startCluster();
    const [served, former] = [customerOfShard("00"), customerOfShard("41")];
    const keys = createStoreKeys(DEFAULT_KEY_PREFIX, "41");
    const past = openStore(cluster.addresses);
    for (const userId of [7, 8]) await past.forCustomer(former).set(userId, { status: "available" });
    await past.close();
    const master = await cluster.masterOf(keys.store);
    await master.command(["HSET", keys.served, former, `${Date.now() - 31 * 24 * 60 * 60 * 1000}`]);
    const store = openStore(cluster.addresses);
    await store.forCustomer(served).set(1, { status: "available" });
    const lost = await cluster.masterOf(createStoreKeys(DEFAULT_KEY_PREFIX, "00").store);
    // Without its replica, no other master takes over.
    await (await cluster.replicaOf(lost)).kill();
    await lost.kill();
    await expect(store.eraseUnserved()).resolves.toEqual([former]);
    await expect(master.command(["KEYS", `*${former}*`])).resolves.toEqual([keys.erased(former)]);
    await expect(master.command(["XLEN", keys.changes])).resolves.toBe(1);
    const left = String(await master.command(["CLIENT", "LIST"]));
    expect(left).not.toContain("name=availability-gateway");
  });
});
