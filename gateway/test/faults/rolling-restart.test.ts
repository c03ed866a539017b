/** The rolling restart of `docs/deploy.md`, under load: one gateway after another, after the pause that the page asks for. */
import { setTimeout as elapse } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { canStart } from "../proxy-process.ts";
import { hasRedisServer } from "../redis-server.ts";
import { startWriting } from "./change-writer.ts";
import { startCluster } from "./cluster.ts";
import { expectCaughtUp, expectCurrent, expectEachChangeOnce } from "./consistency-check.ts";
import type { GatewayHttpClient } from "./gateway-client.ts";
import type { GatewayProcess } from "./gateway-process.ts";
import { BUSY_USER_IDS } from "./users.ts";

const STREAMS = 30;

/** Reads one user after another until stopped or until the test has finished, and counts the responses by status. */
function startReading({ read }: GatewayHttpClient) {
  const statuses = new Map<number, number>();
  let isStopped = false;
  async function readOn(): Promise<void> {
    for (let turn = 0; !isStopped; turn += 1) {
      const { status } = await read(BUSY_USER_IDS[turn % BUSY_USER_IDS.length] ?? 0);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }
  const done = readOn();
  const stop = async () => {
    isStopped = true;
    await done;
  };
  onTestFinished(stop);
  return { statuses, stop };
}

/** Restarts a gateway, and resolves after the pause that follows its readiness. */
async function restart(gateway: GatewayProcess, pauseMs: number): Promise<void> {
  expect(await gateway.terminate()).toEqual({ exitCode: 0, signal: null });
  await gateway.start();
  await expect.poll(() => fetch(`${gateway.origin}/readyz`).then(({ status }) => status)).toBe(200);
  await elapse(pauseMs);
}

describe.each([
  { proxy: "nginx", drainDelaySeconds: "0", pauseMs: 0 },
  // Caddy learns from a gateway's health that it stops, and that it is back. Without the pause, it may learn the first of one gateway
  // before the second of the other, and has none for a change then.
  { proxy: "caddy", drainDelaySeconds: "5", pauseMs: 5_000 },
] as const)("behind $proxy", ({ proxy: name, drainDelaySeconds, pauseMs }) => {
  test.skipIf(!hasRedisServer || !canStart(name))(
    "loses no request, no change and no subscriber while one gateway restarts after another",
    async () => {
      const { gateways, proxy, client, reader } = await startCluster({
        proxy: name,
        environment: { DRAIN_DELAY_SECONDS: drainDelaySeconds },
      });
      const streams = await Promise.all(Array.from({ length: STREAMS }, () => reader([proxy])));
      await expectCurrent(streams);
      const reading = [startReading(await client(proxy)), startReading(await client(proxy))];
      const writing = startWriting([await client(proxy)], BUSY_USER_IDS);
      await expect.poll(writing.count).toBeGreaterThan(50);

      for (const gateway of [...gateways, ...gateways]) await restart(gateway, pauseMs);
      await writing.more(50);
      await expect.poll(() => streams.every((each) => each.isOpen())).toBe(true);
      await Promise.all([writing.stop(), ...reading.map(({ stop }) => stop())]);

      expect([...writing.answers().keys()]).toEqual([200]);
      for (const { statuses } of reading) expect([...statuses.keys()]).toEqual([200]);
      expect(streams.flatMap((each) => each.refusals())).toEqual([]);
      // Guards the test itself: each restart has ended streams.
      for (const each of streams) expect(each.endings()).toBeGreaterThan(0);
      await expectCaughtUp(streams, await (await client(proxy)).versions());
      expectEachChangeOnce(streams, writing);
    },
  );
});
