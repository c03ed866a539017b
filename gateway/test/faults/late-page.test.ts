import { expect, onTestFinished, test } from "vitest";
import { startRedisServer } from "../redis-server.ts";
import { openRelay } from "../relay.ts";
import { writeCustomersFile } from "./customers-file.ts";
import { startFakeUpstream } from "./fake-upstream-process.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { hasServers } from "./programs.ts";
import { openStreamReader } from "./stream-reader.ts";

const USER_ID = 1;

test.skipIf(!hasServers)(
  "keeps a status set at one gateway when a page comes to another gateway that was sent before the change",
  async () => {
    const upstream = await startFakeUpstream(3);
    const relay = await openRelay(Number(new URL(upstream.origin).port));
    onTestFinished(relay.close);
    const settings = upstream.settings({ baseUrl: "${UPSTREAM_ORIGIN}" });
    const customers = await writeCustomersFile({ acme: { upstream: settings } });
    const redis = await startRedisServer();
    onTestFinished(redis.remove);
    const environment = { ...customers.environment, ...upstream.environment, REDIS_URL: redis.url };
    const polling = await startGateway({
      environment: { ...environment, UPSTREAM_ORIGIN: `http://127.0.0.1:${relay.port}` },
    });
    const token = await customers.token("acme");
    const pollingClient = createGatewayClient({ at: polling, customer: "acme", token });
    await expect.poll(() => pollingClient.read(USER_ID)).toMatchObject({ status: 200 });
    const changing = await startGateway({ environment: { ...environment, UPSTREAM_ORIGIN: upstream.origin } });
    const client = createGatewayClient({ at: changing, customer: "acme", token });
    await expect.poll(() => client.read(USER_ID)).toMatchObject({ status: 200, body: { status: "available" } });
    const readers = [polling, changing].map((each) => openStreamReader({ at: [each], customer: "acme", token }));
    await expect.poll(() => readers.every(({ isCurrent }) => isCurrent())).toBe(true);

    for (const connection of relay.connections()) connection.hold();
    const heldBytes = () => relay.connections().reduce((sum, connection) => sum + connection.heldBytes(), 0);
    await expect.poll(heldBytes).toBeGreaterThan(0);
    const { status, body } = await client.setStatus(USER_ID, "do_not_disturb");
    expect([status, body]).toMatchObject([200, { status: "do_not_disturb" }]);
    const { version } = body as { readonly version: number };
    for (const { versionsOf } of readers) await expect.poll(() => versionsOf(USER_ID).at(-1)).toBe(version);

    const count = await upstream.requestCount();
    for (const connection of relay.connections()) connection.release();
    await expect.poll(upstream.requestCount).toBeGreaterThan(count + 5);
    for (const each of [pollingClient, client]) {
      expect(await each.read(USER_ID)).toMatchObject({ body: { status: "do_not_disturb", version } });
    }
    for (const { versionsOf } of readers) expect(versionsOf(USER_ID).at(-1)).toBe(version);
  },
);
