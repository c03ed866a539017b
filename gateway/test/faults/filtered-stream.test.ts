import { expect, onTestFinished, test } from "vitest";
import { startRedisServer } from "../redis-server.ts";
import { expectCurrent } from "./consistency-check.ts";
import { writeCustomersFile } from "./customers-file.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { hasServers } from "./programs.ts";
import { openStreamReader } from "./stream-reader.ts";
import { introduceUsers } from "./users.ts";

test.skipIf(!hasServers)(
  "sends a filtered stream at one gateway the changes of its users at another gateway, and no other changes",
  async () => {
    const customers = await writeCustomersFile();
    const redis = await startRedisServer();
    onTestFinished(redis.remove);
    const environment = { ...customers.environment, REDIS_URL: redis.url };
    const [first, second] = await Promise.all([startGateway({ environment }), startGateway({ environment })]);
    const token = await customers.token("acme");
    const client = createGatewayClient({ at: first, customer: "acme", token });
    await introduceUsers(client);
    const secondClient = createGatewayClient({ at: second, customer: "acme", token });
    await expect.poll(secondClient.versions).toEqual(await client.versions());

    // User 99 is added later.
    const userIds = [2, 3, 99];
    const reader = openStreamReader({ at: [second, first], customer: "acme", token, userIds });
    await expectCurrent([reader]);
    expect([...reader.versions().keys()]).toEqual([2, 3]);

    async function setStatus(userId: number, status: string): Promise<number> {
      const { body } = await client.setStatus(userId, status);
      return (body as { readonly version: number }).version;
    }

    await setStatus(1, "other");
    const version = await setStatus(2, "other");
    await expect.poll(() => reader.versionsOf(2).at(-1)).toBe(version);

    // The cursor is good at any gateway.
    await second.kill();
    await setStatus(4, "on_a_break");
    const missedVersion = await setStatus(3, "on_a_break");
    await expect.poll(() => reader.versionsOf(3).at(-1)).toBe(missedVersion);
    const addedVersion = await setStatus(99, "available");
    await expect.poll(() => reader.versionsOf(99)).toEqual([addedVersion]);
    expect(new Set(reader.userIds())).toEqual(new Set(userIds));
    expect(reader.resets()).toBe(1);
    expect(reader.opened()).toEqual([second.origin, first.origin]);
    expect(reader.failure()).toBeUndefined();
  },
);
