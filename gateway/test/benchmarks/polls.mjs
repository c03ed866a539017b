// @ts-check
/**
 * Measures gateways that share a Redis and the polls of many customers, over a fake of the vendor's API: polls of each
 * gateway, scripts, and processor time. The polls are rarer than an operator's, so that the machine can make them.
 */
import { fileURLToPath } from "node:url";
import { startRedis } from "./redis-process.mjs";
import { GATEWAY, gatewayOf, startServer } from "./server-process.mjs";
import { writeSettings } from "./settings.mjs";

const FAKE_API = fileURLToPath(new URL("bare/fake-api.mjs", import.meta.url));

const GATEWAYS = 4;

/** Agents of each customer: 200,000 of 5,000 customers. */
const AGENTS = 40;

/**
 * @param {{ rounds: number, small: boolean, before: string | undefined }} options `before`: a built checkout of another
 * revision, measured as a further side
 * @returns {Promise<string[][]>}
 */
export async function measurePolls({ rounds, small, before }) {
  // Three polls in a minute are a list each 20 s.
  const load = small
    ? { customers: 50, requestsPerMinute: 60, windowMs: 5_000 }
    : { customers: 5_000, requestsPerMinute: 6, windowMs: 20_500 * Math.min(rounds, 3) };
  const sides = [{ name: "this build", program: GATEWAY }];
  if (before !== undefined) sides.push({ name: "before", program: gatewayOf(before) });
  const rows = [];
  for (const { name, program } of sides) {
    const measured = await measureSide(program, load);
    if (!measured) return [["redis-server is not on this machine"]];
    rows.push([name, ...measured]);
  }
  return [
    [
      `${load.customers} customers, ${GATEWAYS} gateways`,
      "polls/s",
      "share of each gateway, of an equal share",
      "CPU ms of a gateway for a poll",
      "cores of each gateway",
      "scripts/s",
      "scripts for a poll",
      "cores of Redis",
      "CPU µs of Redis for a poll",
    ],
    ...rows,
  ];
}

/**
 * @param {string} program
 * @param {{ customers: number, requestsPerMinute: number, windowMs: number }} load
 */
async function measureSide(program, { customers, requestsPerMinute, windowMs }) {
  const redis = await startRedis();
  if (!redis) return undefined;
  const api = await startServer(FAKE_API, { USERS: `${AGENTS}` });
  const settings = writeSettings({
    customers,
    upstream: {
      kind: "aircall",
      baseUrl: "${BENCH_API_URL}",
      apiId: "${BENCH_SECRET}",
      apiToken: "${BENCH_SECRET}",
      requestsPerMinute,
    },
    environment: { REDIS_URL: redis.url, LOG_LEVEL: "error" },
    program,
  });
  const gateways = [];
  for (let index = 0; index < GATEWAYS; index += 1) {
    gateways.push(await startServer(program, { ...settings, BENCH_API_URL: `${api.origin}/gateway-${index}` }));
  }
  await settle(api.origin, customers);
  const [redisBefore, before] = [redis.usage(), await usages(gateways)];
  const startedMs = performance.now();
  await readPolls(api.origin);
  await elapse(windowMs);
  const polls = await readPolls(api.origin);
  const seconds = (performance.now() - startedMs) / 1000;
  const [redisAfter, after] = [redis.usage(), await usages(gateways)];
  for (const server of [...gateways, api]) await server.stop();
  await redis.stop();

  const counts = gateways.map((_, index) => polls[`gateway-${index}`] ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const cpuMs = after.map((used, index) => used - (before[index] ?? 0));
  const redisCpuMs = redisAfter.cpuMs - redisBefore.cpuMs;
  const scripts = redisAfter.scripts - redisBefore.scripts;
  return [
    (total / seconds).toFixed(0),
    counts.map((count) => ((count * GATEWAYS) / total).toFixed(2)).join(" "),
    (cpuMs.reduce((sum, used) => sum + used, 0) / total).toFixed(2),
    cpuMs.map((used) => (used / 1000 / seconds).toFixed(2)).join(" "),
    (scripts / seconds).toFixed(0),
    (scripts / total).toFixed(2),
    (redisCpuMs / 1000 / seconds).toFixed(3),
    ((redisCpuMs * 1000) / total).toFixed(0),
  ];
}

/**
 * Waits until each customer has been polled twice by calculation, so that the gateways have introduced the agents and
 * share the polls.
 *
 * @param {string} origin
 * @param {number} customers
 */
async function settle(origin, customers) {
  let polled = 0;
  while (polled < 3 * customers) {
    await elapse(1_000);
    const polls = await readPolls(origin);
    polled += Object.values(polls).reduce((sum, count) => sum + count, 0);
  }
}

/**
 * Returns the number of polls by gateway since the last call.
 *
 * @param {string} origin
 * @returns {Promise<Record<string, number>>}
 */
async function readPolls(origin) {
  return (await fetch(`${origin}/counts`)).json();
}

/** @param {readonly import("./server-process.mjs").ServerProcess[]} servers */
async function usages(servers) {
  const all = [];
  for (const { usage } of servers) all.push((await usage()).cpuMs);
  return all;
}

/** @param {number} milliseconds */
function elapse(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
