/** End-to-end tests over the built files, in each browser of the machine with `CI` or `ALL_BROWSERS`. */
import { defineConfig } from "@playwright/test";
import { BROWSER_ARGUMENTS, chooseEngines } from "../scripts/testing/browsers.mjs";

const { chromiums, firefox } = chooseEngines();

/** Tag of tests whose result is the same in every browser: only the first browser runs them. */
const ONCE = /@once/;

/**
 * Chromium loads the popups below its address bar as pages for each new window, which takes longer than most tests. A
 * list here replaces Playwright's own list of disabled features, so Playwright's list (version 1.64.1) is repeated.
 */
const FEATURES_OFF = [
  // Chromium starts a spare renderer after each navigation, and most tests end before they need another renderer.
  "SpareRendererForSitePerProcess",
  "WebUIOmniboxPopup",
  "WebUIOmniboxAimPopup",
  "AimEnabled",
  "AvoidCorsURLLoaderRestartOnRedirect",
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsFirstBalancedModeAutoEnable",
  "HttpsUpgrades",
  "LensOverlay",
  "MediaRouter",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PaintHolding",
  "PreconnectToSearch",
  "TcpPortRandomizationWin",
  "ThirdPartyStoragePartitioning",
  "msEdgeUpdateLaunchServicesPreferredVersion",
  "msForceBrowserSignIn",
];
const chromiumArguments = [...BROWSER_ARGUMENTS, `--disable-features=${FEATURES_OFF.join()}`];

const chromiumProjects = chromiums.map(({ kind, executablePath, environment }, index) => ({
  name: `chromium-${kind}`,
  ...(index > 0 && { grepInvert: ONCE }),
  use: {
    browserName: "chromium" as const,
    launchOptions: { executablePath, args: chromiumArguments, env: { ...process.env, ...environment } },
  },
}));

/** Tag of tests that need Chromium: its debugging protocol, a process to crash, emulated media. */
const CHROMIUM_ONLY = /@chromium/;

const firefoxProject = {
  name: "firefox",
  grepInvert: [CHROMIUM_ONLY, ONCE],
  // Driven Firefox is about three times as slow as Chromium, above all in accessibility scans.
  timeout: 90_000,
  use: {
    browserName: "firefox" as const,
    // WebDriver BiDi works with any Firefox. The alternative needs Playwright's own build.
    channel: "moz-firefox",
    launchOptions: {
      ...(firefox && { executablePath: firefox }),
      // With a process for each site, clicks and keys over WebDriver BiDi do not reach a frame of another site.
      firefoxUserPrefs: { "fission.webContentIsolationStrategy": 0 },
    },
  },
};

export default defineConfig({
  testDir: "specs",
  testMatch: "*.spec.ts",
  fullyParallel: true,
  // On two cores two workers leave a tenth of the time unused.
  workers: 3,
  retries: 0,
  // Generous, because a busy machine must not fail a test.
  expect: { timeout: 15_000 },
  forbidOnly: Boolean(process.env["CI"]),
  outputDir: "../test-results/e2e",
  reporter: [["list"], ["json", { outputFile: "../test-results/e2e.json" }]],
  projects: [...chromiumProjects, ...(firefox ? [firefoxProject] : [])],
});
