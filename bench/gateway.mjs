// @ts-check
/** `npm run bench:gateway [-- --rounds 5 --only reads --small]`: needs a build, prints tables. What they mean: `bench/README.md`. */
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { measureFanOut } from "./gateway/fan-out.mjs";
import { measureGrowthWithCustomers, measureGrowthWithStreams } from "./gateway/growth.mjs";
import { measureStreamMemory } from "./gateway/memory.mjs";
import { measureReads } from "./gateway/reads.mjs";
import { measureRedis } from "./gateway/redis.mjs";
import { measureReplica } from "./gateway/replica-heap.mjs";
import { printTable } from "./table.mjs";

const MEASUREMENTS = {
  reads: { title: "Reads", measure: measureReads },
  "fan-out": { title: "Stream fan-out", measure: measureFanOut },
  memory: { title: "Memory of streams", measure: measureStreamMemory },
  streams: { title: "Cost of a change by streams", measure: measureGrowthWithStreams },
  customers: { title: "Cost by idle customers", measure: measureGrowthWithCustomers },
  replica: { title: "Memory of agents", measure: measureReplica },
  redis: { title: "Two gateways with Redis", measure: measureRedis },
};

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: Object.keys(MEASUREMENTS).join(",") },
    small: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const wanted = values.only.split(",");
if (!Number.isInteger(rounds) || rounds < 1 || !wanted.every((name) => Object.hasOwn(MEASUREMENTS, name))) {
  console.error(
    `Expected --rounds with a whole number, and --only with some of ${Object.keys(MEASUREMENTS).join(",")}`,
  );
  process.exit(2);
}

console.log(`Node ${process.versions.node}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`);
for (const [name, { title, measure }] of Object.entries(MEASUREMENTS)) {
  if (wanted.includes(name)) printTable(`${title}, ${rounds} rounds`, await measure({ rounds, small: values.small }));
}
