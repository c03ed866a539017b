/** End-to-end tests over the built files, in each Chromium of the machine where `CI` or `ALL_BROWSERS` says so. */
import { defineConfig } from "@playwright/test";
import { BROWSER_ARGUMENTS, findBrowsers } from "./scripts/browsers.mjs";

const [preferred, ...others] = findBrowsers();
const browsers = process.env["CI"] || process.env["ALL_BROWSERS"] ? [preferred, ...others] : [preferred];

export default defineConfig({
  testDir: "e2e",
  testMatch: "*.spec.ts",
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: Boolean(process.env["CI"]),
  outputDir: "test-results/e2e",
  reporter: [["list"], ["json", { outputFile: "test-results/e2e.json" }]],
  projects: browsers.map(({ kind, executablePath, environment }) => ({
    name: `chromium-${kind}`,
    use: {
      browserName: "chromium" as const,
      launchOptions: { executablePath, args: BROWSER_ARGUMENTS, env: { ...process.env, ...environment } },
    },
  })),
});
