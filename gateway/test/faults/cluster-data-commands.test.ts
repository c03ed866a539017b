/** Commands about data over a Redis Cluster, beside running gateways whose customers are in different shards. */
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { createStoreKeys } from "../../store/redis/keys.ts";
import { DEFAULT_KEY_PREFIX } from "../../store/redis/redis-server-options.ts";
import { shardIndexOf, shardNames } from "../../store/redis/shards.ts";
import { createRedisStore } from "../../store/redis-store.ts";
import { customerOfShard, type RedisCluster, startRedisCluster } from "../redis-cluster.ts";
import { hasRedisServer } from "../redis-server.ts";
import { auditsIn, OPERATOR, runCommand } from "./data-command-process.ts";
import { createGatewayClient, type GatewayHttpClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { customerEntry, makeReloadableCustomers } from "./reloadable-customers.ts";
import { openStreamReader } from "./stream-reader.ts";

const SHARDS = shardNames("cluster");

/** Two customers of shards at different masters, and a former one of another shard, which no gateway serves. */
const ACME = customerOfShard("00");
const INITECH = customerOfShard("41");
const FORMER = customerOfShard("23");

const USER_IDS = [1, 2, 3];

/** Returns the key by which a customer's master is found. */
function storeKeyOf(customerId: string): string {
  return createStoreKeys(DEFAULT_KEY_PREFIX, SHARDS[shardIndexOf(customerId, SHARDS.length)]).store;
}

/** Starts a cluster for a test that ends nodes. */
async function startCluster(): Promise<RedisCluster> {
  const cluster = await startRedisCluster();
  onTestFinished(cluster.remove);
  return cluster;
}

/** Two gateways over a cluster, with users of both customers, and the commands over the same settings. */
async function setUp(cluster: RedisCluster, keyPrefix: string = DEFAULT_KEY_PREFIX) {
  const file = await makeReloadableCustomers();
  const secret = await file.makeSecret("shared.secret");
  await file.write([ACME, INITECH].map((id) => customerEntry(id, secret.reference)));
  const environment = {
    ...file.environment,
    REDIS_URL: cluster.addresses.join(","),
    REDIS_MODE: "cluster",
    REDIS_KEY_PREFIX: keyPrefix,
  };
  const gateways = await Promise.all([startGateway({ environment }), startGateway({ environment })]);
  for (const { origin } of gateways) await expect.poll(async () => (await fetch(`${origin}/readyz`)).status).toBe(200);
  const tokens = { [ACME]: await secret.sign(ACME), [INITECH]: await secret.sign(INITECH) };
  const clientsOf = (customer: string) =>
    gateways.map((at) => createGatewayClient({ at, customer, token: tokens[customer] ?? "" }));
  const [acme, initech] = [clientsOf(ACME), clientsOf(INITECH)];
  for (const clients of [acme, initech]) {
    for (const userId of USER_IDS)
      await expect.poll(async () => (await clients[0]?.setStatus(userId, "available"))?.status).toBeOneOf([200, 201]);
    await expectUsers(clients, USER_IDS);
  }
  /** Returns the keys of a customer's agents, at all nodes. */
  async function agentKeys(customerId: string): Promise<readonly string[]> {
    const pattern = `{${keyPrefix}:*agent*:${customerId}*`;
    const keys = await Promise.all(cluster.nodes.map((node) => node.command(["KEYS", pattern])));
    return [...new Set(keys.flat().map(String))];
  }

  return {
    agentKeys,
    acme,
    initech,
    openStream: (customer: string) => openStreamReader({ at: gateways, customer, token: tokens[customer] ?? "" }),
    run: (args: string, input?: string) => runCommand(args, environment, input),
  };
}

/** Waits until each gateway has exactly these users. */
async function expectUsers(clients: readonly GatewayHttpClient[], userIds: readonly number[]): Promise<void> {
  for (const client of clients) await expect.poll(async () => [...(await client.versions()).keys()]).toEqual(userIds);
}

describe.skipIf(!hasRedisServer)("over a Redis Cluster", async () => {
  // The tests share one cluster; each test has its own prefix of keys.
  const shared = hasRedisServer ? await startRedisCluster() : undefined;
  afterAll(() => shared?.remove());
  const start = async () => shared ?? Promise.reject(new Error("The tests of a missing server are skipped"));

  test("erases users and a customer at both gateways, and nothing of another shard", async () => {
    const { agentKeys, acme, initech, openStream, run } = await setUp(await start(), "first");
    const reader = openStream(ACME);
    await expect.poll(reader.isCurrent).toBe(true);
    const one = await run(`erase --customer ${ACME} --user 2 --user 9 --yes`);
    expect(one).toMatchObject({ exitCode: 0 });
    expect(auditsIn(one.lines)).toMatchObject([
      { customer: ACME, userId: 2, command: "erase", ...OPERATOR, status: 200 },
      { customer: ACME, userId: 9, command: "erase", ...OPERATOR, status: 404 },
    ]);
    await expectUsers(acme, [1, 3]);
    await expect.poll(() => [...reader.versions().keys()]).toEqual([1, 3]);
    const all = await run(`erase --customer ${ACME} --yes`);
    expect(all).toMatchObject({ exitCode: 0 });
    expect(auditsIn(all.lines)).toMatchObject([{ customer: ACME, users: 2, status: 200 }]);
    await expectUsers(acme, []);
    await expect.poll(() => agentKeys(ACME)).toEqual([]);
    await expectUsers(initech, USER_IDS);
    expect(reader.failure()).toBeUndefined();
  });

  test("erases a customer whose shard no gateway serves", async () => {
    const cluster = await start();
    const { agentKeys, run } = await setUp(cluster, "second");
    const server = { addresses: cluster.addresses, mode: "cluster", keyPrefix: "second" } as const;
    const store = createRedisStore({ server, log: { line: () => {}, warning: () => {} }, timeoutMs: 10_000 });
    await store.forCustomer(FORMER).set(7, { status: "available" });
    await store.close();
    expect(await agentKeys(FORMER)).toHaveLength(2);
    const exported = await run(`export --customer ${FORMER}`);
    expect(exported.lines).toEqual(expect.arrayContaining([expect.stringContaining(`"${FORMER}","userId":7`)]));
    const { exitCode, lines } = await run(`erase --customer ${FORMER} --yes`);
    expect(lines).toContain(`Erased 1 user of customer ${FORMER}: 7, and all other data of the customer`);
    expect(exitCode).toBe(0);
    await expect.poll(() => agentKeys(FORMER)).toEqual([]);
  });

  test("exports and restores the customers of several shards, whose streams receive the change", async () => {
    const { acme, initech, openStream, run } = await setUp(await start(), "third");
    const exported = await run("export --all");
    expect(exported).toMatchObject({ exitCode: 0 });
    expect(exported.lines).toContain("Exported 6 agents");
    const file = exported.lines.filter((line) => line.startsWith("{")).join("\n");
    const reader = openStream(INITECH);
    await expect.poll(reader.isCurrent).toBe(true);
    expect(await acme[1]?.setStatus(1, "do_not_disturb")).toMatchObject({ status: 200 });
    expect(await run(`erase --customer ${INITECH} --yes`)).toMatchObject({ exitCode: 0 });
    await expectUsers(initech, []);

    const tried = await run("restore --all --dry-run", file);
    expect(tried.lines).toEqual([
      `Would restore agents of customer ${ACME}: 1; unchanged: 2`,
      `Would restore agents of customer ${INITECH}: 3; unchanged: 0`,
    ]);
    const restored = await run("restore --all", file);
    expect(restored).toMatchObject({ exitCode: 0 });
    expect(auditsIn(restored.lines)).toHaveLength(4);
    await expectUsers(initech, USER_IDS);
    for (const client of acme)
      await expect.poll(async () => (await client.read(1)).body).toMatchObject({ status: "available" });
    await expect.poll(async () => reader.versions()).toEqual(await initech[0]?.versions());
    expect(reader.failure()).toBeUndefined();
  });
});

test.skipIf(!hasRedisServer)("reads and erases one shard while the master of another is away", async () => {
  const cluster = await startCluster();
  const { acme, run } = await setUp(cluster);
  const lost = await cluster.masterOf(storeKeyOf(INITECH));
  // Without its replica, no other master takes over.
  await (await cluster.replicaOf(lost)).kill();
  await lost.kill();
  const exported = await run(`export --customer ${ACME}`);
  expect(exported).toMatchObject({ exitCode: 0 });
  expect(exported.lines).toContain("Exported 3 agents");
  expect(await run(`erase --customer ${ACME} --user 2 --yes`)).toMatchObject({ exitCode: 0 });
  await expectUsers(acme, [1, 3]);
  const all = await run("export --all");
  expect(all.exitCode).toBe(1);
  expect(all.lines.at(-1)).toBe("Redis did not accept writes within 15 s. Nothing was done");
  expect(all.lines.join("\n")).toMatch(/^Shard 41: /m);
});

test.skipIf(!hasRedisServer)(
  "erases and restores while the slot of the shard moves and after its master has failed",
  async () => {
    const cluster = await startCluster();
    const { acme, run } = await setUp(cluster);
    const exported = await run(`export --customer ${ACME}`);
    const file = exported.lines.filter((line) => line.startsWith("{")).join("\n");
    await cluster.moveSlot(storeKeyOf(ACME));
    expect(await run(`erase --customer ${ACME} --user 2 --yes`)).toMatchObject({ exitCode: 0 });
    await expectUsers(acme, [1, 3]);
    const master = await cluster.masterOf(storeKeyOf(ACME));
    await master.kill();
    await expect
      .poll(async () => (await cluster.masterOf(storeKeyOf(ACME))).url, { timeout: 60_000 })
      .not.toBe(master.url);
    const restored = await run(`restore --customer ${ACME}`, file);
    expect(restored.lines).toContain(`Restored agents of customer ${ACME}: 1; unchanged: 2`);
    expect(restored.exitCode).toBe(0);
    await expect.poll(async () => (await acme[1]?.read(2))?.status).toBe(200);
  },
);
