// @ts-check
/**
 * Measures a customer's reads while one agent of another customer reads 600 lists of 10,000 agents over 60 connections: once
 * with the default limits, which refuse most of them, and again and again without a limit, to see how the gateway shares its
 * time.
 */
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { percentile } from "../../../scripts/benchmarks/statistics.mjs";
import { CALM, createReader, delay, INTERVAL_MS, openNoise, readUntil, startChanges } from "./noisy-load.mjs";
import { startRedis } from "./redis-process.mjs";
import { GATEWAY, gatewayOf, startServer } from "./server-process.mjs";
import { introduceUsers, writeSettings } from "./settings.mjs";

const AGENTS = 10_000;
const LISTS = 600;

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {Readonly<Record<string, string>>} [headers] headers of the lists
 * @property {number} [changeMs] time between two changes of the noisy customer's agents, in milliseconds
 * @property {boolean} [hasLimits] true if the noisy customer has the default limits, and asks once
 */

/** @type {readonly Case[]} */
const CASES = [
  { name: "600 lists at once, the default limits", hasLimits: true },
  { name: "lists without a limit, of agents that do not change" },
  { name: "the same in gzip", headers: { "Accept-Encoding": "gzip" } },
  { name: "an agent changes every 20 ms", changeMs: 20 },
];

/**
 * @typedef {object} Side
 * @property {string} name
 * @property {import("./server-process.mjs").ServerProcess} limited
 * @property {import("./server-process.mjs").ServerProcess} unlimited
 */

/**
 * @typedef {object} Measured
 * @property {number[]} alone latencies in milliseconds
 * @property {number[]} meanwhile latencies in milliseconds
 * @property {number[]} listsPerSecond lists that were served
 */

/**
 * @param {{ rounds: number, small: boolean, before: string | undefined }} options `before`: a built checkout of another
 * revision, measured as a further side
 * @returns {Promise<string[][]>}
 */
export async function measureNoisyCustomer({ rounds, small, before }) {
  const agents = small ? 500 : AGENTS;
  const programs = [["gateway", GATEWAY], ...(before === undefined ? [] : [["before", gatewayOf(before)]])];
  const redis = [];
  const sides = [];
  for (const [name = "", program = ""] of programs) {
    const own = await startRedis();
    if (!own) return [["redis-server is not on this machine"]];
    redis.push(own);
    sides.push(await startSide(name, program, { agents, redisUrl: own.url }));
  }
  const rows = [];
  for (const noise of CASES) {
    /** @type {Map<Side, Measured>} */
    const measured = new Map(sides.map((side) => [side, { alone: [], meanwhile: [], listsPerSecond: [] }]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [side, all] of permutationAt([...measured], round)) await measureRound(side, noise, all, small);
    }
    for (const [side, all] of measured) rows.push(tabulate(noise.name, side, all));
  }
  for (const { limited, unlimited } of sides) await Promise.all([limited.stop(), unlimited.stop()]);
  for (const each of redis) await each.stop();
  return [
    ["noise", "side", "lists served/s", "a read alone, ms p50", "p99", "meanwhile, ms p50", "p99", "p99 to p99 alone"],
    ...rows,
  ];
}

/**
 * Starts two gateways over one Redis: the one without limits introduces the agents, which the limits would not allow.
 *
 * @param {string} name
 * @param {string} program
 * @param {{ agents: number, redisUrl: string }} options
 * @returns {Promise<Side>}
 */
async function startSide(name, program, { agents, redisUrl }) {
  const environment = { REDIS_URL: redisUrl };
  const unlimited = await startServer(program, writeSettings({ customers: 2, program, environment }));
  await introduceUsers(
    unlimited.origin,
    Array.from({ length: agents }, (_, index) => index + 1),
  );
  await introduceUsers(unlimited.origin, [1], CALM);
  const settings = writeSettings({ customers: 2, program, environment, hasDefaultLimits: true });
  const limited = await startServer(program, settings);
  return { name, limited, unlimited };
}

/**
 * @param {Side} side
 * @param {Case} noise
 * @param {Measured} all
 * @param {boolean} small
 */
async function measureRound({ limited, unlimited }, { headers = {}, changeMs, hasLimits = false }, all, small) {
  const { origin } = hasLimits ? limited : unlimited;
  const minReads = small ? 5 : 100;
  const windowMs = minReads * INTERVAL_MS;
  const lists = small ? 60 : LISTS;
  const { read, close } = await createReader(origin);
  for (let warmUp = 0; warmUp < 50; warmUp += 1) await read();
  all.alone.push(...(await readUntil(read, delay(windowMs))));

  const { makeNoise, end } = await openNoise(origin, headers);
  const stopChanges = changeMs === undefined ? async () => {} : await startChanges(origin, changeMs);
  const startedMs = performance.now();
  let served = 0;
  const noisy = (async () => {
    do served += lists - (await makeNoise(lists));
    while (!hasLimits && performance.now() - startedMs < windowMs);
    // A burst that the limits cut short is over early; its traces in the reads may not be.
    if (hasLimits) await delay(Math.max(0, startedMs + windowMs - performance.now()));
  })();
  all.meanwhile.push(...(await readUntil(read, noisy)));
  all.listsPerSecond.push(served / ((performance.now() - startedMs) / 1000));
  await stopChanges();
  await end();
  close();
}

/**
 * @param {string} name
 * @param {Side} side
 * @param {Measured} measured
 */
function tabulate(name, { name: side }, { alone, meanwhile, listsPerSecond }) {
  const at = (/** @type {number[]} */ values, /** @type {number} */ share) => percentile(values, share).toFixed(1);
  return [
    name,
    side,
    percentile(listsPerSecond, 0.5).toFixed(0),
    at(alone, 0.5),
    at(alone, 0.99),
    at(meanwhile, 0.5),
    at(meanwhile, 0.99),
    (percentile(meanwhile, 0.99) / percentile(alone, 0.99)).toFixed(2),
  ];
}
