// @ts-check
/**
 * Measures two gateways that share a Redis: changes per second, and the time from a `PUT` at one gateway to the last
 * reader at the other.
 */
import { median, percentile } from "../../../scripts/benchmarks/statistics.mjs";
import { createChanges, makeChanges, toStreamer } from "./changes.mjs";
import { openLoad, toRequest } from "./load.mjs";
import { startRedis } from "./redis-process.mjs";
import { GATEWAY, startServer } from "./server-process.mjs";
import { authorize, introduceUsers, writeSettings } from "./settings.mjs";

/** Number of agents whose bytes in Redis are counted. */
const AGENTS = 10_000;

/**
 * @param {{ rounds: number, small: boolean }} options
 * @returns {Promise<string[][]>}
 */
export async function measureRedis({ rounds, small }) {
  const redis = await startRedis();
  if (!redis) return [["redis-server is not on this machine"]];
  const settings = writeSettings({ environment: { REDIS_URL: redis.url } });
  const writer = await toStreamer(await startServer(GATEWAY, settings));
  await introduceUsers(writer.server.origin, [1]);
  const reader = await toStreamer(await startServer(GATEWAY, settings));
  const rates = [];
  const latenciesMs = [];
  const next = await createChanges();
  const readers = await reader.open(small ? 20 : 500);
  let told = 0;
  for (let round = 0; round < rounds; round += 1) {
    const changes = small ? 20 : 100;
    const made = await makeChanges(writer, { readers, next, told, changes, ahead: 1 });
    latenciesMs.push(...made.latenciesMs);
    told += changes;
  }
  readers.close();
  const load = await openLoad(writer.server.origin, 16);
  await introduceUsers(
    writer.server.origin,
    Array.from({ length: 100 }, (_, index) => index + 2),
  );
  for (let round = 0; round < rounds; round += 1) rates.push(await measureWrites(load, small ? 200 : 4000));
  const before = redis.usedBytes();
  const agents = small ? 200 : AGENTS;
  await introduceUsers(
    writer.server.origin,
    Array.from({ length: agents }, (_, index) => 1_000_000 + index),
  );
  const bytesPerAgent = (redis.usedBytes() - before) / agents;
  load.close();
  for (const { server } of [writer, reader]) await server.stop();
  await redis.stop();
  return [
    [
      "PUT/s at one gateway, 16 connections",
      "PUT to the last of 500 readers at the other, ms p50",
      "p99",
      "bytes in Redis for each new agent, its change in the history included",
    ],
    [
      median(rates).toFixed(0),
      percentile(latenciesMs, 0.5).toFixed(1),
      percentile(latenciesMs, 0.99).toFixed(1),
      bytesPerAgent.toFixed(0),
    ],
  ];
}

/**
 * Changes 100 users in turn, each time to another status.
 *
 * @param {import("./load.mjs").Load} load
 * @param {number} count
 */
async function measureWrites(load, count) {
  const headers = await authorize();
  const requests = ["do_not_disturb", "available"].flatMap((status) =>
    Array.from({ length: 100 }, (_, index) =>
      toRequest(`PUT /v1/users/${index + 2}/availability`, headers, { body: JSON.stringify({ status }) }),
    ),
  );
  let made = 0;
  const elapsedMs = await load.run(() => {
    made += 1;
    return made > count ? undefined : requests[made % requests.length];
  });
  return (count / elapsedMs) * 1000;
}
