// @ts-check
/**
 * Measures a customer's reads while one agent of another customer reads 600 lists of 10,000 agents over 60 connections,
 * again and again. No limit rejects a list: what is measured is how the gateway shares its time.
 */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { Worker } from "node:worker_threads";
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { percentile } from "../../../scripts/benchmarks/statistics.mjs";
import { openLoad, toRequest } from "./load.mjs";
import { GATEWAY, gatewayOf, startServer } from "./server-process.mjs";
import { authorize, introduceUsers, writeSettings } from "./settings.mjs";

const AGENTS = 10_000;
const LISTS = 600;
const CONNECTIONS = 60;

/** Time between two reads of the calm customer, in milliseconds. */
const INTERVAL_MS = 50;

/** The calm customer, which has one agent. */
const CALM = "idle-0";

/** Cases by name: the headers of the lists, and the time between two changes of the noisy customer's agents. */
const CASES = {
  "lists of agents that do not change": { headers: {}, changeMs: undefined },
  "the same in gzip": { headers: { "Accept-Encoding": "gzip" }, changeMs: undefined },
  "an agent changes every 20 ms": { headers: {}, changeMs: 20 },
};

/** @typedef {{ headers: Readonly<Record<string, string>>, changeMs: number | undefined }} Case */

/**
 * @typedef {object} Side
 * @property {string} name
 * @property {import("./server-process.mjs").ServerProcess} server
 */

/** @typedef {{ alone: number[], meanwhile: number[], listsPerSecond: number[] }} Measured latencies in milliseconds */

/**
 * @param {{ rounds: number, small: boolean, before: string | undefined }} options `before`: a built checkout of another
 * revision, measured as a further side
 * @returns {Promise<string[][]>}
 */
export async function measureNoisyCustomer({ rounds, small, before }) {
  const agents = small ? 500 : AGENTS;
  const sides = [await startSide("gateway", GATEWAY, agents)];
  if (before !== undefined) sides.push(await startSide("before", gatewayOf(before), agents));
  const rows = [];
  for (const [name, noise] of Object.entries(CASES)) {
    /** @type {Map<Side, Measured>} */
    const measured = new Map(sides.map((side) => [side, { alone: [], meanwhile: [], listsPerSecond: [] }]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [side, all] of permutationAt([...measured], round)) await measureRound(side, noise, all, small);
    }
    for (const [side, all] of measured) rows.push(tabulate(name, side, all));
  }
  for (const { server } of sides) await server.stop();
  return [
    ["noise", "side", "lists/s", "a read alone, ms p50", "p99", "meanwhile, ms p50", "p99", "p99 to p99 alone"],
    ...rows,
  ];
}

/**
 * @param {string} name
 * @param {string} program
 * @param {number} agents
 * @returns {Promise<Side>}
 */
async function startSide(name, program, agents) {
  const server = await startServer(program, writeSettings({ customers: 2, program }));
  await introduceUsers(
    server.origin,
    Array.from({ length: agents }, (_, index) => index + 1),
  );
  await introduceUsers(server.origin, [1], CALM);
  return { name, server };
}

/**
 * @param {Side} side
 * @param {Case} noise
 * @param {Measured} all
 * @param {boolean} small
 */
async function measureRound({ server: { origin } }, { headers, changeMs }, all, small) {
  const minReads = small ? 5 : 100;
  const { read, close } = await createReader(origin);
  for (let warmUp = 0; warmUp < 50; warmUp += 1) await read();
  let isOver = false;
  const rest = (async () => {
    for (let count = 0; count < minReads; count += 1) await delay(INTERVAL_MS);
  })();
  all.alone.push(
    ...(await readUntil(
      read,
      () => isOver,
      rest.then(() => (isOver = true)),
    )),
  );

  const { makeNoise, end } = await openNoise(origin, headers);
  const stopChanges = changeMs === undefined ? async () => {} : await startChanges(origin, changeMs);
  isOver = false;
  const startedMs = performance.now();
  let bursts = 0;
  const noisy = (async () => {
    while (bursts === 0 || performance.now() - startedMs < minReads * INTERVAL_MS) {
      await makeNoise(small ? CONNECTIONS : LISTS);
      bursts += 1;
    }
    isOver = true;
  })();
  all.meanwhile.push(...(await readUntil(read, () => isOver, noisy)));
  const seconds = (performance.now() - startedMs) / 1000;
  all.listsPerSecond.push((bursts * (small ? CONNECTIONS : LISTS)) / seconds);
  await stopChanges();
  await end();
  close();
}

/**
 * Starts a read at each interval, also while earlier reads wait, until it is over.
 *
 * @param {() => Promise<number>} read
 * @param {() => boolean} isOver
 * @param {Promise<unknown>} work
 */
async function readUntil(read, isOver, work) {
  const reads = [];
  while (!isOver()) {
    reads.push(read());
    await delay(INTERVAL_MS);
  }
  await work;
  return Promise.all(reads);
}

/** @param {number} milliseconds */
function delay(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Creates a client that reads one agent of the calm customer: `read` resolves with the milliseconds until the whole response.
 *
 * @param {string} origin
 */
async function createReader(origin) {
  const headers = await authorize(CALM);
  const agent = new Agent({ keepAlive: true });
  const read = () =>
    new Promise((/** @type {(milliseconds: number) => void} */ resolve, reject) => {
      const startedMs = performance.now();
      const sent = request(`${origin}/c/${CALM}/v1/users/1/availability`, { agent, headers }, (response) => {
        response.resume().on("end", () => resolve(performance.now() - startedMs));
        if (response.statusCode !== 200) reject(new Error(`A read was answered with ${response.statusCode}`));
      });
      sent.on("error", reject).end();
    });
  return { read, close: () => agent.destroy() };
}

/**
 * @param {string} origin
 * @param {Readonly<Record<string, string>>} headers
 */
async function openNoise(origin, headers) {
  const { bytes } = toRequest("GET /v1/availabilities", { ...(await authorize()), ...headers });
  /** @type {import("./noise.mjs").Noise} */
  const workerData = {
    port: Number(new URL(origin).port),
    connections: CONNECTIONS,
    request: bytes.toString("latin1"),
  };
  const worker = new Worker(new URL("noise.mjs", import.meta.url), { workerData });
  await once(worker, "message");
  return {
    async makeNoise(/** @type {number} */ lists) {
      worker.postMessage(lists);
      const [failures] = await once(worker, "message");
      if (failures.length > 0) throw new Error(`A list was answered with ${failures[0]}`);
    },
    end: () => worker.terminate(),
  };
}

/**
 * Changes one of the noisy customer's agents at each interval until the caller calls the returned function.
 *
 * @param {string} origin
 * @param {number} intervalMs
 */
async function startChanges(origin, intervalMs) {
  const headers = await authorize();
  const load = await openLoad(origin, 1);
  let isOver = false;
  const changing = (async () => {
    for (let count = 0; !isOver; count += 1) {
      const body = JSON.stringify({ status: count % 2 === 0 ? "other" : "available" });
      await load.ask(toRequest("PUT /v1/users/1/availability", headers, { body }));
      await delay(intervalMs);
    }
  })();
  return async () => {
    isOver = true;
    await changing;
    load.close();
  };
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
