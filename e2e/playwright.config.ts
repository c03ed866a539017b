/** End-to-end tests over the built files, in each browser of the machine where `CI` or `ALL_BROWSERS` says so. */
import { defineConfig } from "@playwright/test";
import { BROWSER_ARGUMENTS, chooseEngines } from "../scripts/testing/browsers.mjs";

const { chromiums, firefox } = chooseEngines();

/** A test tagged so says nothing of a browser that another would not say: the first one alone runs it. */
const ONCE = /@once/;

/**
 * The popups below Chromium's address bar are pages of their own, which it loads for each new window: that takes longer than
 * most tests. Naming them replaces what Playwright itself turns off, so that all of its list, of version 1.64.1, stands beside them.
 */
const FEATURES_OFF = [
  // It starts a renderer ahead of its use after each navigation, and most tests end before they need one more.
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

/** A test tagged so needs what only Chromium has: its debugging protocol, a process to crash, emulated media. */
const CHROMIUM_ONLY = /@chromium/;

const firefoxProject = {
  name: "firefox",
  grepInvert: [CHROMIUM_ONLY, ONCE],
  // It is some three times as slow as Chromium when driven, a scan for accessibility above all.
  timeout: 90_000,
  use: {
    browserName: "firefox" as const,
    // Its standard protocol, which a Firefox from anywhere speaks. The other one needs Playwright's own build.
    channel: "moz-firefox",
    launchOptions: {
      ...(firefox && { executablePath: firefox }),
      // With a process for each site, that protocol's clicks and keys do not reach a frame of another site.
      firefoxUserPrefs: { "fission.webContentIsolationStrategy": 0 },
    },
  },
};

export default defineConfig({
  testDir: "specs",
  testMatch: "*.spec.ts",
  fullyParallel: true,
  workers: 2,
  retries: 0,
  // What is waited for comes when it comes: a busy machine must not fail a test.
  expect: { timeout: 15_000 },
  forbidOnly: Boolean(process.env["CI"]),
  outputDir: "../test-results/e2e",
  reporter: [["list"], ["json", { outputFile: "../test-results/e2e.json" }]],
  projects: [...chromiumProjects, ...(firefox ? [firefoxProject] : [])],
});
