/** Two gateways over a primary that Sentinels replace, with readers, writers and streams all the time. */
import { expect, test } from "vitest";
import { hasSentinel, PRIMARY_NAME, startSentinelGroup } from "../sentinel-group.ts";
import { startWriting } from "./change-writer.ts";
import { expectCaughtUp, expectCurrent, expectGrowing, expectNothingLost } from "./consistency-check.ts";
import { writeCustomersFile } from "./customers-file.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { openStreamReader } from "./stream-reader.ts";
import { BUSY_USER_IDS, introduceUsers, PROBED_USER_ID } from "./users.ts";

/** Longer than Sentinels need for a failover on a busy machine. */
const FAILOVER = { timeout: 60_000, interval: 50 };

/** Starts Redis with Sentinels, two gateways, and two streams and a writer at each of them. */
async function startBusyGateways() {
  const group = await startSentinelGroup();
  const customers = await writeCustomersFile();
  const environment = {
    ...customers.environment,
    REDIS_URL: group.url,
    REDIS_MODE: "sentinel",
    REDIS_SENTINEL_NAME: PRIMARY_NAME,
    REDIS_KEY_PREFIX: "calls",
  };
  const gateways = await Promise.all([startGateway({ environment }), startGateway({ environment })]);
  const token = await customers.token("acme");
  const clients = gateways.map((at) => createGatewayClient({ at, customer: "acme", token }));
  const [first, second] = clients;
  for (const { origin } of gateways) await expect.poll(async () => (await fetch(`${origin}/readyz`)).status).toBe(200);
  if (first) await introduceUsers(first);
  await expect.poll(async () => second?.versions()).toEqual(await first?.versions());
  const readers = [...gateways, ...gateways].map((at) => openStreamReader({ at: [at], customer: "acme", token }));
  await expectCurrent(readers);
  const writer = startWriting(clients, BUSY_USER_IDS);
  await expect.poll(writer.count).toBeGreaterThan(50);
  return { group, gateways, clients, readers, writer };
}

test.skipIf(!hasSentinel).each([
  ["its primary is killed", "kill"],
  ["an operator replaces its primary", "command"],
])("two gateways serve on and lose nothing while %s", async (_, cause) => {
  const { group, gateways, clients, readers, writer } = await startBusyGateways();
  const former = await group.primary();
  if (cause === "kill") await former.kill();
  else await group.sentinels[0]?.command(["SENTINEL", "FAILOVER", PRIMARY_NAME]);
  // Reads go on from memory all the while.
  for (const client of clients) expect(await client.read(PROBED_USER_ID)).toMatchObject({ status: 200 });
  await expect.poll(group.primary, FAILOVER).not.toBe(former);
  for (const client of clients) {
    await expect
      .poll(async () => (await client.setStatus(PROBED_USER_ID, "do_not_disturb")).status, FAILOVER)
      .toBe(200);
    await expect.poll(async () => (await client.read(PROBED_USER_ID)).ageSeconds, FAILOVER).toBe(0);
  }
  await writer.more(50);
  await writer.stop();
  // A new gateway has exactly the state of the new primary.
  await gateways[0].kill();
  await gateways[0].start();
  const kept = await clients[0]?.versions();
  await expect.poll(async () => clients[1]?.versions(), FAILOVER).toEqual(kept);
  await expectCaughtUp(readers, kept ?? new Map());
  expectGrowing(writer);
  expectNothingLost(readers, writer);
});
