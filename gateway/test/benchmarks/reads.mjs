// @ts-check
/**
 * Measures single reads, conditional reads and batches: requests per second against a bare Hono route with the same
 * JSON.
 */
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { describeRatios, median } from "../../../scripts/benchmarks/statistics.mjs";
import { bundleProgram } from "./bundle.mjs";
import { openLoad, repeated, toRequest } from "./load.mjs";
import { GATEWAY, gatewayOf, startServer } from "./server-process.mjs";
import { authorize, introduceUsers, writeSettings } from "./settings.mjs";

const CONNECTIONS = 16;

const PATH = "/v1/users/123/availability";

/** Number of users in a batch. */
const BATCHES = [100, 500];

const USERS = Array.from({ length: 500 }, (_, index) => index + 1);

/**
 * The control is a second bare route in a separate process: the ratio shows the noise. The first gateway logs each
 * request, the second logs no request, and `before` is the gateway of the checkout in `--before`, if given.
 *
 * @typedef {"bare" | "control" | "gateway" | "unlogged" | "before"} Side
 */

/** @typedef {{ server: import("./server-process.mjs").ServerProcess, load: import("./load.mjs").Load }} Running */

/** @typedef {{ perSecond: number, cpuUs: number, loadCpuUs: number }} Measured requests per second; per request, microseconds of the server and of this process */

/** @typedef {{ elapsedMs: number, cpuMs: number, loadCpuMs: number }} Cost time, and processor time of the server and of this process */

/**
 * @param {{ rounds: number, small: boolean, before: string | undefined }} options `before`: a built checkout of another
 * revision, measured as a further side
 * @returns {Promise<string[][]>}
 */
export async function measureReads({ rounds, small, before }) {
  const servers = await startSides(before);
  const rows = [];
  for (const { name, request, weight } of await describeCalls(servers)) {
    const shape = { requests: Math.ceil((small ? 200 : 2000) / weight), blocks: small ? 2 : 12 };
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      measured.push(await measureRound(servers, request, { ...shape, round }));
    }
    rows.push(tabulate(name, measured, before !== undefined));
  }
  for (const { load, server } of servers.values()) {
    load.close();
    await server.stop();
  }
  const column = (/** @type {string} */ head) => (before === undefined ? [] : [head]);
  return [
    [
      "call",
      "bare/s",
      "gateway to bare, requests/s",
      ...column("before to bare"),
      "without a log",
      "bare to itself",
      "CPU µs: bare",
      "gateway",
      ...column("before"),
      "without a log",
      "load",
      "CPU: bare to gateway",
      ...column("bare to before"),
      "without a log",
    ],
    ...rows,
  ];
}

/**
 * @param {string | undefined} before
 * @returns {Promise<Map<Side, Running>>}
 */
async function startSides(before) {
  const gateway = await startServer(GATEWAY, writeSettings());
  const unlogged = await startServer(GATEWAY, writeSettings({ environment: { LOG_LEVEL: "warn" } }));
  const earlier = before === undefined ? undefined : await startBefore(before);
  for (const server of [gateway, unlogged, earlier]) if (server) await introduceUsers(server.origin, USERS);
  const bare = await bundleProgram("gateway/test/benchmarks/bare/hono.ts");
  const environment = { BARE_ANSWERS: JSON.stringify(await collectAnswers(gateway.origin)) };
  const control = await startServer(bare, environment);
  const floor = await startServer(bare, environment);
  /** @type {Map<Side, Running>} */
  const sides = new Map([
    ["bare", await openSide(floor)],
    ["control", await openSide(control)],
    ["gateway", await openSide(gateway)],
    ["unlogged", await openSide(unlogged)],
  ]);
  if (earlier) sides.set("before", await openSide(earlier));
  return sides;
}

/** @param {string} before */
function startBefore(before) {
  const program = gatewayOf(before);
  return startServer(program, writeSettings({ program }));
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
 * @param {ReadonlyMap<Side, Running>} sides
 */
async function describeCalls(sides) {
  const headers = await authorize();
  const read = toRequest(`GET ${PATH}`, headers);
  // Each gateway has versions of its own, and a client with several ETags sends them all.
  const bodies = await Promise.all(Array.from(sides.values(), async ({ load }) => (await load.ask(read)).body));
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
 * @param {ReadonlyMap<Side, Running>} sides
 * @param {import("./load.mjs").Request} request
 * @param {{ requests: number, blocks: number, round: number }} options
 * @returns {Promise<(side: Side) => Measured>}
 */
async function measureRound(sides, request, { requests, blocks, round }) {
  const measured = Array.from(sides, ([side, running]) => ({ side, running, total: zero() }));
  for (let block = -1; block < blocks; block += 1) {
    for (const { running, total } of permutationAt(measured, round * blocks + block + 1)) {
      // The first block warms up the compiler.
      if (block < 0) await running.load.run(repeated(request, requests * 3));
      else await addCost(total, running, repeated(request, requests));
    }
  }
  const count = requests * blocks;
  const toMicroseconds = (/** @type {number} */ milliseconds) => (milliseconds / count) * 1000;
  return (wanted) => {
    const { elapsedMs, cpuMs, loadCpuMs } = measured.find(({ side }) => side === wanted)?.total ?? zero();
    return {
      perSecond: (count / elapsedMs) * 1000,
      cpuUs: toMicroseconds(cpuMs),
      loadCpuUs: toMicroseconds(loadCpuMs),
    };
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
 * @param {readonly ((side: Side) => Measured)[]} measured
 * @param {boolean} hasBefore
 */
function tabulate(name, measured, hasBefore) {
  const middle = (/** @type {Side} */ side, /** @type {keyof Measured} */ what, digits = 1) =>
    median(measured.map((round) => round(side)[what])).toFixed(digits);
  const rates = (/** @type {Side} */ side) =>
    describeRatios(measured.map((round) => round(side).perSecond / round("bare").perSecond));
  const costs = (/** @type {Side} */ side) =>
    describeRatios(measured.map((round) => round("bare").cpuUs / round(side).cpuUs));
  /** @type {readonly Side[]} */
  const gateways = hasBefore ? ["gateway", "before", "unlogged"] : ["gateway", "unlogged"];
  return [
    name,
    middle("bare", "perSecond", 0),
    ...gateways.map(rates),
    rates("control"),
    middle("bare", "cpuUs"),
    ...gateways.map((side) => middle(side, "cpuUs")),
    middle("gateway", "loadCpuUs"),
    ...gateways.map(costs),
  ];
}
