/** End-to-end tests over the built files, in each browser of the machine with `CI` or `ALL_BROWSERS`. */
import { defineConfig, type Project } from "@playwright/test";
import { BROWSER_ARGUMENTS, chooseEngines } from "../scripts/testing/browsers.mjs";

const { chromiums, firefox } = chooseEngines();

/** Tag of tests with an equal result in every browser: only the first browser runs them. */
const ONCE = /@once/;

/**
 * Chromium loads the popups below its address bar as pages for each new window, longer than most tests take. A
 * list here replaces Playwright's own list of disabled features, so Playwright's list (version 1.64.1) is repeated, but
 * for `ThirdPartyStoragePartitioning`: without the feature, Chromium denies the widget's frame the storage and the shared
 * workers of users' browsers.
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
  "msEdgeUpdateLaunchServicesPreferredVersion",
  "msForceBrowserSignIn",
];
const chromiumArguments = [...BROWSER_ARGUMENTS, `--disable-features=${FEATURES_OFF.join()}`];

/**
 * Playwright's flags (version 1.64.1) for pages, absent from a user's Chromium. Without the flags, Chromium slows timers
 * down in hidden frames and tabs, keeps pages for the way back, ends a flood of messages and of navigations, and blocks
 * popups.
 */
const FLAGS_OFF = [
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--disable-back-forward-cache",
  "--disable-hang-monitor",
  "--disable-ipc-flooding-protection",
  "--disable-popup-blocking",
];

/** Tests of the flags' effects. */
const OWN_FLAGS_ALONE = "**/own-flags.spec.ts";

/**
 * Specs with the browser's own flags: live tabs, timeouts, retries, the lifecycle of a page. The first Chromium runs the
 * specs with those flags alone. Further browsers run all but `OWN_FLAGS_ALONE` like the rest of the specs.
 */
const OWN_FLAGS_SPECS = [
  OWN_FLAGS_ALONE,
  "**/backend-faults.spec.ts",
  "**/frame-faults.spec.ts",
  "**/live-tabs.spec.ts",
  "**/page-lifecycle.spec.ts",
];

/**
 * Tag of tests beyond Chromium's headless shell, the build of the npm package. The shell has no user's settings, and
 * keeps no pages for the way back.
 */
const WHOLE_BROWSER = /@whole-browser/;

/** Tag of tests that need Chromium: the debugging protocol, settings, a process to crash, emulated media. */
const CHROMIUM_ONLY = /@chromium/;

/** Tag of tests that need settings of Firefox. */
const FIREFOX_ONLY = /@firefox/;

const chromiumProjects = chromiums.flatMap(({ kind, executablePath, environment }, index): Project[] => {
  const launchOptions = { executablePath, args: chromiumArguments, env: { ...process.env, ...environment } };
  const use = { browserName: "chromium" as const, launchOptions };
  const name = `chromium-${kind}`;
  if (index > 0) return [{ name, testIgnore: OWN_FLAGS_ALONE, grepInvert: [ONCE, WHOLE_BROWSER], use }];
  return [
    { name, testIgnore: OWN_FLAGS_SPECS, use },
    {
      name: "chromium-own-flags",
      testMatch: OWN_FLAGS_SPECS,
      grepInvert: kind === "bundled" ? [FIREFOX_ONLY, WHOLE_BROWSER] : FIREFOX_ONLY,
      use: { ...use, launchOptions: { ...launchOptions, ignoreDefaultArgs: FLAGS_OFF } },
    },
  ];
});

// Driven Firefox is about three times as slow as Chromium, above all in accessibility scans.
const FIREFOX_TIMEOUT_MS = 90_000;

const useFirefox = (firefoxUserPrefs: Readonly<Record<string, number | boolean>>) => ({
  browserName: "firefox" as const,
  // WebDriver BiDi works with any Firefox. The alternative needs Playwright's own build.
  channel: "moz-firefox",
  launchOptions: { ...(firefox && { executablePath: firefox }), firefoxUserPrefs: { ...firefoxUserPrefs } },
});

const firefoxProjects: readonly Project[] = [
  {
    name: "firefox",
    testIgnore: OWN_FLAGS_ALONE,
    grepInvert: [CHROMIUM_ONLY, ONCE],
    timeout: FIREFOX_TIMEOUT_MS,
    // With a process for each site, clicks and keys over WebDriver BiDi do not reach a frame of a different site.
    use: useFirefox({ "fission.webContentIsolationStrategy": 0 }),
  },
  {
    name: "firefox-own-flags",
    testMatch: OWN_FLAGS_ALONE,
    grepInvert: CHROMIUM_ONLY,
    timeout: FIREFOX_TIMEOUT_MS,
    // Firefox's own values of the preferences by which Playwright's profile keeps timers and pages awake.
    use: useFirefox({
      "dom.disable_open_during_load": true,
      "dom.min_background_timeout_value": 1_000,
      "dom.min_background_timeout_value_without_budget_throttling": 1_000,
      "dom.timeout.enable_budget_timer_throttling": true,
      "layout.testing.top-level-always-active": false,
    }),
  },
];

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
  projects: [...chromiumProjects, ...(firefox ? firefoxProjects : [])],
});
