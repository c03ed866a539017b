import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { findFreePort } from "./e2e/local-server.ts";
import { BROWSER_ARGUMENTS, findBrowsers } from "./scripts/browsers.mjs";
import { define } from "./vite.config.ts";

/** A developer's run uses one browser; the end-to-end tests and CI use every one that is there. */
const [browser] = findBrowsers();

/** The port of the browser tests' own page, which the widget's list of origins has to name before there is a page. */
const testPagePort = await findFreePort();

export default defineConfig({
  test: {
    // For a machine that has much else to do: no test waits for time to pass.
    testTimeout: 30_000,
    reporters: ["default", ["json", { outputFile: "test-results/unit.json" }]],
    projects: [
      {
        define,
        test: {
          name: "unit",
          environment: "node",
          include: ["{shared,host,widget,gateway,scripts}/**/*.test.ts"],
          exclude: ["**/*.browser.test.ts"],
        },
      },
      {
        define,
        test: {
          name: "browser",
          include: ["{shared,host,widget}/**/*.browser.test.ts"],
          globalSetup: ["./e2e/widget-site.setup.ts"],
          provide: { testPagePort },
          browser: {
            enabled: true,
            headless: true,
            api: { port: testPagePort, strictPort: true },
            screenshotFailures: false,
            instances: [{ browser: "chromium" }],
            provider: playwright({
              launchOptions: {
                executablePath: browser.executablePath,
                env: { ...process.env, ...browser.environment },
                args: BROWSER_ARGUMENTS,
              },
            }),
          },
        },
      },
    ],
  },
});
