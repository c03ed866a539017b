import { expect, test } from "vitest";
import { startCluster } from "./cluster.ts";
import { expectCurrent } from "./consistency-check.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { hasServers } from "./programs.ts";
import { PROBED_USER_ID } from "./users.ts";

const LIMITS = { requestsPerMinutePerSubject: 60, requestsPerMinute: 150, streams: 20, streamsPerSubject: 10 };

test.skipIf(!hasServers)(
  "answers every request of one customer while another floods the gateway with requests and streams",
  async () => {
    const { gateways, customers, client, reader } = await startCluster({ customers: { globex: { limits: LIMITS } } });
    const [gateway] = gateways;
    const calm = await client(gateway, "acme");
    const calmReader = await reader([gateway], "acme");
    await expectCurrent([calmReader]);
    const tokens = await Promise.all([1, 2, 3, 4].map((userId) => customers.agentToken("globex", userId)));
    const flooders = tokens.map((token) => createGatewayClient({ at: gateway, customer: "globex", token }));

    let isOver = false;
    const answers = new Map<number, number>();
    const flood = flooders.map(async ({ read }) => {
      while (!isOver) {
        const { status } = await read(1);
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
    });
    const streams = await Promise.all(Array.from({ length: 30 }, () => reader([gateway], "globex")));
    await expect.poll(() => answers.get(429)).toBeGreaterThan(500);
    await expect.poll(() => streams.filter(({ refusals }) => refusals().length > 0).length).toBeGreaterThan(0);

    const versions: unknown[] = [];
    for (let turn = 0; turn < 30; turn += 1) {
      expect(await calm.read(PROBED_USER_ID)).toMatchObject({ status: 200 });
      const changed = await calm.setStatus(PROBED_USER_ID, turn % 2 ? "available" : "on_a_break");
      expect(changed).toMatchObject({ status: 200 });
      versions.push((changed.body as { readonly version: number }).version);
    }
    isOver = true;
    await Promise.all(flood);

    await expect.poll(() => calmReader.versionsOf(PROBED_USER_ID)).toEqual(expect.arrayContaining(versions));
    expect(calmReader.endings()).toBe(0);
    // Globex got exactly its limit.
    expect(new Set(answers.keys())).toEqual(new Set([404, 429]));
    expect(streams.filter((each) => each.isOpen()).length).toBeLessThanOrEqual(LIMITS.streamsPerSubject);
    expect(new Set(streams.flatMap(({ refusals }) => refusals()))).toEqual(new Set([429]));
  },
);
