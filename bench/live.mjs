// @ts-check
/** `npm run bench:live [-- --rounds 5 --only delivery,badges,idle --record]`: needs a build, prints tables. What they mean: `bench/README.md`. */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { describeEnvironment } from "./browser.mjs";
import { measureBadges } from "./live/badges.mjs";
import { measureDelivery } from "./live/delivery.mjs";
import { measureIdle } from "./live/idle.mjs";
import { printTable, recordTable } from "./table.mjs";

const MEASUREMENTS = {
  delivery: { title: "From a change to the listener", measure: measureDelivery },
  badges: { title: "A thousand badges", measure: measureBadges },
  idle: { title: "An hour with a thousand watches", measure: measureIdle },
};

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: Object.keys(MEASUREMENTS).join(",") },
    record: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const wanted = values.only.split(",");
if (!Number.isInteger(rounds) || rounds < 1 || !wanted.every((name) => Object.hasOwn(MEASUREMENTS, name))) {
  console.error(
    `Expected --rounds with a whole number of at least 1, and --only with some of ${Object.keys(MEASUREMENTS).join(",")}`,
  );
  process.exit(2);
}

console.log(`${await describeEnvironment()}, load ${loadavg()[0]?.toFixed(1)}`);
for (const [name, { title, measure }] of Object.entries(MEASUREMENTS)) {
  if (!wanted.includes(name)) continue;
  const rows = await measure(rounds);
  printTable(`${title}, ${rounds} rounds`, rows);
  if (values.record) recordTable(name, rows);
}
