import { expect, onTestFinished, test } from "vitest";
import { startRedisServer } from "../redis-server.ts";
import { expectCurrent } from "./consistency-check.ts";
import { writeCustomersFile } from "./customers-file.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { openPausableLink } from "./pausable-link.ts";
import { hasServers } from "./programs.ts";
import { openStreamReader } from "./stream-reader.ts";
import { introduceUsers, PROBED_USER_ID } from "./users.ts";

/** Interval of a stream's heartbeats. */
const HEARTBEAT_SECONDS = 15;

test.skipIf(!hasServers)(
  "sends no duplicate to a subscriber that comes to a gateway that lags behind another gateway",
  async () => {
    const customers = await writeCustomersFile();
    const redis = await startRedisServer();
    onTestFinished(redis.remove);
    const link = await openPausableLink(Number(new URL(redis.url).port));
    const environment = { ...customers.environment, REDIS_URL: redis.url };
    const ahead = await startGateway({ environment });
    const behind = await startGateway({ environment: { ...environment, REDIS_URL: `redis://127.0.0.1:${link.port}` } });

    const token = await customers.token("acme");
    const client = createGatewayClient({ at: ahead, customer: "acme", token });
    const laggingClient = createGatewayClient({ at: behind, customer: "acme", token });
    await introduceUsers(client);
    const reader = openStreamReader({ at: [ahead, behind], customer: "acme", token });
    // The gateway has loaded the customer before, and follows the changes.
    await expect.poll(laggingClient.versions).toEqual(await client.versions());
    await expectCurrent([reader]);
    // Every event of the subscriber except the first, which was in the snapshot.
    const changes = () => reader.versionsOf(PROBED_USER_ID).slice(1);

    link.pause();
    const versions: unknown[] = [];
    for (const status of ["other", "on_a_break", "out_for_lunch"]) {
      const { body } = await client.setStatus(PROBED_USER_ID, status);
      versions.push((body as { readonly version: number }).version);
    }
    await expect.poll(changes).toEqual(versions);
    await ahead.kill();
    await expect.poll(() => reader.opened()).toEqual([ahead.origin, behind.origin]);
    expect((await laggingClient.read(PROBED_USER_ID)).body).not.toMatchObject({ version: versions.at(-1) });

    link.resume();
    await expect
      .poll(async () => (await laggingClient.read(PROBED_USER_ID)).body)
      .toMatchObject({ version: versions.at(-1) });
    const { body } = await laggingClient.setStatus(PROBED_USER_ID, "available");
    versions.push((body as { readonly version: number }).version);
    await expect.poll(() => changes().at(-1)).toBe(versions.at(-1));
    expect(changes()).toEqual(versions);
    expect(reader.failure()).toBeUndefined();
    expect(reader.resets()).toBe(1);
  },
);

test.skipIf(!hasServers)(
  "sends no heartbeat and opens no stream while it has heard nothing from Redis for longer than a heartbeat",
  async () => {
    const customers = await writeCustomersFile();
    const redis = await startRedisServer();
    onTestFinished(redis.remove);
    const link = await openPausableLink(Number(new URL(redis.url).port));
    const url = `redis://127.0.0.1:${link.port}`;
    const gateway = await startGateway({ environment: { ...customers.environment, REDIS_URL: url } });
    const token = await customers.token("acme");
    const client = createGatewayClient({ at: gateway, customer: "acme", token });
    await introduceUsers(client);
    const reader = openStreamReader({ at: [gateway], customer: "acme", token });
    await expectCurrent([reader]);

    link.pause();
    const age = async () => (await client.read(PROBED_USER_ID)).ageSeconds;
    await expect.poll(age).toBeGreaterThan(HEARTBEAT_SECONDS);
    const heartbeats = reader.heartbeats();
    const late = openStreamReader({ at: [gateway], customer: "acme", token });
    await expect.poll(late.refusals).toContain(503);
    // One interval contains one heartbeat of a gateway that is current.
    await expect.poll(age).toBeGreaterThan(2 * HEARTBEAT_SECONDS);
    expect(reader.heartbeats()).toBe(heartbeats);
    expect(late.opened()).toEqual([]);

    link.resume();
    await expect.poll(reader.heartbeats).toBe(heartbeats + 1);
    await expectCurrent([late]);
    expect(reader.endings()).toBe(0);
  },
);
