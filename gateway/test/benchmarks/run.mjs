// @ts-check
/**
 * `npm run bench:gateway [-- --rounds 5 --only reads --small --record --before ../another-checkout]`: needs a build, prints
 * tables. `docs/benchmarks.md` explains the tables. `--record` writes the tables of reads, fan-out and idle customers
 * into the page.
 */
import { availableParallelism, loadavg } from "node:os";
import { readCommand, runMeasurements } from "../../../scripts/benchmarks/command.mjs";
import { measureChangeCost } from "./change-cost.mjs";
import { measureFanOut } from "./fan-out.mjs";
import { measureGrowthWithCustomers, measureGrowthWithStreams } from "./growth.mjs";
import { measureHistory } from "./history-heap.mjs";
import { measureStreamMemory } from "./memory.mjs";
import { measureNoisyCustomer } from "./noisy.mjs";
import { measurePolls } from "./polls.mjs";
import { measureReads } from "./reads.mjs";
import { measureRedis } from "./redis.mjs";
import { measureReplica } from "./replica-heap.mjs";

const MEASUREMENTS = {
  reads: { title: "Reads", measure: measureReads },
  "fan-out": { title: "Stream fan-out", measure: measureFanOut },
  memory: { title: "Memory of streams", measure: measureStreamMemory },
  streams: { title: "Cost of a change by streams", measure: measureGrowthWithStreams },
  customers: { title: "Cost by idle customers", measure: measureGrowthWithCustomers },
  replica: { title: "Memory of agents", measure: measureReplica },
  history: { title: "Memory of the history", measure: measureHistory },
  noisy: { title: "Reads beside a noisy customer", measure: measureNoisyCustomer },
  redis: { title: "Two gateways with Redis", measure: measureRedis },
  polls: { title: "Polls of 5,000 customers", measure: measurePolls },
  "change-cost": { title: "Cost of a change in Redis", measure: measureChangeCost },
};

/** Measurements with a table in the page. */
const RECORDED = new Set(["reads", "fan-out", "customers"]);

const command = readCommand(Object.keys(MEASUREMENTS), { rounds: 5, flag: "small", path: "before" });

console.log(`Node ${process.versions.node}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`);
const options = { rounds: command.rounds, small: command.hasFlag, before: command.path };
for (const isRecorded of [true, false]) {
  const wanted = command.wanted.filter((name) => RECORDED.has(name) === isRecorded);
  await runMeasurements(MEASUREMENTS, { ...command, wanted }, ({ measure }) => measure(options), {
    isRecorded: isRecorded && command.isRecorded,
  });
}
