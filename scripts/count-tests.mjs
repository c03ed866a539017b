// @ts-check
/** Adds up what the test runners have written to `test-results/`, as one line: `N passed, N failed`. */
import { readFileSync } from "node:fs";

const unit = JSON.parse(readFileSync("test-results/unit.json", "utf8"));
const e2e = JSON.parse(readFileSync("test-results/e2e.json", "utf8")).stats;
const passed = unit.numPassedTests + e2e.expected;
const failed = unit.numFailedTests + e2e.unexpected + e2e.flaky;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
