import { existsSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { toReservation } from "../../../scripts/testing/free-port.mjs";
import { hasRedisServer } from "../redis-server.ts";
import { startRedis } from "./redis-process.mjs";

test.skipIf(!hasRedisServer)("starts Redis at a port that no other process of the machine finds", async () => {
  const redis = await startRedis();
  if (!redis) throw new Error("Redis is not installed");
  onTestFinished(redis.stop);
  expect(existsSync(toReservation(Number(new URL(redis.url).port)))).toBe(true);
});
