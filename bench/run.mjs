// @ts-check
/** `npm run bench [-- --rounds 9 --only warm,cold --record]`: needs a build, prints tables. What they mean: `bench/README.md`. */
import { parseArgs } from "node:util";
import { describeEnvironment } from "./browser.mjs";
import { measureCold } from "./cold.mjs";
import { describeRequests } from "./cold-requests.mjs";
import { printTable, recordTable } from "./table.mjs";
import { measureWarm } from "./warm.mjs";

const MEASUREMENTS = {
  warm: { title: "Warm round trip", measure: measureWarm },
  cold: { title: "Cold start", measure: measureCold },
};

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    only: { type: "string", default: "warm,cold" },
    record: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const wanted = values.only.split(",");
if (!Number.isInteger(rounds) || rounds < 1 || !wanted.every((name) => Object.hasOwn(MEASUREMENTS, name))) {
  console.error("Expected --rounds with a whole number of at least 1, and --only with warm, cold, or both");
  process.exit(2);
}

console.log(await describeEnvironment());
for (const [name, { title, measure }] of Object.entries(MEASUREMENTS)) {
  if (!wanted.includes(name)) continue;
  const rows = await measure(rounds);
  printTable(`${title}, ${rounds} rounds`, rows);
  if (values.record) recordTable(name, rows);
}
if (wanted.includes("cold"))
  console.log(`\nRequests of one navigation, in the order in which they ended\n${await describeRequests()}`);
