// @ts-check
/** Measures an open stream's share of a server's memory, against a bare writer's. */
import { fitLine } from "../../../scripts/benchmarks/statistics.mjs";
import { startBareStreamer, startStreamingGateway } from "./changes.mjs";

const KIBIBYTE = 1024;

/** @typedef {{ heapKib: number, residentKib: number }} PerStream slopes over the number of streams, in KiB a stream */

/**
 * @param {{ rounds: number, small: boolean }} options
 * @returns {Promise<string[][]>}
 */
export async function measureStreamMemory({ small }) {
  const counts = small ? [0, 100, 200] : [0, 1000, 2500, 5000];
  const bare = await measureSide(await startBareStreamer(), counts);
  const gateway = await measureSide(await startStreamingGateway(), counts);
  const row = (/** @type {string} */ name, /** @type {keyof PerStream} */ what) => {
    return [name, bare[what].toFixed(1), gateway[what].toFixed(1), (gateway[what] - bare[what]).toFixed(1)];
  };
  return [
    [`KiB a stream, ${counts.at(-1)} streams`, "bare", "gateway", "difference"],
    row("heap and what it holds outside, after a collection", "heapKib"),
    row("resident", "residentKib"),
  ];
}

/**
 * @param {import("./changes.mjs").Streamer} streamer
 * @param {readonly number[]} counts ascending
 * @returns {Promise<PerStream>}
 */
async function measureSide({ server, open }, counts) {
  const groups = [];
  /** @type {(import("./server-process.mjs").Usage & { count: number })[]} */
  const points = [];
  let opened = 0;
  for (const count of counts) {
    groups.push(await open(count - opened));
    opened = count;
    points.push({ count, ...(await server.collect()) });
  }
  for (const readers of groups) readers.close();
  await server.stop();
  const slope = (/** @type {"heapBytes" | "residentBytes"} */ what) =>
    fitLine(points.map((point) => [point.count, point[what]])).slope / KIBIBYTE;
  return { heapKib: slope("heapBytes"), residentKib: slope("residentBytes") };
}
