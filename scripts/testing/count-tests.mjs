// @ts-check
/**
 * Adds up the test runners' reports in `test-results/`, as one line: `N passed, N failed`. With `--names`, prints the
 * sorted names of all cases, one a line, to compare two runs: `diff before.txt after.txt`.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

// Vitest's first report holds the projects in Node, in the browsers and in WebKit; Playwright's holds every browser.
const unit = read("test-results/unit.json");
const processes = read("test-results/processes.json");
const e2e = read("test-results/e2e.json");
if (process.argv.includes("--names")) printNames();
else printCount();

function printCount() {
  // A run of the chaos counts as a test.
  const chaos = read("test-results/chaos.json");
  const { expected = 0, unexpected = 0, flaky = 0 } = e2e?.stats ?? {};
  const vitest = [unit, processes];
  const passed = sum(vitest.map((report) => report?.numPassedTests)) + expected + (chaos?.passed ?? 0);
  const failed = sum(vitest.map((report) => report?.numFailedTests)) + unexpected + flaky + (chaos?.failed ?? 0);
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0 || !unit || !processes || !e2e || !chaos) process.exitCode = 1;
}

function printNames() {
  const inVitest = [unit, processes].flatMap((report) => report?.testResults ?? []).flatMap(listVitestNames);
  const inPlaywright = (e2e?.suites ?? []).flatMap((/** @type {Suite} */ suite) => listPlaywrightNames(suite, []));
  for (const name of [...inVitest, ...inPlaywright].sort((a, b) => a.localeCompare(b))) console.log(name);
}

/**
 * @typedef {object} Suite a file or a group of Playwright's report
 * @property {string} title
 * @property {readonly { readonly title: string, readonly tests: readonly { readonly projectName: string }[] }[]} [specs]
 * @property {readonly Suite[]} [suites]
 */

/** @param {{ name: string, assertionResults: readonly { fullName: string }[] }} file */
function listVitestNames({ name, assertionResults }) {
  return assertionResults.map(({ fullName }) => `${path.relative(process.cwd(), name)} > ${fullName}`);
}

/**
 * @param {Suite} suite
 * @param {readonly string[]} around titles of the enclosing suites
 * @returns {string[]}
 */
function listPlaywrightNames({ title, specs = [], suites = [] }, around) {
  const titles = [...around, title];
  return [
    ...specs.flatMap((spec) =>
      spec.tests.map(({ projectName }) => [...titles, spec.title, `[${projectName}]`].join(" > ")),
    ),
    ...suites.flatMap((suite) => listPlaywrightNames(suite, titles)),
  ];
}

/** @param {readonly (number | undefined)[]} counts */
function sum(counts) {
  return counts.reduce((/** @type {number} */ total, count = 0) => total + count, 0);
}

/** @param {string} file */
function read(file) {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  // A missing report must not pass for fewer tests.
  console.error(`${file} is missing: its runner has not finished`);
  return undefined;
}
