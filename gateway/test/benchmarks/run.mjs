// @ts-check
/**
 * `npm run bench:gateway [-- --rounds 5 --only reads --small]`: needs a build, prints tables. `docs/benchmarks.md`
 * explains them.
 */
import { availableParallelism, loadavg } from "node:os";
import { readCommand, runMeasurements } from "../../../scripts/benchmarks/command.mjs";
import { measureFanOut } from "./fan-out.mjs";
import { measureGrowthWithCustomers, measureGrowthWithStreams } from "./growth.mjs";
import { measureHistory } from "./history-heap.mjs";
import { measureStreamMemory } from "./memory.mjs";
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
  redis: { title: "Two gateways with Redis", measure: measureRedis },
};

const command = readCommand(Object.keys(MEASUREMENTS), { rounds: 5, flag: "small" });

console.log(`Node ${process.versions.node}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`);
const options = { rounds: command.rounds, small: command.hasFlag };
await runMeasurements(MEASUREMENTS, command, ({ measure }) => measure(options), { isRecorded: false });
