import { expect, test } from "vitest";
import { startWriting } from "./change-writer.ts";
import { startCluster } from "./cluster.ts";
import { expectCaughtUp, expectCurrent, expectEachChangeOnce, expectGrowing } from "./consistency-check.ts";
import { hasServers } from "./programs.ts";
import { BUSY_USER_IDS } from "./users.ts";

const READERS = 200;

test.skipIf(!hasServers)(
  "sends each of 200 subscribers every change once, in order, while a gateway is killed and comes back",
  async () => {
    const { gateways, proxy, client, reader } = await startCluster();
    const [first, second] = gateways;
    const addresses = [[proxy], [first, second], [second, first]];
    const readers = await Promise.all(
      Array.from({ length: READERS }, (_, index) => reader(addresses[index % addresses.length] ?? [])),
    );
    await expectCurrent(readers);

    const writer = startWriting([await client(first), await client(second)], BUSY_USER_IDS);
    await expect.poll(writer.count).toBeGreaterThan(100);
    await first.kill();
    await writer.more(100);
    await first.start();
    await expect.poll(() => readers.filter((each) => each.isOpen()).length).toBe(READERS);
    await writer.more(100);
    await writer.stop();

    // The restarted gateway has exactly the state of Redis.
    const kept = await (await client(first)).versions();
    expect(await (await client(second)).versions()).toEqual(kept);
    await expectCaughtUp(readers, kept);
    expectEachChangeOnce(readers, writer);
    expectGrowing(writer);
    // Guards the test itself: the kill must have hit streams and writes.
    expect(readers.reduce((sum, each) => sum + each.endings(), 0)).toBeGreaterThanOrEqual(READERS / 4);
    expect(writer.answers().get(0)).toBeGreaterThan(0);
  },
);
