import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { startWriting } from "./change-writer.ts";
import { startCluster } from "./cluster.ts";
import { expectCaughtUp, expectCurrent, expectEachChangeOnce, expectGrowing } from "./consistency-check.ts";
import { writeCustomersFile } from "./customers-file.ts";
import type { GatewayHttpClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { hasProcessLimits, hasServers } from "./programs.ts";
import { BUSY_USER_IDS, PROBED_USER_ID } from "./users.ts";

/**
 * Sets two different statuses and returns the responses: at least one of the two is a change, regardless of the status
 * before.
 */
async function changeTwice({ setStatus }: GatewayHttpClient): Promise<readonly number[]> {
  return [
    (await setStatus(PROBED_USER_ID, "on_a_break")).status,
    (await setStatus(PROBED_USER_ID, "available")).status,
  ];
}

test.skipIf(!hasServers || !hasProcessLimits)(
  "rejects writes and goes on serving while Redis's disk is full, and accepts writes once there is room",
  async () => {
    // The system rejects growth beyond the file size limit like growth on a full disk. Redis has to get an error rather
    // than a signal. `everysec`, because with `always` Redis exits, which is another test.
    const { redis, gateways, client, reader } = await startCluster({
      redisSettings: ["--appendfsync", "everysec"],
      redisSurroundings: { shell: "trap '' XFSZ" },
    });
    const clients = await Promise.all(gateways.map((each) => client(each)));
    const readers = await Promise.all(gateways.map((each) => reader([each])));
    await expectCurrent(readers);
    const writer = startWriting(clients, BUSY_USER_IDS);
    await expect.poll(writer.count).toBeGreaterThan(50);

    execFileSync("prlimit", [`--pid=${redis.pid()}`, "--fsize=1024:unlimited"]);
    for (const each of clients) await expect.poll(() => changeTwice(each)).toContain(503);
    for (const { read } of clients)
      expect(await read(PROBED_USER_ID)).toMatchObject({ status: 200, body: { userId: PROBED_USER_ID } });
    for (const { origin } of gateways) {
      await expect.poll(() => fetch(`${origin}/readyz`).then(({ status }) => status)).toBe(503);
    }

    execFileSync("prlimit", [`--pid=${redis.pid()}`, "--fsize=unlimited"]);
    for (const each of clients) await expect.poll(() => changeTwice(each)).toEqual([200, 200]);
    const countWithRoom = writer.count();
    await expect.poll(writer.count).toBeGreaterThan(countWithRoom + 50);
    await writer.stop();
    await expectCaughtUp(readers, (await clients[0]?.versions()) ?? new Map());
    expectEachChangeOnce(readers, writer);
    expectGrowing(writer);
  },
);

test.skipIf(process.platform !== "linux")("starts and serves without any writable file", async () => {
  const { environment, token } = await writeCustomersFile();
  // /proc accepts no new files, and files elsewhere may have no bytes.
  const gateway = await startGateway({ environment, directory: "/proc", shell: "ulimit -f 0" });
  const response = await fetch(`${gateway.origin}/c/globex/v1/users/1/availability`, {
    headers: { Authorization: `Bearer ${await token("globex")}` },
  });
  expect(response.status).toBe(404);
  expect((await fetch(`${gateway.origin}/c/globex/widget/`)).status).toBe(200);
  expect(await gateway.terminate()).toEqual({ exitCode: 0, signal: null });
});
