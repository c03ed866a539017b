// @ts-check
/** Measures an agent's share of the memory of each gateway that holds the agent's customer. */
import { fitLine } from "../../../scripts/benchmarks/statistics.mjs";
import { bundleProgram } from "./bundle.mjs";
import { startServer } from "./server-process.mjs";

const COUNTS = [0, 10_000, 50_000, 100_000];

/** @returns {Promise<string[][]>} */
export async function measureReplica() {
  const program = await bundleProgram("gateway/test/benchmarks/bare/replica.ts");
  const points = [];
  for (const count of COUNTS) {
    const server = await startServer(program, { AGENTS: `${count}` });
    points.push({ count, ...(await server.collect()) });
    await server.stop();
  }
  const { slope, fit } = fitLine(points.map(({ count, heapBytes }) => [count, heapBytes]));
  return [
    ["agents in the replica", "heap MiB", "resident MiB"],
    ...points.map(({ count, heapBytes, residentBytes }) => [`${count}`, toMib(heapBytes), toMib(residentBytes)]),
    ["each agent", `${slope.toFixed(0)} bytes`, `R² ${fit.toFixed(4)}`],
  ];
}

/** @param {number} bytes */
function toMib(bytes) {
  return (bytes / 1024 ** 2).toFixed(1);
}
