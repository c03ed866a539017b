// @ts-check
/**
 * Adds up the test runners' reports in `test-results/`, as one line: `N passed, N failed`, after the failed cases with
 * the first line of their errors. With `--names`, prints the sorted names of all cases instead, one a line, to compare
 * two runs: `diff before.txt after.txt`.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";

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
  // The runners' own reports may stand thousands of lines above.
  for (const { name, result, error } of listCases()) {
    if (result === "failed") console.log(`FAILED ${name}: ${error}`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0 || !unit || !processes || !e2e || !chaos) process.exitCode = 1;
}

function printNames() {
  const names = listCases().map(({ name }) => name);
  for (const name of names.sort((a, b) => a.localeCompare(b))) console.log(name);
}

/**
 * @typedef {object} Case
 * @property {string} name file, titles and, for Playwright, the browser's project
 * @property {string} result `failed`, or as its runner names it
 * @property {string} error first line, without colours; empty if it passed
 *
 * @typedef {object} Suite a file or a group of Playwright's report
 * @property {string} title
 * @property {readonly { readonly title: string, readonly tests: readonly PlaywrightTest[] }[]} [specs]
 * @property {readonly Suite[]} [suites]
 *
 * @typedef {object} PlaywrightTest
 * @property {string} projectName
 * @property {"expected" | "unexpected" | "flaky" | "skipped"} status
 * @property {readonly { readonly error?: { readonly message?: string } }[]} results one for each try
 */

/** @returns {Case[]} */
function listCases() {
  const inVitest = [unit, processes].flatMap((report) => report?.testResults ?? []).flatMap(listVitestCases);
  return [...inVitest, ...(e2e?.suites ?? []).flatMap((/** @type {Suite} */ suite) => listPlaywrightCases(suite, []))];
}

/**
 * @param {{ name: string, assertionResults: readonly { fullName: string, status: string, failureMessages: readonly string[] }[] }} file
 * @returns {Case[]}
 */
function listVitestCases({ name, assertionResults }) {
  const file = path.relative(process.cwd(), name);
  return assertionResults.map(({ fullName, status, failureMessages }) => {
    return { name: `${file} > ${fullName}`, result: status, error: toFirstLine(failureMessages[0]) };
  });
}

/**
 * @param {Suite} suite
 * @param {readonly string[]} around titles of the enclosing suites
 * @returns {Case[]}
 */
function listPlaywrightCases({ title, specs = [], suites = [] }, around) {
  const titles = [...around, title];
  const own = specs.flatMap((spec) =>
    spec.tests.map(({ projectName, status, results }) => {
      const error = results.find((each) => each.error)?.error?.message;
      const result = status === "unexpected" || status === "flaky" ? "failed" : status;
      return { name: [...titles, spec.title, `[${projectName}]`].join(" > "), result, error: toFirstLine(error) };
    }),
  );
  return [...own, ...suites.flatMap((suite) => listPlaywrightCases(suite, titles))];
}

/** @param {string | undefined} text */
function toFirstLine(text = "") {
  return stripVTControlCharacters(text).split("\n", 1)[0] ?? "";
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
