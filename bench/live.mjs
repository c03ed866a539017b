// @ts-check
/** `npm run bench:live [-- --rounds 5 --only delivery,badges,idle]`: needs a build, prints tables. What they mean: `bench/README.md`. */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { describeEnvironment } from "./browser.mjs";
import { measureBadges } from "./live/badges.mjs";
import { measureDelivery } from "./live/delivery.mjs";
import { measureIdle } from "./live/idle.mjs";

const MEASUREMENTS = {
  delivery: { title: "From a change to the listener", measure: measureDelivery },
  badges: { title: "A thousand badges", measure: measureBadges },
  idle: { title: "An hour with a thousand watches", measure: measureIdle },
};

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: Object.keys(MEASUREMENTS).join(",") },
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
  if (wanted.includes(name)) print(title, await measure(rounds));
}

/**
 * @param {string} title
 * @param {readonly (readonly string[])[]} rows
 */
function print(title, rows) {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  console.log(`\n${title}, ${rounds} rounds`);
  for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
}
