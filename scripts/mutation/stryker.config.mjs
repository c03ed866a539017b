// @ts-check
/** Configuration of Stryker, which `run.mjs` starts: what is mutated, and how a mutant is tested. */

/** Folder of Stryker itself, its reports and the results of earlier runs, from the repository's root. */
export const FOLDER = "node_modules/.cache/mutation";

/** Files that are never mutated: tests, their helpers, types, and code for which only the browser tests have a document. */
export const EXCLUDED = [
  "!**/*.test.ts",
  "!**/*.test-d.ts",
  "!**/test-*.ts",
  "!**/*.d.ts",
  "!host/connection/frame.ts",
  "!host/connection/frame-position.ts",
  "!widget/live/tabs/open-worker.ts",
  "!widget/live/tabs/page-lifecycle.ts",
];

export default {
  plugins: [`${import.meta.dirname}/../../${FOLDER}/node_modules/@stryker-mutator/vitest-runner/dist/src/index.js`],
  mutate: [
    "shared/**/*.ts",
    "host/connection/**/*.ts",
    "host/request/**/*.ts",
    "host/token/**/*.ts",
    "host/create-connector.ts",
    "host/listeners.ts",
    "host/watch/watch-list.ts",
    "host/watch/watched-user.ts",
    "widget/live/**/*.ts",
    ...EXCLUDED,
  ],
  testRunner: "vitest",
  vitest: { configFile: "scripts/mutation/vitest.config.ts" },
  coverageAnalysis: "perTest",
  // A static mutant would need all tests again, in a new process.
  ignoreStatic: true,
  concurrency: 1,
  // Above the time that a busy machine may add to the tests of one mutant. Only an endless loop takes as long.
  timeoutMS: 20_000,
  incremental: true,
  incrementalFile: `${FOLDER}/results.json`,
  // Within node_modules Vitest would not transform the code.
  tempDirName: ".cache/mutation",
  // The built gateway is copied, since some tests of the live part start it.
  ignorePatterns: ["/dist", "/test-results", "/playwright-report", ".cache"],
  // There is no such file: Stryker would rewrite it with TypeScript's API, which TypeScript 7 does not have.
  tsconfigFile: "tsconfig.none.json",
  reporters: ["clear-text", "progress-append-only", "html", "json"],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: `${FOLDER}/report.html` },
  jsonReporter: { fileName: `${FOLDER}/report.json` },
  thresholds: { high: 96, low: 92, break: 92 },
};
