// @ts-check
/**
 * Measures changes × readers delivered per second, and the time from a `PUT` to the last reader, against a bare writer
 * of the same bytes.
 */
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { describeRatios, median, percentile } from "../../../scripts/benchmarks/statistics.mjs";
import { createChanges, makeChanges, startBareStreamer, startStreamingGateway } from "./changes.mjs";
import { gatewayOf } from "./server-process.mjs";

/**
 * The control is a second bare writer in its own process, `before` the gateway of another checkout, if there is one.
 *
 * @typedef {"bare" | "control" | "gateway" | "before"} Side
 */

/**
 * @typedef {{ perSecond: number, cpuUs: number, bytes: number, latenciesMs: number[] }} Measured deliveries per second;
 * per delivery, the server's microseconds and the bytes on the wire
 */

/**
 * @param {{ rounds: number, small: boolean, before: string | undefined }} options `before`: a built checkout of another
 * revision, measured as a further side
 * @returns {Promise<string[][]>}
 */
export async function measureFanOut({ rounds, small, before }) {
  const gateway = await startStreamingGateway();
  const sides = {
    bare: await startBareStreamer(),
    control: await startBareStreamer(),
    gateway,
    // Not measured if there is no such checkout.
    before: before === undefined ? gateway : await startStreamingGateway({}, gatewayOf(before)),
  };
  /** @type {readonly Side[]} */
  const names = ["bare", "control", "gateway", ...(before === undefined ? [] : /** @type {const} */ (["before"]))];
  // Of each side its own: a change to the status that the side has already would reach no reader.
  const next = {
    bare: await createChanges(),
    control: await createChanges(),
    gateway: await createChanges(),
    before: await createChanges(),
  };
  const rows = [];
  for (const count of small ? [100] : [100, 1000, 5000]) {
    /** @type {Record<Side, Measured>[]} */
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      /** @type {Partial<Record<Side, Measured>>} */
      const results = {};
      for (const side of permutationAt(names, round)) {
        results[side] = await measureSide(sides[side], next[side], count, small ? 20 : Math.ceil(100_000 / count));
      }
      measured.push(/** @type {Record<Side, Measured>} */ (results));
    }
    rows.push(tabulate(count, measured, before !== undefined));
  }
  for (const name of names) await sides[name].server.stop();
  const column = (/** @type {string} */ head) => (before === undefined ? [] : [head]);
  return [
    [
      "streams",
      "bare/s",
      "gateway to bare, deliveries/s",
      ...column("before to bare"),
      "bare to itself",
      "CPU µs a delivery: bare",
      "gateway",
      ...column("before"),
      "CPU: bare to gateway",
      ...column("bare to before"),
      "`PUT` to last reader, p50 ms: bare",
      "gateway",
      ...column("before"),
      "p99: bare",
      "gateway",
      ...column("before"),
      "bytes: bare",
      "gateway",
    ],
    ...rows,
  ];
}

/**
 * @param {import("./changes.mjs").Streamer} streamer
 * @param {() => import("./load.mjs").Request} next
 * @param {number} count
 * @param {number} changes
 * @returns {Promise<Measured>}
 */
async function measureSide(streamer, next, count, changes) {
  const readers = await streamer.open(count);
  const warmUp = Math.ceil(changes / 4);
  await makeChanges(streamer, { readers, next, told: 0, changes: warmUp, ahead: 4 });
  const bytesBefore = readers.bytes();
  const before = await streamer.server.usage();
  const { elapsedMs } = await makeChanges(streamer, { readers, next, told: warmUp, changes, ahead: 4 });
  const after = await streamer.server.usage();
  const deliveries = changes * count;
  const bytes = (readers.bytes() - bytesBefore) / deliveries;
  const alone = Math.max(20, Math.min(100, changes));
  const { latenciesMs } = await makeChanges(streamer, {
    readers,
    next,
    told: warmUp + changes,
    changes: alone,
    ahead: 1,
  });
  readers.close();
  return {
    perSecond: (deliveries / elapsedMs) * 1000,
    cpuUs: ((after.cpuMs - before.cpuMs) / deliveries) * 1000,
    bytes,
    latenciesMs,
  };
}

/**
 * @param {number} count
 * @param {readonly Record<Side, Measured>[]} measured
 * @param {boolean} hasBefore
 */
function tabulate(count, measured, hasBefore) {
  /** @type {readonly Side[]} */
  const sides = hasBefore ? ["gateway", "before"] : ["gateway"];
  /** @type {readonly Side[]} */
  const withBare = ["bare", ...sides];
  const middle = (/** @type {Side} */ side, /** @type {"perSecond" | "cpuUs" | "bytes"} */ what, digits = 1) =>
    median(measured.map((round) => round[side][what])).toFixed(digits);
  const latency = (/** @type {Side} */ side, /** @type {number} */ share) =>
    percentile(
      measured.flatMap((round) => round[side].latenciesMs),
      share,
    ).toFixed(1);
  const rates = (/** @type {Side} */ side) =>
    describeRatios(measured.map((round) => round[side].perSecond / round.bare.perSecond));
  const costs = (/** @type {Side} */ side) =>
    describeRatios(measured.map((round) => round.bare.cpuUs / round[side].cpuUs));
  return [
    `${count}`,
    middle("bare", "perSecond", 0),
    ...sides.map(rates),
    rates("control"),
    ...withBare.map((side) => middle(side, "cpuUs")),
    ...sides.map(costs),
    ...withBare.map((side) => latency(side, 0.5)),
    ...withBare.map((side) => latency(side, 0.99)),
    middle("bare", "bytes"),
    middle("gateway", "bytes"),
  ];
}
