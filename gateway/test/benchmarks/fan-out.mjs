// @ts-check
/**
 * Measures changes × readers delivered per second, and the time from a `PUT` to the last reader, against a bare writer
 * of the same bytes.
 */
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { describeRatios, median, percentile } from "../../../scripts/benchmarks/statistics.mjs";
import { createChanges, makeChanges, startBareStreamer, startStreamingGateway } from "./changes.mjs";

/** The control is a second bare writer in its own process. */
const SIDES = /** @type {const} */ (["bare", "control", "gateway"]);

/** @typedef {typeof SIDES[number]} Side */

/**
 * @typedef {{ perSecond: number, cpuUs: number, bytes: number, latenciesMs: number[] }} Measured deliveries per second;
 * per delivery, the server's microseconds and the bytes on the wire
 */

/**
 * @param {{ rounds: number, small: boolean }} options
 * @returns {Promise<string[][]>}
 */
export async function measureFanOut({ rounds, small }) {
  const sides = {
    bare: await startBareStreamer(),
    control: await startBareStreamer(),
    gateway: await startStreamingGateway(),
  };
  const next = { bare: await createChanges(), control: await createChanges(), gateway: await createChanges() };
  const rows = [];
  for (const count of small ? [100] : [100, 1000, 5000]) {
    /** @type {Record<Side, Measured>[]} */
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      /** @type {Partial<Record<Side, Measured>>} */
      const results = {};
      for (const side of permutationAt(SIDES, round)) {
        results[side] = await measureSide(sides[side], next[side], count, small ? 20 : Math.ceil(100_000 / count));
      }
      measured.push(/** @type {Record<Side, Measured>} */ (results));
    }
    rows.push(tabulate(count, measured));
  }
  for (const { server } of Object.values(sides)) await server.stop();
  return [
    [
      "streams",
      "bare/s",
      "gateway/s",
      "gateway to bare",
      "bare to itself",
      "CPU µs bare",
      "gateway",
      "CPU bare to gateway",
      "bytes bare",
      "gateway",
      "PUT to last reader p50 ms bare",
      "gateway",
      "p99 ms bare",
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
 */
function tabulate(count, measured) {
  const middle = (/** @type {Side} */ side, /** @type {"perSecond" | "cpuUs" | "bytes"} */ what, digits = 1) =>
    median(measured.map((round) => round[side][what])).toFixed(digits);
  const latency = (/** @type {Side} */ side, /** @type {number} */ share) =>
    percentile(
      measured.flatMap((round) => round[side].latenciesMs),
      share,
    ).toFixed(1);
  return [
    `${count}`,
    middle("bare", "perSecond", 0),
    middle("gateway", "perSecond", 0),
    describeRatios(measured.map(({ gateway, bare }) => gateway.perSecond / bare.perSecond)),
    describeRatios(measured.map(({ control, bare }) => control.perSecond / bare.perSecond)),
    middle("bare", "cpuUs"),
    middle("gateway", "cpuUs"),
    describeRatios(measured.map(({ gateway, bare }) => bare.cpuUs / gateway.cpuUs)),
    middle("bare", "bytes"),
    middle("gateway", "bytes"),
    latency("bare", 0.5),
    latency("gateway", 0.5),
    latency("bare", 0.99),
    latency("gateway", 0.99),
  ];
}
