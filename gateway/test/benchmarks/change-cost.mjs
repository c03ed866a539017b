// @ts-check
/** Measures the processor time of Redis for a change while several gateways wait for changes. */
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { median } from "../../../scripts/benchmarks/statistics.mjs";
import { bundleProgram } from "./bundle.mjs";
import { startRedis } from "./redis-process.mjs";
import { startServer } from "./server-process.mjs";

const CHANGES_PER_SECOND = 500;

/**
 * The gateways are connections that wait as gateways do, at their pace and, as a further side, without a pace.
 *
 * @param {{ rounds: number, small: boolean }} options
 * @returns {Promise<string[][]>}
 */
export async function measureChangeCost({ rounds, small }) {
  const redis = await startRedis();
  if (!redis) return [["redis-server is not on this machine"]];
  const writerProgram = await bundleProgram("gateway/test/benchmarks/bare/change-writer.ts");
  const environment = { REDIS_URL: redis.url, CHANGES_PER_SECOND: `${CHANGES_PER_SECOND}` };
  const writer = await startServer(writerProgram, environment);
  const readerProgram = await bundleProgram("gateway/test/benchmarks/bare/change-readers.ts");
  const changes = small ? 500 : 5_000;
  const sides = [2, 11, 50].flatMap((gateways) =>
    [true, false].map((isPaced) => ({
      gateways,
      isPaced,
      /** @type {number[]} */ costs: [],
      /** @type {number[]} */ reads: [],
    })),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const { gateways, isPaced, costs, reads } of permutationAt(sides, round)) {
      // The writer's own store waits for changes as well.
      const readers = await startServer(readerProgram, {
        ...environment,
        READERS: `${gateways - 1}`,
        IS_PACED: isPaced ? "yes" : "",
      });
      const before = redis.usage();
      await (await fetch(`${writer.origin}/${changes}`)).text();
      const after = redis.usage();
      costs.push(((after.cpuMs - before.cpuMs) * 1000) / changes);
      reads.push((after.reads - before.reads) / changes);
      await readers.stop();
    }
  }
  await writer.stop();
  await redis.stop();
  return [
    [
      "waiting gateways",
      `CPU µs of Redis for a change, ${CHANGES_PER_SECOND} a second`,
      "reads for a change",
      "CPU µs without a pace",
      "reads without a pace",
    ],
    ...[2, 11, 50].map((gateways) => {
      const own = sides.filter((side) => side.gateways === gateways);
      return [
        `${gateways}`,
        ...own.flatMap(({ costs, reads }) => [median(costs).toFixed(0), median(reads).toFixed(2)]),
      ];
    }),
  ];
}
