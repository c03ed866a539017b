// @ts-check
/** `npm run bench [-- --rounds 9 --only warm,cold]`: needs a build, prints tables. What they mean: `bench/README.md`. */
import { parseArgs } from "node:util";
import { describeEnvironment } from "./browser.mjs";
import { measureCold } from "./cold.mjs";
import { describeRequests } from "./cold-requests.mjs";
import { measureWarm } from "./warm.mjs";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "9" }, only: { type: "string", default: "warm,cold" } },
});
const rounds = Number(values.rounds);
const wanted = values.only.split(",");
if (!Number.isInteger(rounds) || rounds < 1 || !wanted.every((name) => name === "warm" || name === "cold")) {
  console.error("Expected --rounds with a whole number of at least 1, and --only with warm, cold, or both");
  process.exit(2);
}

console.log(await describeEnvironment());
if (wanted.includes("warm")) print("Warm round trip", await measureWarm(rounds));
if (wanted.includes("cold")) {
  print("Cold start", await measureCold(rounds));
  console.log(`\nRequests of one navigation, in the order in which they ended\n${await describeRequests()}`);
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
