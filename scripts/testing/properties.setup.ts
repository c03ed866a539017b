/** Configures fast-check for each test file: number of runs, seed, and report. */
import fc, { type RunDetails } from "fast-check";
import { expect } from "vitest";
import { PROPERTY_SEED, RUNS_FACTOR, scaleRuns } from "./property-runs.ts";

/** True if passing properties print seeds. A failure always contains the seed. */
const printsSeeds = Boolean(process.env["CI"]) || RUNS_FACTOR !== 1 || PROPERTY_SEED !== undefined;

/** Prints the seed. Throws the error of fast-check's default report if the property is false. */
function reportProperty(details: RunDetails<unknown>): void {
  const { seed, numRuns, failed, errorInstance } = details;
  if (printsSeeds) console.log(`Property: seed ${seed}, ${numRuns} runs: ${expect.getState().currentTestName}`);
  if (failed) throw new Error(fc.defaultReportMessage(details), { cause: errorInstance });
}

fc.configureGlobal({
  // fast-check's default is 100.
  numRuns: scaleRuns(100),
  ...(PROPERTY_SEED !== undefined && { seed: PROPERTY_SEED }),
  reporter: reportProperty,
});
