// @ts-check
/** The part of the command line that the benchmarks share. */
import { parseArgs } from "node:util";
import { printTable, recordTable } from "./table.mjs";

/**
 * @typedef {object} Command
 * @property {number} rounds
 * @property {readonly string[]} wanted the names of the requested measurements
 * @property {boolean} hasFlag
 * @property {boolean} isRecorded true with `--record`
 * @property {string | undefined} path
 */

/**
 * Reads `--rounds`, `--only` and the benchmark's own flag. If an option is invalid, prints the expected form and ends
 * the process.
 *
 * @param {readonly string[]} names of the measurements
 * @param {{ rounds: number, flag: string, path?: string }} options the default number of rounds, the names of the flag
 * and of the path
 * @returns {Command}
 */
export function readCommand(names, { rounds: defaultRounds, flag, path }) {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: `${defaultRounds}` },
      only: { type: "string", default: names.join() },
      record: { type: "boolean", default: false },
      [flag]: { type: "boolean", default: false },
      ...(path && { [path]: { type: "string" } }),
    },
  });
  const rounds = Number(values["rounds"]);
  const wanted = `${values["only"]}`.split(",");
  if (!Number.isInteger(rounds) || rounds < 1 || !wanted.every((name) => names.includes(name))) {
    console.error(`Expected --rounds with a whole number of at least 1, and --only with some of ${names.join()}`);
    process.exit(2);
  }
  const given = path === undefined ? undefined : values[path];
  return {
    rounds,
    wanted,
    hasFlag: values[flag] === true,
    isRecorded: values["record"] === true,
    path: typeof given === "string" ? given : undefined,
  };
}

/**
 * Runs the requested measurements and prints every table as soon as its measurement has ended.
 *
 * @template {{ title: string }} Measurement
 * @param {Readonly<Record<string, Measurement>>} measurements
 * @param {Command} command
 * @param {(measurement: Measurement) => Promise<import("./table.mjs").Rows>} measure
 * @param {{ isRecorded: boolean }} options `isRecorded`: also write the tables into `docs/benchmarks.md`
 */
export async function runMeasurements(measurements, { rounds, wanted }, measure, { isRecorded }) {
  for (const [name, measurement] of Object.entries(measurements)) {
    if (!wanted.includes(name)) continue;
    const rows = await measure(measurement);
    printTable(`${measurement.title}, ${rounds} rounds`, rows);
    if (isRecorded) recordTable(name, rows);
  }
}
