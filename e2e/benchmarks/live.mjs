// @ts-check
/**
 * `npm run bench:live [-- --rounds 5 --only delivery,badges,rows,heap,idle --record --before ../another-checkout]`: needs a
 * build, prints tables.
 * `docs/benchmarks.md` explains them.
 */
import { loadavg } from "node:os";
import { readCommand, runMeasurements } from "../../scripts/benchmarks/command.mjs";
import { describeEnvironment } from "./browser.mjs";
import { measureBadges } from "./live/badges.mjs";
import { measureDelivery } from "./live/delivery.mjs";
import { measureHeap } from "./live/heap.mjs";
import { measureIdle } from "./live/idle.mjs";
import { measureRows } from "./live/rows.mjs";

const MEASUREMENTS = {
  delivery: { title: "From a change to the listener", measure: measureDelivery },
  badges: { title: "A thousand badges", measure: measureBadges },
  rows: { title: "A table of 5,000 rows", measure: measureRows },
  heap: { title: "Heaps of a thousand watches", measure: measureHeap },
  idle: { title: "An hour with a thousand watches", measure: measureIdle },
};

const command = readCommand(Object.keys(MEASUREMENTS), { rounds: 5, flag: "record", path: "before" });

console.log(`${await describeEnvironment()}, load ${loadavg()[0]?.toFixed(1)}`);
await runMeasurements(MEASUREMENTS, command, ({ measure }) => measure(command.rounds, command.path), {
  isRecorded: command.hasFlag,
});
