import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startWriting } from "./change-writer.ts";
import { startCluster } from "./cluster.ts";
import { expectCaughtUp, expectCurrent, expectGrowing, expectNothingLost } from "./consistency-check.ts";
import { hasCompiler, hasServers } from "./programs.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";
import { BUSY_USER_IDS } from "./users.ts";

const testOverProcesses = test.skipIf(!hasServers || !hasCompiler);

/** Environment that sets a program's clock back by an hour. */
async function anHourAgo(): Promise<Readonly<Record<string, string>>> {
  const library = join(await makeTemporaryDirectory(), "clock-set-back.so");
  const source = fileURLToPath(new URL("clock-set-back.c", import.meta.url));
  const { status, stderr } = spawnSync("cc", ["-shared", "-fPIC", "-o", library, source], { encoding: "utf8" });
  if (status !== 0) throw new Error(`The clock does not compile: ${stderr}`);
  const environment = { LD_PRELOAD: library };
  const shown = spawnSync(process.execPath, ["-p", "Date.now()"], { env: environment, encoding: "utf8" });
  expect(Number(shown.stdout)).toBeLessThan(Date.now() - 3_500_000);
  return environment;
}

testOverProcesses.each([
  ["with", false],
  ["without", true],
])(
  "gives growing versions once Redis, %s its data, and a gateway are back with clocks an hour behind",
  async (_with, losesData) => {
    const { redis, gateways, client, reader } = await startCluster();
    const [first, second] = gateways;
    const readers = await Promise.all([reader([first, second]), reader([second, first])]);
    await expectCurrent(readers);
    const writer = startWriting([await client(first), await client(second)], BUSY_USER_IDS);
    await expect.poll(writer.count).toBeGreaterThan(50);

    const behind = await anHourAgo();
    await redis.kill();
    if (losesData) await redis.wipe();
    await redis.start([], { environment: behind });
    await expect.poll(() => fetch(`${second.origin}/readyz`).then(({ status }) => status)).toBe(200);
    await first.kill();
    await first.start({ environment: { ...first.environment, ...behind } });
    await writer.more(100);
    await writer.stop();

    const kept = await (await client(first)).versions();
    expect(await (await client(second)).versions()).toEqual(kept);
    await expectCaughtUp(readers, kept);
    expectGrowing(writer);
    expectNothingLost(readers, writer);
  },
);
