// @ts-check
/** Adds up what the test runners have written to `test-results/`, as one line: `N passed, N failed`. */
import { existsSync, readFileSync } from "node:fs";

// Vitest's report holds its projects in Node, in the browsers and in WebKit; Playwright's holds every browser.
const unit = read("test-results/unit.json");
const e2e = read("test-results/e2e.json")?.stats;
// A run of the chaos is a test.
const chaos = read("test-results/chaos.json");
const passed = (unit?.numPassedTests ?? 0) + (e2e?.expected ?? 0) + (chaos?.passed ?? 0);
const failed = (unit?.numFailedTests ?? 0) + (e2e?.unexpected ?? 0) + (e2e?.flaky ?? 0) + (chaos?.failed ?? 0);
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0 || !unit || !e2e || !chaos) process.exitCode = 1;

/** @param {string} file */
function read(file) {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  // The line below must not hide that there is less to add up.
  console.error(`${file} is missing: its runner has not finished`);
  return undefined;
}
