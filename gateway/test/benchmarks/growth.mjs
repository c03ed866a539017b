// @ts-check
/** Measures how the cost of a change grows with the number of open streams and with the number of idle customers. */
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { fitLine, median } from "../../../scripts/benchmarks/statistics.mjs";
import { createChanges, makeChanges, startStreamingGateway } from "./changes.mjs";
import { openLoad, repeated, toRequest } from "./load.mjs";
import { GATEWAY, gatewayOf } from "./server-process.mjs";
import { authorize } from "./settings.mjs";

/**
 * @param {{ rounds: number, small: boolean }} options
 * @returns {Promise<string[][]>}
 */
export async function measureGrowthWithStreams({ rounds, small }) {
  const counts = small ? [50, 100] : [100, 500, 1000, 2500, 5000];
  const gateway = await startStreamingGateway();
  const next = await createChanges();
  /** @type {Map<number, number[]>} */
  const costs = new Map(counts.map((count) => [count, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const count of permutationAt(counts, round))
      costs.get(count)?.push(await measureChange(gateway, next, count, small));
  }
  await gateway.server.stop();
  const points = counts.map((count) => /** @type {const} */ ([count, median(costs.get(count) ?? [])]));
  const { slope, intercept, fit } = fitLine(points);
  return [
    ["streams", "CPU ms a change", "CPU µs a change and stream"],
    ...points.map(([count, cost]) => [`${count}`, cost.toFixed(2), ((cost / count) * 1000).toFixed(2)]),
    ["line", `${intercept.toFixed(2)} + ${(slope * 1000).toFixed(2)} for 1,000`, `R² ${fit.toFixed(4)}`],
  ];
}

/**
 * @param {{ rounds: number, small: boolean, before: string | undefined }} options `before`: a built checkout of another
 * revision, measured as a further side
 * @returns {Promise<string[][]>}
 */
export async function measureGrowthWithCustomers({ rounds, small, before }) {
  const counts = small ? [1, 100] : [1, 100, 1000, 5000];
  const streams = small ? 50 : 500;
  const programs = [GATEWAY, ...(before === undefined ? [] : [gatewayOf(before)])];
  const builds = [];
  for (const program of programs) builds.push(await startGateways(program, counts));
  const read = toRequest("GET /v1/users/1/availability", await authorize());
  const requests = small ? 200 : 20_000;
  for (let round = 0; round < rounds; round += 1) {
    for (const gateways of permutationAt(builds, round)) {
      for (const { gateway, next, changes, reads } of permutationAt(gateways, round)) {
        changes.push(await measureChange(gateway, next, streams, small));
        // Otherwise what the streams have left would be collected during the reads.
        await gateway.server.collect();
        const load = await openLoad(gateway.server.origin, 1);
        await load.run(repeated(read, requests));
        const { cpuMs } = await gateway.server.usage();
        await load.run(repeated(read, requests));
        reads.push(((await gateway.server.usage()).cpuMs - cpuMs) / requests);
        load.close();
      }
    }
  }
  for (const { gateway } of builds.flat()) await gateway.server.stop();
  const columns = builds.map(tabulateCustomers);
  const heads = [`CPU ms a change, ${streams} streams`, "CPU µs a read, one connection", "heap MiB"];
  return [
    [
      "configured customers, all but one idle",
      ...heads,
      ...(before === undefined ? [] : heads.map((head) => `${head}, before`)),
    ],
    ...counts.map((count, index) => [`${count}`, ...columns.flatMap((rows) => rows[index] ?? [])]),
  ];
}

/**
 * Starts a gateway for each number of customers.
 *
 * @param {string} program
 * @param {readonly number[]} counts
 */
function startGateways(program, counts) {
  return Promise.all(
    counts.map(async (customers) => {
      const gateway = await startStreamingGateway({ customers }, program);
      const heapBytes = (await gateway.server.collect()).heapBytes;
      return { gateway, heapBytes, next: await createChanges(), changes: [0].slice(1), reads: [0].slice(1) };
    }),
  );
}

/**
 * Describes the costs of one build's gateways, each also as a multiple of the first gateway's.
 *
 * @param {readonly { changes: number[], reads: number[], heapBytes: number }[]} gateways
 */
function tabulateCustomers(gateways) {
  const [first] = gateways;
  return gateways.map(({ changes, reads, heapBytes }) => [
    `${median(changes).toFixed(2)} (${(median(changes) / median(first?.changes ?? [])).toFixed(2)})`,
    `${(median(reads) * 1000).toFixed(1)} (${(median(reads) / median(first?.reads ?? [])).toFixed(2)})`,
    (heapBytes / 1024 ** 2).toFixed(1),
  ]);
}

/**
 * Measures the processor time of a change with the given number of streams, in milliseconds.
 *
 * @param {import("./changes.mjs").Streamer} gateway
 * @param {() => import("./load.mjs").Request} next
 * @param {number} count
 * @param {boolean} small
 */
async function measureChange(gateway, next, count, small) {
  const readers = await gateway.open(count);
  const changes = small ? 20 : Math.max(20, Math.ceil(100_000 / count));
  await makeChanges(gateway, { readers, next, told: 0, changes, ahead: 4 });
  const before = await gateway.server.usage();
  await makeChanges(gateway, { readers, next, told: changes, changes, ahead: 4 });
  const after = await gateway.server.usage();
  readers.close();
  return (after.cpuMs - before.cpuMs) / changes;
}
