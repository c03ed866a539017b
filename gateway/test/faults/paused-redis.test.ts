import { expect, test } from "vitest";
import { startWriting } from "./change-writer.ts";
import { startCluster } from "./cluster.ts";
import { expectCaughtUp, expectCurrent, expectEachChangeOnce, expectGrowing } from "./consistency-check.ts";
import { hasServers } from "./programs.ts";
import { BUSY_USER_IDS, PROBED_USER_ID } from "./users.ts";

test.skipIf(!hasServers)(
  "serves cached users up to its limit while Redis hangs, rejects writes, and recovers by itself",
  async () => {
    // Longer than a gateway takes to notice, and shorter than the pause below.
    const { redis, gateways, client, reader } = await startCluster({ environment: { STALE_LIMIT_SECONDS: "6" } });
    const clients = await Promise.all(gateways.map((each) => client(each)));
    const readers = await Promise.all(gateways.map((each) => reader([each])));
    await expectCurrent(readers);
    const writer = startWriting(clients, BUSY_USER_IDS);
    await expect.poll(writer.count).toBeGreaterThan(50);

    redis.suspend();
    for (const { read } of clients) {
      await expect.poll(async () => (await read(PROBED_USER_ID)).ageSeconds).toBeGreaterThan(0);
      expect(await read(PROBED_USER_ID)).toMatchObject({ status: 200, body: { userId: PROBED_USER_ID } });
    }
    // Redis resumes only after these responses, so that no gateway waits for Redis.
    for (const { setStatus } of clients)
      expect(await setStatus(PROBED_USER_ID, "on_a_break")).toMatchObject({ status: 503 });
    for (const { read } of clients) {
      await expect.poll(async () => (await read(PROBED_USER_ID)).status).toBe(503);
    }
    for (const { setStatus } of clients)
      expect(await setStatus(PROBED_USER_ID, "on_a_break")).toMatchObject({ status: 503 });
    const countWhilePaused = writer.count();

    redis.resume();
    for (const { read } of clients) {
      await expect.poll(async () => (await read(PROBED_USER_ID)).status).toBe(200);
      await expect.poll(async () => (await read(PROBED_USER_ID)).ageSeconds).toBe(0);
    }
    await expect.poll(writer.count).toBeGreaterThan(countWhilePaused + 50);
    await writer.stop();
    const kept = (await clients[0]?.versions()) ?? new Map();
    await expectCaughtUp(readers, kept);
    // Redis lost no data, so no subscriber needed another snapshot.
    expectEachChangeOnce(readers, writer);
    expectGrowing(writer);
  },
);
