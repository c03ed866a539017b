import { expect, test } from "vitest";
import { startWriting } from "./change-writer.ts";
import { startCluster } from "./cluster.ts";
import { expectCaughtUp, expectCurrent, expectEachChangeOnce } from "./consistency-check.ts";
import { hasServers } from "./programs.ts";
import { BUSY_USER_IDS } from "./users.ts";

const READERS = 50;

test.skipIf(!hasServers)(
  "hands its subscribers over to the other gateway, answers pending requests, and exits with success on SIGTERM",
  async () => {
    const { gateways, proxy, client, reader } = await startCluster();
    const [first, second] = gateways;
    const readers = await Promise.all(
      Array.from({ length: READERS }, (_, index) => reader(index % 2 ? [proxy] : [first, second])),
    );
    await expectCurrent(readers);
    const throughProxy = startWriting([await client(proxy)], BUSY_USER_IDS);
    await expect.poll(throughProxy.count).toBeGreaterThan(50);

    const leaving = readers.filter((each) => each.opened().includes(first.origin));
    expect(await first.terminate()).toEqual({ exitCode: 0, signal: null });
    // Each at a different time, so that the other gateway is not overloaded.
    await expect.poll(() => leaving.every((each) => each.endings() === 1 && each.isOpen())).toBe(true);
    expect(new Set(leaving.map((each) => each.retryMs())).size).toBeGreaterThan(1);

    await throughProxy.more(50);
    await throughProxy.stop();
    // No request was lost, including requests that were in flight.
    expect([...throughProxy.answers().keys()]).toEqual([200]);
    await expectCaughtUp(readers, await (await client(second)).versions());
    expectEachChangeOnce(readers, throughProxy);
  },
);
