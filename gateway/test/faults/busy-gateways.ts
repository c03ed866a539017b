/** Two gateways under load over a Redis that gets another primary: how they begin, and what holds when they go on. */
import { expect } from "vitest";
import { startWriting } from "./change-writer.ts";
import { expectCaughtUp, expectCurrent, expectGrowing, expectNothingLost } from "./consistency-check.ts";
import { writeCustomersFile } from "./customers-file.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { openStreamReader } from "./stream-reader.ts";
import { BUSY_USER_IDS, introduceUsers, PROBED_USER_ID } from "./users.ts";

/** Longer than a failover takes on a busy machine. */
const FAILOVER = { timeout: 60_000, interval: 50 };

/** The customer of the load. */
export const BUSY_CUSTOMER = "acme";

/** Starts two gateways with the given variables, and two streams and a writer at each of them. */
export async function startBusyGateways(redisVariables: Readonly<Record<string, string>>) {
  const customers = await writeCustomersFile();
  const environment = { ...customers.environment, ...redisVariables };
  const gateways = await Promise.all([startGateway({ environment }), startGateway({ environment })]);
  const token = await customers.token(BUSY_CUSTOMER);
  const clients = gateways.map((at) => createGatewayClient({ at, customer: BUSY_CUSTOMER, token }));
  const [first, second] = clients;
  for (const { origin } of gateways) await expect.poll(async () => (await fetch(`${origin}/readyz`)).status).toBe(200);
  if (first) await introduceUsers(first);
  await expect.poll(async () => second?.versions()).toEqual(await first?.versions());
  const readers = [...gateways, ...gateways].map((at) =>
    openStreamReader({ at: [at], customer: BUSY_CUSTOMER, token }),
  );
  await expectCurrent(readers);
  const writer = startWriting(clients, BUSY_USER_IDS);
  await expect.poll(writer.count).toBeGreaterThan(50);

  return {
    /**
     * Resolves once both gateways read and write at another primary, and checks that no change was lost.
     *
     * @param readPrimary returns the present primary
     * @param former the primary before the fault
     */
    async expectContinuation(readPrimary: () => Promise<unknown>, former: unknown): Promise<void> {
      // Reads go on from memory all the while.
      for (const client of clients) expect(await client.read(PROBED_USER_ID)).toMatchObject({ status: 200 });
      await expect.poll(readPrimary, FAILOVER).not.toBe(former);
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
    },
  };
}
