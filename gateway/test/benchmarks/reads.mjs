// @ts-check
/**
 * Measures single reads, conditional reads and batches: requests per second against a bare Hono route with the same
 * JSON.
 */
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { describeRatios, median } from "../../../scripts/benchmarks/statistics.mjs";
import { bundleProgram } from "./bundle.mjs";
import { openLoad, repeated, toRequest } from "./load.mjs";
import { GATEWAY, startServer } from "./server-process.mjs";
import { authorize, introduceUsers, writeSettings } from "./settings.mjs";

const CONNECTIONS = 16;

/**
 * The control is a second bare route in a separate process: the ratio shows the noise. The first gateway logs each
 * request, the second logs none.
 */
const SIDES = /** @type {const} */ (["bare", "control", "gateway", "unlogged"]);

const PATH = "/v1/users/123/availability";

/** Number of users in a batch. */
const BATCHES = [100, 500];

const USERS = Array.from({ length: 500 }, (_, index) => index + 1);

/** @typedef {typeof SIDES[number]} Side */

/** @typedef {{ server: import("./server-process.mjs").ServerProcess, load: import("./load.mjs").Load }} Running */

/** @typedef {{ elapsedMs: number, cpuMs: number, loadCpuMs: number }} Cost time, and processor time of the server and of this process */

/**
 * @param {{ rounds: number, small: boolean }} options
 * @returns {Promise<string[][]>}
 */
export async function measureReads({ rounds, small }) {
  const servers = await startSides();
  const rows = [];
  for (const { name, request, weight } of await describeCalls(servers)) {
    const shape = { requests: Math.ceil((small ? 200 : 2000) / weight), blocks: small ? 2 : 12 };
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      measured.push(await measureRound(servers, request, { ...shape, round }));
    }
    rows.push(tabulate(name, measured));
  }
  for (const { load, server } of Object.values(servers)) {
    load.close();
    await server.stop();
  }
  const ratios = ["gateway to bare", "without a log", "bare to itself"];
  const costs = ["CPU µs bare", "gateway", "without a log", "load", "CPU bare to gateway", "without a log"];
  return [["call", "bare/s", "gateway/s", ...ratios, ...costs], ...rows];
}

/** @returns {Promise<Record<Side, Running>>} */
async function startSides() {
  const gateway = await startServer(GATEWAY, writeSettings());
  const unlogged = await startServer(GATEWAY, writeSettings({ environment: { LOG_LEVEL: "warn" } }));
  for (const { origin } of [gateway, unlogged]) await introduceUsers(origin, USERS);
  const bare = await bundleProgram("gateway/test/benchmarks/bare/hono.ts");
  const environment = { BARE_ANSWERS: JSON.stringify(await collectAnswers(gateway.origin)) };
  const control = await startServer(bare, environment);
  const floor = await startServer(bare, environment);
  return {
    gateway: await openSide(gateway),
    unlogged: await openSide(unlogged),
    bare: await openSide(floor),
    control: await openSide(control),
  };
}

/**
 * Fetches a gateway's responses, by path.
 *
 * @param {string} origin
 */
async function collectAnswers(origin) {
  const headers = await authorize();
  const load = await openLoad(origin, 1);
  /** @type {Record<string, unknown>} */
  const answers = {};
  for (const path of [PATH, ...BATCHES.map(toBatchPath)]) {
    answers[path] = JSON.parse((await load.ask(toRequest(`GET ${path}`, headers))).body);
  }
  load.close();
  return answers;
}

/**
 * @param {import("./server-process.mjs").ServerProcess} server
 * @returns {Promise<Running>}
 */
async function openSide(server) {
  const load = await openLoad(server.origin, CONNECTIONS);
  // New connections per side: an idle connection is closed after 10 s, and the other sides may take longer on a busy
  // machine.
  await load.run(repeated(toRequest(`GET ${PATH}`, await authorize()), CONNECTIONS));
  return { server, load };
}

/** @param {number} count */
function toBatchPath(count) {
  return `/v1/availabilities?userIds=${USERS.slice(0, count).join(",")}`;
}

/**
 * Builds the calls, which are the same for every side. A call of weight 10 is made a tenth as often.
 *
 * @param {Record<Side, Running>} sides
 */
async function describeCalls(sides) {
  const headers = await authorize();
  const read = toRequest(`GET ${PATH}`, headers);
  // The two gateways have different versions, and a client with both ETags sends both.
  const bodies = await Promise.all(SIDES.map(async (side) => (await sides[side].load.ask(read)).body));
  const held = [...new Set(bodies.map((body) => `"${JSON.parse(body).version}"`))].join(", ");
  return [
    { name: "one user", request: read, weight: 1 },
    {
      name: "one user, 304",
      request: toRequest(`GET ${PATH}`, { ...headers, "If-None-Match": held }, { expects: 304 }),
      weight: 1,
    },
    ...BATCHES.map((count) => {
      return { name: `${count} users`, request: toRequest(`GET ${toBatchPath(count)}`, headers), weight: count / 5 };
    }),
  ];
}

/**
 * @param {Record<Side, Running>} sides
 * @param {import("./load.mjs").Request} request
 * @param {{ requests: number, blocks: number, round: number }} options
 */
async function measureRound(sides, request, { requests, blocks, round }) {
  const totals = { bare: zero(), control: zero(), gateway: zero(), unlogged: zero() };
  for (let block = -1; block < blocks; block += 1) {
    for (const side of permutationAt(SIDES, round * blocks + block + 1)) {
      // The first block warms up the compiler.
      if (block < 0) await sides[side].load.run(repeated(request, requests * 3));
      else await addCost(totals[side], sides[side], repeated(request, requests));
    }
  }
  const toRate = (/** @type {Side} */ side) => {
    const { elapsedMs, cpuMs, loadCpuMs } = totals[side];
    const count = requests * blocks;
    const toMicroseconds = (/** @type {number} */ milliseconds) => (milliseconds / count) * 1000;
    return {
      perSecond: (count / elapsedMs) * 1000,
      cpuUs: toMicroseconds(cpuMs),
      loadCpuUs: toMicroseconds(loadCpuMs),
    };
  };
  return {
    bare: toRate("bare"),
    control: toRate("control"),
    gateway: toRate("gateway"),
    unlogged: toRate("unlogged"),
  };
}

/** @returns {Cost} */
function zero() {
  return { elapsedMs: 0, cpuMs: 0, loadCpuMs: 0 };
}

/**
 * @param {Cost} total
 * @param {Running} side
 * @param {() => import("./load.mjs").Request | undefined} next
 */
async function addCost(total, { server, load }, next) {
  const before = await server.usage();
  const ownBefore = process.cpuUsage();
  total.elapsedMs += await load.run(next);
  const own = process.cpuUsage(ownBefore);
  const after = await server.usage();
  total.cpuMs += after.cpuMs - before.cpuMs;
  total.loadCpuMs += (own.user + own.system) / 1000;
}

/**
 * @param {string} name
 * @param {readonly Awaited<ReturnType<typeof measureRound>>[]} measured
 */
function tabulate(name, measured) {
  const middle = (/** @type {Side} */ side, /** @type {"perSecond" | "cpuUs" | "loadCpuUs"} */ what, digits = 1) =>
    median(measured.map((round) => round[side][what])).toFixed(digits);
  const rates = (/** @type {Side} */ side) =>
    describeRatios(measured.map((round) => round[side].perSecond / round.bare.perSecond));
  const costs = (/** @type {Side} */ side) =>
    describeRatios(measured.map((round) => round.bare.cpuUs / round[side].cpuUs));
  return [
    name,
    middle("bare", "perSecond", 0),
    middle("gateway", "perSecond", 0),
    rates("gateway"),
    rates("unlogged"),
    rates("control"),
    middle("bare", "cpuUs"),
    middle("gateway", "cpuUs"),
    middle("unlogged", "cpuUs"),
    middle("gateway", "loadCpuUs"),
    costs("gateway"),
    costs("unlogged"),
  ];
}
