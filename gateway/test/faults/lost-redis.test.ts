import { setTimeout as elapse } from "node:timers/promises";
import { expect, test } from "vitest";
import { send } from "../proxy-client.ts";
import { canStart } from "../proxy-process.ts";
import { type ChangeWriter, startWriting } from "./change-writer.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import {
  expectCaughtUp,
  expectCurrent,
  expectEachChangeOnce,
  expectGrowing,
  expectNothingLost,
} from "./consistency-check.ts";
import { hasServers } from "./programs.ts";
import type { StreamReader } from "./stream-reader.ts";
import { BUSY_USER_IDS, PROBED_USER_ID } from "./users.ts";

const testOverProcesses = test.skipIf(!hasServers);

/** Starts a cluster with current subscribers and a writer that changes users. */
async function startBusyCluster(): Promise<{
  cluster: Cluster;
  readers: readonly StreamReader[];
  writer: ChangeWriter;
}> {
  const cluster = await startCluster();
  const [first, second] = cluster.gateways;
  const addresses = [first, second, first, second, cluster.proxy];
  const readers = await Promise.all(addresses.map((each) => cluster.reader([each])));
  await expectCurrent(readers);
  const clients = await Promise.all([first, second].map((each) => cluster.client(each)));
  const writer = startWriting(clients, BUSY_USER_IDS);
  await expect.poll(writer.count).toBeGreaterThan(50);
  return { cluster, readers, writer };
}

/**
 * Resolves when both gateways answer reads with an age, reject writes with 503, and still pass their own health check.
 */
async function expectDegraded({ gateways, client }: Cluster): Promise<void> {
  for (const gateway of gateways) {
    const caller = await client(gateway);
    await expect.poll(async () => (await caller.read(PROBED_USER_ID)).ageSeconds).toBeGreaterThan(0);
    expect(await caller.read(PROBED_USER_ID)).toMatchObject({ status: 200, body: { userId: PROBED_USER_ID } });
    expect(await caller.setStatus(PROBED_USER_ID, "available")).toMatchObject({ status: 503, body: { status: 503 } });
  }
}

/** Resolves when each gateway acknowledges writes again and answers current reads. */
async function expectRecovered({ gateways, client }: Cluster): Promise<void> {
  for (const gateway of gateways) {
    const caller = await client(gateway);
    await expect.poll(async () => (await caller.setStatus(PROBED_USER_ID, "available")).status).toBe(200);
    expect(await caller.read(PROBED_USER_ID)).toMatchObject({ status: 200, ageSeconds: 0 });
  }
}

/** Fetches the versions of both gateways, and of a newly started gateway. */
async function readSettledVersions({ gateways, client }: Cluster): Promise<ReadonlyMap<number, number>> {
  const [first, second] = gateways;
  await first.kill();
  await first.start();
  // The new gateway has exactly the state of Redis.
  const kept = await (await client(first)).versions();
  const other = await client(second);
  await expect.poll(other.versions).toEqual(kept);
  return kept;
}

testOverProcesses("serves on and loses nothing while Redis is killed and comes back with its data", async () => {
  const { cluster, readers, writer } = await startBusyCluster();
  await cluster.redis.kill();
  await expectDegraded(cluster);
  await cluster.redis.start();
  await expectRecovered(cluster);
  await writer.more(50);
  await writer.stop();
  await expectCaughtUp(readers, await readSettledVersions(cluster));
  expectEachChangeOnce(readers, writer);
  expectGrowing(writer);
});

testOverProcesses("gives Redis back what it has lost, and goes on from there", async () => {
  const { cluster, readers, writer } = await startBusyCluster();
  await cluster.redis.kill();
  await expectDegraded(cluster);
  await cluster.redis.wipe();
  await cluster.redis.start();
  await expectRecovered(cluster);
  await writer.more(50);
  await writer.stop();
  await expectCaughtUp(readers, await readSettledVersions(cluster));
  expectGrowing(writer);
  expectNothingLost(readers, writer);
});

testOverProcesses("gives Redis back what is newer than the copy that it was restored from", async () => {
  const { cluster, readers, writer } = await startBusyCluster();
  const { redis } = cluster;
  await redis.kill();
  await redis.saveSnapshot();
  await redis.start();
  await expectRecovered(cluster);
  await writer.more(50);
  await redis.kill();
  await expectDegraded(cluster);
  await redis.loadSnapshot();
  await redis.start();
  await expectRecovered(cluster);
  await writer.stop();
  await expectCaughtUp(readers, await readSettledVersions(cluster));
  expectGrowing(writer);
  expectNothingLost(readers, writer);
});

/** Three of Caddy's health checks, in milliseconds: by then a proxy has drawn its conclusions. */
const OUTAGE_MS = 6_500;

test.skipIf(!hasServers).each((["nginx", "caddy"] as const).filter(canStart))(
  "serves on behind %s while Redis is away, and says itself why it makes no change",
  async (proxy) => {
    const cluster = await startCluster({ proxy });
    const caller = await cluster.client(cluster.proxy);
    await cluster.redis.kill();
    await expectDegraded(cluster);
    const end = performance.now() + OUTAGE_MS;
    while (performance.now() < end) {
      expect(await caller.read(PROBED_USER_ID)).toMatchObject({ status: 200 });
      expect(await send(cluster.proxy, "/embed.js")).toMatchObject({ status: 200 });
      expect(await caller.setStatus(PROBED_USER_ID, "available")).toMatchObject({ status: 503, body: { status: 503 } });
      await elapse(200);
    }
    await cluster.redis.start();
    await expect.poll(async () => (await caller.setStatus(PROBED_USER_ID, "available")).status).toBe(200);
  },
);

testOverProcesses("starts without Redis, says that it is not ready, and serves once Redis is there", async () => {
  const cluster = await startCluster();
  const [first] = cluster.gateways;
  await cluster.redis.kill();
  await first.kill();
  await first.start();
  const caller = await cluster.client(first);
  expect(await caller.read(PROBED_USER_ID)).toMatchObject({ status: 503 });
  for (const query of ["", "?exclude=store"]) expect((await fetch(`${first.origin}/readyz${query}`)).status).toBe(503);
  await cluster.redis.start();
  await expect.poll(async () => (await caller.read(PROBED_USER_ID)).status).toBe(200);
  await expect.poll(async () => (await fetch(`${first.origin}/readyz`)).status).toBe(200);
});
