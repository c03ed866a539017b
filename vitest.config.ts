import { availableParallelism } from "node:os";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { BROWSER_ARGUMENTS, chooseEngines } from "./scripts/testing/browsers.mjs";
import { findFreePort } from "./scripts/testing/local-server.ts";
import { RUNS_FACTOR } from "./scripts/testing/property-runs.ts";
import { define } from "./vite.config.ts";

const { chromiums, firefox, webKit } = chooseEngines();

const chromiumInstances = chromiums.map(({ kind, executablePath, environment }) => ({
  name: `chromium-${kind}`,
  browser: "chromium" as const,
  provider: playwright({
    launchOptions: { executablePath, env: { ...process.env, ...environment }, args: BROWSER_ARGUMENTS },
  }),
}));

const firefoxInstance = {
  name: "firefox",
  browser: "firefox" as const,
  provider: playwright({ launchOptions: { channel: "moz-firefox", ...(firefox && { executablePath: firefox }) } }),
};

/** Over the built files, as the end-to-end tests, which no other runner here can drive WebKit for. */
const webKitProject = {
  extends: true as const,
  test: {
    name: "webkit",
    environment: "node",
    include: ["e2e/webkit/*.test.ts"],
    globalSetup: ["./e2e/webkit/session.setup.ts"],
    // There is one browser, with one page, and nothing else should slow it down.
    fileParallelism: false,
    sequence: { groupOrder: 1 },
    expect: { poll: { timeout: 10_000 } },
  },
};

/** Over the built gateway as an operator runs it: several processes, which the tests kill. */
const processesProject = {
  extends: true as const,
  test: {
    name: "processes",
    environment: "node",
    include: ["gateway/test/faults/*.test.ts"],
    // The test of idle connections waits for most of its time, so that another file can run beside it.
    maxWorkers: 2,
    sequence: { groupOrder: 2 },
    testTimeout: 120_000,
    expect: { poll: { timeout: 30_000, interval: 50 } },
  },
};

/** Takes React 19 in place of React 18, also within `react-dom`. */
const react19 = [
  { find: /^react(?=$|\/)/, replacement: "react-19" },
  { find: /^react-dom(?=$|\/)/, replacement: "react-dom-19" },
];

/** The port of the browser tests' own page, which the widget's list of origins has to name before there is a page. */
const testPagePort = await findFreePort();
const react19PagePort = await findFreePort();

export default defineConfig({
  define,
  test: {
    // On two cores Vitest itself would leave one idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // For a machine that has much else to do: no test waits for time to pass.
    testTimeout: 30_000 * Math.max(1, RUNS_FACTOR),
    reporters: ["default", "json"],
    outputFile: { json: "test-results/unit.json" },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          environment: "node",
          // Each file has a thread of its own, which starts faster than a process.
          pool: "threads",
          setupFiles: ["./scripts/testing/properties.setup.ts"],
          include: ["{shared,host,widget,testing,gateway,scripts,docs,e2e/chaos,e2e/soak,e2e/model}/**/*.test.ts"],
          exclude: ["**/*.browser.test.ts", "gateway/test/faults/**"],
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: ["{shared,host,widget}/**/*.browser.test.ts"],
          globalSetup: ["./e2e/fixtures/widget-site.setup.ts"],
          provide: { testPagePort, reactVersion: "18" },
          browser: {
            enabled: true,
            headless: true,
            api: { port: testPagePort, strictPort: true },
            screenshotFailures: false,
            instances: [...chromiumInstances, ...(firefox ? [firefoxInstance] : [])],
          },
        },
      },
      {
        extends: true,
        resolve: { alias: react19 },
        test: {
          name: "react-19",
          include: ["host/frameworks/react.browser.test.ts"],
          globalSetup: ["./e2e/fixtures/widget-site.setup.ts"],
          provide: { testPagePort: react19PagePort, reactVersion: "19" },
          browser: {
            enabled: true,
            headless: true,
            api: { port: react19PagePort, strictPort: true },
            screenshotFailures: false,
            instances: chromiumInstances.slice(0, 1).map((instance) => ({ ...instance, name: "react-19-chromium" })),
          },
        },
      },
      ...(webKit ? [webKitProject] : []),
      processesProject,
    ],
  },
});
